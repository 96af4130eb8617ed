import {
  type GraphQLField,
  getIntrospectionQuery,
  getNamedType,
  getNullableType,
  getOperationAST,
  getVariableValues,
  isListType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../schema/schema.ts';
import { FIELD_COSTS } from './field-costs.ts';
import { operationCost, requireAffordable } from './operation-cost.ts';
import { REQUEST_LIMITS } from './request-limits.ts';

function cost(text: string, given: Record<string, unknown> = {}): number {
  const document = parse(text);
  expect(validate(schema, document)).toEqual([]);
  const operation = getOperationAST(document);
  if (!operation) throw new TypeError('a test has one operation');
  const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], given);
  if (!coerced) throw new Error(String(errors));
  return operationCost(schema, document, operation)(coerced);
}

const YEAR = 'from: "2023-01-01T00:00:00Z", to: "2024-01-01T00:00:00Z"';
const SERIES = `query ($nodes: [ID!]!, $resolution: Resolution) {
  lmpSeries(nodes: $nodes, run: REAL_TIME_5_MIN, ${YEAR}, resolution: $resolution) { lmp node { zone } } }`;
const nodes = (count: number) => Array.from({ length: count }, (_, place) => `PJM:N${place}`);

describe('the cost of an operation', () => {
  test('of series is nodes times points', () => {
    expect(cost(SERIES, { nodes: nodes(2), resolution: 'HOUR' })).toBe(2 + 2 * 8_760);
    expect(cost(SERIES, { nodes: nodes(2), resolution: 'DAY' })).toBe(2 + 2 * 365);
    expect(cost(SERIES, { nodes: nodes(1) })).toBe(1 + 8_760 * 12);
  });

  test('refuses a year of 10,000 nodes, and says what it would have cost', () => {
    const asked = cost(SERIES, { nodes: nodes(10_000), resolution: 'HOUR' });
    expect(() => requireAffordable(asked, REQUEST_LIMITS.costMax)).toThrow(
      expect.objectContaining({
        code: 'LIMIT_EXCEEDED',
        message: expect.stringContaining('87610000 asked for, at most 3000000'),
        details: { limit: 'cost', max: 3_000_000, asked: 87_610_000 },
      }),
    );
  });

  test('of connections within connections is one’s rows times the other’s', () => {
    expect(cost('{ jobs(first: 20) { edges { node { entries(first: 50) { edges { node { id } } } } } } }')).toBe(
      20 + 20 * 50,
    );
    expect(cost('{ ledger(feed: "pjm") { edges { node { origins { origins { id } } } } } }')).toBe(
      100 + 100 * (10 + 10 * 10),
    );
  });

  test('counts each alias and each fragment, and what is merged once', () => {
    const lmps =
      'lmps(nodes: ["PJM:A"], run: SPOT, from: "2024-01-01T00:00:00Z", to: "2024-01-02T00:00:00Z", first: 10)';
    expect(
      cost(`{ a: ${lmps} { edges { cursor } } ...F } fragment F on Query { b: ${lmps} { edges { cursor } } }`),
    ).toBe(22);
    expect(cost(`{ ${lmps} { edges { cursor } } ...F } fragment F on Query { ${lmps} { edges { cursor } } }`)).toBe(11);
  });

  test('leaves out what is skipped', () => {
    const text =
      'query ($all: Boolean!) { feeds { id gaps(from: "2024-01-01T00:00:00Z", to: "2024-02-01T00:00:00Z") @include(if: $all) { node { id } } } }';
    expect(cost(text, { all: false })).toBe(50);
    expect(cost(text, { all: true })).toBeGreaterThan(10_000);
  });

  test('is not lowered by a page of less than nothing, or a range that runs backwards', () => {
    expect(cost('{ jobs(first: -1000000) { edges { cursor } } markets { id } }')).toBe(10);
    const backwards = 'from: "2024-01-01T00:00:00Z", to: "2023-01-01T00:00:00Z"';
    expect(cost(`{ tariffs(${backwards}) { value } markets { id } }`)).toBe(10);
  });

  test('is that of the rest where an argument or a condition is refused, which nulls in the place of defaults do', () => {
    const text = `query ($id: ID = "1", $all: Boolean = true) {
      jobs(first: 9) { edges { cursor } }  job(id: $id) { id }  feed(id: "a") @include(if: $all) { id } }`;
    expect(cost(text)).toBe(9 + 1 + 1);
    expect(cost(text, { id: null })).toBe(9 + 1);
    expect(cost(text, { all: null })).toBe(9 + 1 + 1);
  });

  test('of what tools ask about the schema is affordable, and asking it again and again is not', () => {
    const asked = cost(getIntrospectionQuery());
    expect(asked).toBeGreaterThan(1_000);
    expect(asked).toBeLessThan(REQUEST_LIMITS.costMax / 10);
    const deep = (key: string) => `${key}: types { fields { args { type { fields { args { name } } } } } }`;
    expect(cost(`{ __schema { ${deep('a')} ${deep('b')} } }`)).toBeGreaterThan(100_000);
  });
});

describe('the table of costs', () => {
  test('has every root field, and everything that multiplies rows', () => {
    const forgotten = Object.values(schema.getTypeMap())
      .filter(isObjectType)
      .flatMap((type) =>
        Object.values(type.getFields())
          .filter((field) => multiplies(type.name, field) && !Object.hasOwn(FIELD_COSTS, `${type.name}.${field.name}`))
          .map((field) => `${type.name}.${field.name}`),
      );
    expect(forgotten).toEqual([]);
  });

  test('has nothing that the schema does not', () => {
    const unknown = Object.keys(FIELD_COSTS).filter((key) => {
      const [type = '', field = ''] = key.split('.');
      const found = schema.getType(type);
      return !isObjectType(found) || !found.getFields()[field];
    });
    expect(unknown).toEqual([]);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: fields have arguments of any kind, as graphql-js has it
function multiplies(type: string, field: GraphQLField<any, any>): boolean {
  if (['Query', 'Mutation', 'Subscription'].includes(type)) return true;
  // A connection's rows are counted where it is asked for.
  if (type.endsWith('Connection')) return false;
  const isList = isListType(getNullableType(field.type)) && isObjectType(getNamedType(field.type));
  return isList || field.args.some(({ name }) => name === 'first');
}
