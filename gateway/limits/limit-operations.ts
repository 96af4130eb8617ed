import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DocumentNode, GraphQLError, type GraphQLSchema, getOperationAST, getVariableValues } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { callerOf } from '../caller.ts';
import { requireKnown } from '../persisted/persisted-operations.ts';
import { mayIntrospect, parseBounded, requireIntrospection } from './bounded-document.ts';
import { createBoundedValidation } from './bounded-validation.ts';
import type { Intake } from './intake.ts';
import { type OperationCost, operationCost, requireAffordable } from './operation-cost.ts';

/**
 * The limits of the ordinary way, for HTTP and sockets alike: whether a text may be executed and how large it is, before it is
 * validated; what it costs, before it is executed.
 */
export function limitOperations({ limits, persisted, spend, letThrough }: Intake): Plugin<Asking> {
  const costs = new WeakMap<object, number>();
  const validate = createBoundedValidation();
  return {
    onParse({ context, params: { source }, setParseFn }) {
      const { rights } = callerOf(context.req).identity;
      const asked = typeof source === 'string' ? source : source.body;
      requireKnown(persisted, asked, rights);
      letThrough(asked, context.res);
      setParseFn((text, options) => parseBounded(text, limits.document, options));
      return ({ result }) => {
        if (isDocument(result)) requireIntrospection(result, rights, limits.introspection);
      };
    },
    onValidate({ context, params: { schema, documentAST }, setValidationFn }) {
      setValidationFn(validate);
      const { rights } = callerOf(context.req).identity;
      const toldTo = mayIntrospect(rights, limits.introspection) ? (error: Error) => error : withoutSuggestions;
      return ({ valid, result, setResult }) => {
        if (!valid) {
          setResult(result.map(toldTo));
          return;
        }
        const cost = costOf(schema, documentAST, context.params, toldTo);
        requireAffordable(cost, limits.costMax);
        costs.set(context, cost);
      };
    },
    async onContextBuilding({ context }) {
      await spend(costs.get(context) ?? 0, context.req, context.res);
    },
  };
}

interface Asking {
  readonly req: IncomingMessage;
  /** Of HTTP. */
  readonly res?: ServerResponse;
}

interface Parameters {
  readonly operationName?: string | null | undefined;
  readonly variables?: { readonly [name: string]: unknown } | null | undefined;
}

/** Documents are kept by their texts, so that one is worked out once. */
const known = new WeakMap<DocumentNode, Map<string, OperationCost>>();

const ONE_ERROR = { maxErrors: 1 };

/** @throws GraphQLError where variables are refused, as it may be told. */
function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  { operationName, variables }: Parameters,
  toldTo: (error: Error) => Error,
): number {
  const operation = getOperationAST(document, operationName);
  if (!operation) return 0;
  const costs = known.get(document) ?? new Map<string, OperationCost>();
  known.set(document, costs);
  const cost = costs.get(operationName ?? '') ?? operationCost(schema, document, operation);
  costs.set(operationName ?? '', cost);
  const { coerced, errors } = getVariableValues(
    schema,
    operation.variableDefinitions ?? [],
    variables ?? {},
    ONE_ERROR,
  );
  // The compiler would go on and make an error of each value: a megabyte of them took five seconds.
  if (!coerced) throw errors.map(toldTo)[0];
  return cost(coerced);
}

function isDocument(value: unknown): value is DocumentNode {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

/** Names that are almost right say what the schema has, to those who may not ask. Of a value, what is wrong is in the error's origin. */
function withoutSuggestions(error: Error): Error {
  if (!(error instanceof GraphQLError)) return error;
  const { nodes, source, positions, path, extensions } = error;
  const originalError = error.originalError && withoutSuggestions(error.originalError);
  const message = error.message.replace(/ Did you mean .*\?$/s, '');
  return new GraphQLError(message, { ...(nodes && { nodes }), source, positions, path, extensions, originalError });
}
