import { createHash } from 'node:crypto';
import {
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  print,
  type SelectionSetNode,
  visit,
} from 'graphql';

/** What one has to know of a subscription to share it. */
export interface SubscriptionRequest {
  readonly field: string;
  /** The root field's arguments, defaults filled in. */
  readonly args: Readonly<Record<string, unknown>>;
  /** Those that the operation declares, as they came. What else came with it nobody asks for, and it is not kept. */
  readonly variableValues: Readonly<Record<string, unknown>>;
  /** The same for two subscriptions whose every result is the same, wherever they begin. */
  readonly key: string;
}

/**
 * @param rights what the subscriber may see; subscribers with different rights never share.
 * @returns undefined where the request is not sound; executing it says what is wrong with it.
 */
export function subscriptionRequest(args: ExecutionArgs, rights: string): SubscriptionRequest | undefined {
  const { schema, document, operationName } = args;
  const operation = getOperationAST(document, operationName);
  const field = operation && rootField(document, operation.selectionSet);
  if (!operation || !field) return undefined;
  const definition = schema.getSubscriptionType()?.getFields()[field.name.value];
  const variables = variablesOf(args, operation);
  if (!definition || !variables) return undefined;
  const variableValues = declaredIn(operation, args.variableValues ?? {});
  const asked = askedWith(variableValues, document, field);
  try {
    return {
      field: field.name.value,
      args: getArgumentValues(definition, field, variables),
      variableValues,
      key: digest(JSON.stringify([rights, operationName ?? null, digestOf(document), sorted(asked)])),
    };
  } catch {
    return undefined;
  }
}

function variablesOf({ schema, variableValues }: ExecutionArgs, { variableDefinitions = [] }: OperationDefinitionNode) {
  return getVariableValues(schema, variableDefinitions, { ...variableValues }).coerced;
}

/** Validation has made sure that there is one, at some depth of fragments. */
function rootField(document: DocumentNode, { selections }: SelectionSetNode): FieldNode | undefined {
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) return selection;
    const set =
      selection.kind === Kind.INLINE_FRAGMENT ? selection.selectionSet : fragment(document, selection.name.value);
    const found = set && rootField(document, set);
    if (found) return found;
  }
  return undefined;
}

function fragment(document: DocumentNode, name: string): SelectionSetNode | undefined {
  for (const each of document.definitions) {
    if (each.kind === Kind.FRAGMENT_DEFINITION && each.name.value === name) return each.selectionSet;
  }
  return undefined;
}

function declaredIn({ variableDefinitions = [] }: OperationDefinitionNode, given: Variables): Variables {
  const names = variableDefinitions.map(({ variable }) => variable.name.value);
  return Object.fromEntries(names.filter((name) => Object.hasOwn(given, name)).map((name) => [name, given[name]]));
}

type Variables = SubscriptionRequest['variableValues'];

/** Its variables but for the cursor: where a subscription begins is not what it asks, unless it asks for something else by it. */
function askedWith(variableValues: Variables, document: DocumentNode, field: FieldNode): Variables {
  const asked = { ...variableValues };
  const cursor = field.arguments?.find(({ name }) => name.value === 'after')?.value;
  if (cursor?.kind === Kind.VARIABLE && usesOf(cursor.name.value, document) === 1) delete asked[cursor.name.value];
  return asked;
}

function usesOf(variable: string, document: DocumentNode): number {
  let uses = 0;
  visit(document, {
    VariableDefinition: () => false,
    Variable({ name }) {
      if (name.value === variable) uses += 1;
    },
  });
  return uses;
}

/** Parsed documents are cached by their text, so a popular one is printed once. */
const digests = new WeakMap<DocumentNode, string>();

function digestOf(document: DocumentNode): string {
  const known = digests.get(document) ?? digest(print(document));
  digests.set(document, known);
  return known;
}

/** Keys are kept as long as somebody is subscribed, and what they are made of may be long. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** Clients that name the same variables in another order mean the same. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, each]) => [name, sorted(each)]));
}
