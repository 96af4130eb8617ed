import { getOperationAST, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../schema/schema.ts';
import { freshDatabase } from '../../tests/support/postgres.ts';
import { startStoreGateway } from '../../tests/support/store-gateway.ts';
import { examples } from './examples.ts';

const SIMULATED = ['PJM:PJM-WEST', 'ERCOT:ERCOT-HOUSTON', 'NYISO:NYISO-ZONEJ', 'CAISO:CAISO-NP15', 'DESK-EAST'];
const HOURS = JSON.stringify({ from: '2026-05-31T13:00:00.000Z', to: '2026-06-01T13:00:00.000Z' });
const MONTHS = JSON.stringify({ from: '2026-05-01T00:00:00.000Z', to: '2026-06-01T13:00:00.000Z' });

test('every example is sound and has a name for its tab', () => {
  for (const { query } of examples(0)) {
    const document = parse(query);
    expect(validate(schema, document)).toEqual([]);
    expect(getOperationAST(document)?.name?.value).toEqual(expect.any(String));
  }
});

test('a range ends with the hour it is in and covers a day, of averages by day the month before as well', () => {
  const ranged = examples(Date.UTC(2026, 5, 1, 12, 34)).filter(({ variables }) => variables !== undefined);
  expect(ranged.length).toBeGreaterThan(0);
  for (const { query, variables = '' } of ranged) {
    const expected = query.includes('resolution: DAY') ? MONTHS : HOURS;
    expect(JSON.stringify(JSON.parse(variables))).toBe(expected);
  }
});

test('every query among the examples runs as it stands, on a store that has nothing yet', async () => {
  const db = await freshDatabase();
  const gateway = await startStoreGateway({ db });
  const queries = examples(Date.now()).filter(({ query }) => getOperationAST(parse(query))?.operation === 'query');
  expect(queries.length).toBeGreaterThan(7);
  for (const { query, variables = '{}' } of queries) {
    const { data, errors } = await gateway.ask(query, JSON.parse(variables));
    expect([errors, data], query).toEqual([undefined, expect.any(Object)]);
  }
  await gateway.close();
  await db.drop();
});

test('what an example asks for in variables, it is given', () => {
  for (const { query, variables = '{}' } of examples(0)) {
    const asked = getOperationAST(parse(query))?.variableDefinitions?.map(({ variable }) => variable.name.value);
    expect(Object.keys(JSON.parse(variables)).sort(), query).toEqual([...(asked ?? [])].sort());
  }
});

test('every example shows something in a first `npm start`: the nodes and accounts that it names are simulated', () => {
  const named = examples(0).flatMap(({ query }) => query.match(/"[A-Z]+[:-][^"]+"/g) ?? []);
  expect(SIMULATED).toEqual(expect.arrayContaining(named.map((name) => JSON.parse(name))));
});
