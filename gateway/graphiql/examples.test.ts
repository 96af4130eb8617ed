import { getOperationAST, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../schema/schema.ts';
import { examples } from './examples.ts';

const SIMULATED = ['PJM:PJM-WEST', 'ERCOT:ERCOT-HOUSTON', 'NYISO:NYISO-ZONEJ', 'CAISO:CAISO-NP15', 'DESK-EAST'];
const HOURS = JSON.stringify({ from: '2026-05-31T13:00:00.000Z', to: '2026-06-01T13:00:00.000Z' });

test('every example is sound and has a name for its tab', () => {
  for (const { query } of examples(0)) {
    const document = parse(query);
    expect(validate(schema, document)).toEqual([]);
    expect(getOperationAST(document)?.name?.value).toEqual(expect.any(String));
  }
});

test('a range ends with the hour it is in and covers a day', () => {
  const ranged = examples(Date.UTC(2026, 5, 1, 12, 34)).filter(({ variables }) => variables !== undefined);
  expect(ranged.length).toBeGreaterThan(0);
  for (const { variables } of ranged) expect(JSON.stringify(JSON.parse(variables ?? ''))).toBe(HOURS);
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
