import { buildSchema, type ExecutionArgs, type ExecutionResult, execute, parse } from 'graphql';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import { createErrorMask } from '../errors.ts';
import { executeCompiled, executesOf } from './compiled-operations.ts';

const schema = buildSchema(`
  type Query { none: Int }
  type Subscription { update: Update! }
  type Update { cursor: String!, rows: [Row!]! }
  type Row { id: Int!, entry: Int, price: Float! }
`);

const OPERATION = `subscription S {
  update {
    cursor
    rows { id entry ...Prices }
  }
}
fragment Prices on Row { price }`;

/** As the loaders of a context do it: what was refused once is refused again. */
const entries = new Map<number, Promise<number>>();
const away = Promise.reject(new BusbarError('UNAVAILABLE', 'the store is away'));
away.catch(() => undefined);
entries.set(2, away);

const row = (id: number, price: unknown = id) => ({ id, price, entry: () => entries.get(id) ?? id });

const args: ExecutionArgs = { schema, document: parse(OPERATION) };
const mask = createErrorMask(pino({ level: 'silent' }));

/** As the wire has it. */
const wire = (result: ExecutionResult): unknown => JSON.parse(JSON.stringify(mask.result(result)));

test.each([
  ['a nullable field that is refused', { cursor: 'c', rows: [row(1), row(2), row(3)] }],
  ['a field that must not be null', { cursor: 'c', rows: [row(1), row(3, 'not a number')] }],
  ['an event without its rows', { cursor: 'c', rows: null }],
])('errors of a compiled operation are those of an interpreted one: %s', async (_what, update) => {
  const root = { update };
  const compiled = wire(await executesOf(args)(root, {}));
  expect(compiled).toEqual(wire(await execute({ ...args, rootValue: root, contextValue: {} })));
  expect(compiled).toMatchObject({
    errors: [{ locations: [{ line: expect.any(Number) }], path: expect.arrayContaining(['rows']) }],
  });
});

test('fields come in the order of the text where the first of two places is left out', async () => {
  const document = parse(`subscription S($early: Boolean!) {
    update { rows { id @include(if: $early) price id } cursor }
  }`);
  const rootValue = { update: { cursor: 'c', rows: [row(1)] } };
  const conditional = { schema, document, rootValue, variableValues: { early: false } };
  const interpreted = JSON.stringify(await execute(conditional));
  expect(interpreted).toContain('{"price":1,"id":1}');
  expect(JSON.stringify(await executesOf(conditional)(rootValue, {}))).toBe(interpreted);
  for (const _ of ['interpreted', 'known']) {
    expect(JSON.stringify(await executeCompiled(conditional, () => ({})))).toBe(interpreted);
  }
});
