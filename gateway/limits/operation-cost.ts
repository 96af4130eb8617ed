import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
} from 'graphql';
import { beyondLimit } from './beyond-limit.ts';
import { FIELD_COSTS, type FieldCost } from './field-costs.ts';

/**
 * What an operation costs with these variables, as the schema coerced them. A field whose arguments make no sense is refused by itself, and
 * costs nothing; what stands beside it is executed, and counts.
 */
export type OperationCost = (variables: Variables) => number;

type Variables = { [variable: string]: unknown };

/** Works out once for a document what does not depend on variables. @param document validated. */
export function operationCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): OperationCost {
  const root = schema.getRootType(operation.operation);
  if (!root) return () => 0;
  const fragments = new Map(
    document.definitions.flatMap((each) => (each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each]] : [])),
  );
  return sumOf(partsOf(schema, fragments, root, [operation.selectionSet]));
}

/** @throws BusbarError `LIMIT_EXCEEDED` */
export function requireAffordable(cost: number, costMax: number): void {
  if (cost <= costMax) return;
  const advice = 'ask for fewer nodes, a shorter range, a coarser resolution or shorter pages';
  throw beyondLimit('cost', costMax, Math.ceil(cost), advice);
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;
// biome-ignore lint/suspicious/noExplicitAny: fields have arguments of any kind, as graphql-js has it
type AnyField = GraphQLField<any, any>;

/** A place of the answer, with all that selects it. */
interface Place {
  readonly field: AnyField;
  readonly nodes: FieldNode[];
  /** What decides whether it is there at all, where something does. */
  readonly conditions: SelectionNode[];
}

function partsOf(
  schema: GraphQLSchema,
  fragments: Fragments,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): OperationCost[] {
  const places = new Map<string, Place>();
  for (const set of sets) collect(schema, fragments, type, set, [], places);
  return [...places.values()].flatMap((place) => partOf(schema, fragments, type, place));
}

/** @returns nothing where it costs nothing, as most do. */
function partOf(
  schema: GraphQLSchema,
  fragments: Fragments,
  parent: GraphQLObjectType,
  { field, nodes, conditions }: Place,
): OperationCost[] {
  const type = getNamedType(field.type);
  const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  const below = sumOf(isObjectType(type) ? partsOf(schema, fragments, type, sets) : []);
  const known = `${parent.name}.${field.name}`;
  const declared = Object.hasOwn(FIELD_COSTS, known) ? FIELD_COSTS[known] : undefined;
  if (!declared && below === NOTHING) return [];
  const cost = declared ? declaredCost(field, nodes, declared, below) : below;
  if (conditions.length === 0) return [cost];
  return [(variables) => (conditions.every((each) => isTaken(each, variables)) ? cost(variables) : 0)];
}

function declaredCost(
  field: AnyField,
  [node]: readonly FieldNode[],
  declared: FieldCost,
  below: OperationCost,
): OperationCost {
  const costOf = (args: Readonly<Record<string, unknown>>, variables: Variables) => {
    const { rows, read } = declared(args);
    return rows + read + rows * below(variables);
  };
  if (!node?.arguments?.length && field.args.every(({ defaultValue }) => defaultValue === undefined)) {
    return (variables) => costOf({}, variables);
  }
  return (variables) => {
    const args = node ? sound(() => getArgumentValues(field, node, variables)) : {};
    return args ? costOf(args, variables) : 0;
  };
}

/** @returns undefined where they are refused: null for a variable with a default, say, where there must be something. */
function sound<Values>(evaluate: () => Values): Values | undefined {
  try {
    return evaluate();
  } catch (error) {
    if (error instanceof GraphQLError) return undefined;
    throw error;
  }
}

const NOTHING: OperationCost = () => 0;

function sumOf(parts: readonly OperationCost[]): OperationCost {
  if (parts.length <= 1) return parts[0] ?? NOTHING;
  return (variables) => parts.reduce((sum, part) => sum + part(variables), 0);
}

function collect(
  schema: GraphQLSchema,
  fragments: Fragments,
  type: GraphQLObjectType,
  { selections }: SelectionSetNode,
  conditions: readonly SelectionNode[],
  places: Map<string, Place>,
): void {
  for (const selection of selections) {
    const met = selection.directives?.length ? [...conditions, selection] : [...conditions];
    if (selection.kind === Kind.FIELD) {
      const key = selection.alias?.value ?? selection.name.value;
      const field = fieldOf(schema, type, selection.name.value);
      const known = places.get(key);
      // Where it is selected twice, under one condition or another, it is taken to be there.
      if (known) {
        known.nodes.push(selection);
        known.conditions.length = 0;
      } else if (field) places.set(key, { field, nodes: [selection], conditions: met });
      continue;
    }
    const set =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection.selectionSet
        : fragments.get(selection.name.value)?.selectionSet;
    if (set) collect(schema, fragments, type, set, met, places);
  }
}

function fieldOf(schema: GraphQLSchema, type: GraphQLObjectType, name: string): AnyField | undefined {
  if (type === schema.getQueryType()) {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  }
  return type.getFields()[name];
}

/** A condition that is refused is nobody's way to have something for nothing. */
function isTaken(selection: SelectionNode, variables: Variables): boolean {
  const isSkipped = sound(() => getDirectiveValues(GraphQLSkipDirective, selection, variables)?.if) === true;
  return !isSkipped && sound(() => getDirectiveValues(GraphQLIncludeDirective, selection, variables)?.if) !== false;
}
