import {
  type DocumentNode,
  type GraphQLField,
  type GraphQLSchema,
  getArgumentValues,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { holdsUnstorable } from '../../schema/storable-text.ts';
import { type OperationCost, operationCost } from '../limits/operation-cost.ts';
import { planLatestLmp } from './latest-lmp-plan.ts';
import { planLmpSeries } from './lmp-series-plan.ts';
import { planLmps } from './lmps-plan.ts';
import type { HotStore, PlanRoot, ReadSet, RootPlan } from './root-plan.ts';
import { type Conditions, conditionNames, createSelections, type Selected } from './selection.ts';

/** A query whose every root field has a plan, whatever its variables are. */
export interface HotOperation {
  /** @returns undefined where these variables go the ordinary way: they are refused, or select something that is not hot. */
  bind(variables: Readonly<Record<string, unknown>>): BoundOperation | undefined;
}

export interface BoundOperation extends Computation {
  /** By the table of costs. */
  readonly cost: number;
}

export interface Computation {
  readonly reads: readonly ReadSet[];
  /** The answer, with all that GraphQL says stands in it. @throws whatever a read throws. */
  json(store: HotStore): Promise<string>;
}

const PLANS: Readonly<Record<string, PlanRoot>> = {
  lmps: planLmps,
  lmpSeries: planLmpSeries,
  latestLmp: planLatestLmp,
};

/** So many variables may decide what is selected: each doubles the plans of an operation. */
const CONDITIONS_MAX = 4;

/** @param document validated. @returns undefined where the operation is not a query of hot fields. */
export function createHotOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): HotOperation | undefined {
  const costOf = operationCost(schema, document, operation);
  const names = conditionNames(document);
  if (operation.operation !== 'query' || names.length > CONDITIONS_MAX) return undefined;
  const plans = new Map<string, readonly RootPart[] | undefined>();
  const partsFor = (conditions: Conditions) => {
    const key = names.map((name) => Number(conditions[name])).join('');
    if (!plans.has(key)) plans.set(key, rootParts(schema, document, operation, conditions));
    return plans.get(key);
  };
  // Whatever the conditions are, most documents have none: then this tells at once whether there is a plan.
  if (names.length === 0 && !partsFor({})) return undefined;
  return {
    bind(variables) {
      const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, { maxErrors: 1 });
      const conditions = coerced && conditionsFrom(names, coerced);
      const parts = conditions && partsFor(conditions);
      return parts && bound(parts, coerced, costOf);
    },
  };
}

/** Of the root: what is known already, or a field to be read. */
type RootPart =
  | { readonly key: string; readonly json: string }
  | { readonly key: string; readonly plan: RootPlan; readonly field: AnyField; readonly selected: Selected };

// biome-ignore lint/suspicious/noExplicitAny: fields have arguments of any kind, as graphql-js has it
type AnyField = GraphQLField<any, any>;

function rootParts(
  schema: GraphQLSchema,
  document: DocumentNode,
  { selectionSet }: OperationDefinitionNode,
  conditions: Conditions,
): readonly RootPart[] | undefined {
  const query = schema.getQueryType();
  const selections = createSelections(document, conditions);
  const parts: RootPart[] = [];
  for (const selected of (query && selections.of([selectionSet], query.name)) ?? []) {
    const { key, name } = selected;
    if (name === '__typename') parts.push({ key, json: JSON.stringify(query?.name) });
    else {
      const plan = Object.hasOwn(PLANS, name) ? PLANS[name]?.(selected, selections) : undefined;
      const field = query?.getFields()[name];
      if (!plan || !field) return undefined;
      parts.push({ key, plan, field, selected });
    }
  }
  return parts.length > 0 ? parts : undefined;
}

function conditionsFrom(names: readonly string[], values: Readonly<Record<string, unknown>>): Conditions | undefined {
  const entries = names.map((name) => [name, values[name]] as const);
  return entries.every((entry): entry is readonly [string, boolean] => typeof entry[1] === 'boolean')
    ? Object.fromEntries(entries)
    : undefined;
}

/** @throws GraphQLError, BusbarError where arguments are refused. */
function bound(
  parts: readonly RootPart[],
  variables: { [variable: string]: unknown },
  costOf: OperationCost,
): BoundOperation | undefined {
  const fields = parts.map((part) => {
    if ('json' in part) return part;
    const args = getArgumentValues(part.field, part.selected.field, variables);
    return holdsUnstorable(args) ? undefined : { key: part.key, root: part.plan.bind(args) };
  });
  if (!fields.every((field) => field !== undefined)) return undefined;
  return {
    reads: fields.flatMap((field) => ('root' in field ? [field.root.reads] : [])),
    cost: costOf(variables),
    async json(store) {
      const values = await Promise.all(fields.map((field) => ('root' in field ? field.root.json(store) : field.json)));
      return `{"data":{${fields.map(({ key }, place) => `"${key}":${values[place]}`).join()}}}`;
    },
  };
}

/**
 * Whether a text could be a query of hot fields at all: what could not is not parsed here as well. The shortest are, since balancers
 * ask `{ __typename }` to see whether a gateway is well.
 */
export function couldBeHot(text: string): boolean {
  return text.length <= SHORT || HOT_FIELD.test(text);
}

const SHORT = 64;

const HOT_FIELD = new RegExp(`\\b(?:${Object.keys(PLANS).join('|')})\\b`);

/** The operation of that name, or the only one. */
export function operationOf(document: DocumentNode, name: string | undefined): OperationDefinitionNode | undefined {
  const operations = document.definitions.filter(
    (each): each is OperationDefinitionNode => each.kind === Kind.OPERATION_DEFINITION,
  );
  if (name === undefined) return operations.length === 1 ? operations[0] : undefined;
  return operations.find((each) => each.name?.value === name);
}
