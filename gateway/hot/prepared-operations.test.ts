import { expect, test } from 'vitest';
import { schema } from '../../schema/schema.ts';
import { createColumnSets } from './column-sets.ts';
import { createPreparedOperations } from './prepared-operations.ts';

const LATEST = '{ latestLmp(nodes: ["PJM:A"], run: SPOT) { lmp } }';

test('an operation is prepared once for its text and name', () => {
  const operations = createPreparedOperations(schema);
  const both = `query A ${LATEST} query B { __typename }`;
  expect(operations.get(both, 'A')).toBeDefined();
  expect(operations.get(both, 'A')).toBe(operations.get(both, 'A'));
  expect(operations.get(both, 'A')).not.toBe(operations.get(both, 'B'));
  expect(operations.get(both, undefined)).toBeUndefined();
});

test('those that were not asked for longest are forgotten', () => {
  const operations = createPreparedOperations(schema, 2);
  const text = (place: number) => `query Q${place} ${LATEST}`;
  const [first, second] = [operations.get(text(1), undefined), operations.get(text(2), undefined)];
  expect(operations.get(text(1), undefined)).toBe(first);
  operations.get(text(3), undefined);
  expect(operations.get(text(1), undefined)).toBe(first);
  expect(operations.get(text(2), undefined)).not.toBe(second);
});

test.each([
  ['a mutation', 'mutation { cancelJob(id: 1) { job { id } } }'],
  ['a field without a plan', '{ markets { id } }'],
  ['a part without a plan', '{ latestLmp(nodes: [], run: SPOT) { ledgerEntry { id } } }'],
  ['what is not valid', '{ latestLmp(nodes: [], run: SPOT) { nothing } }'],
  ['what is no document', '{ latestLmp'],
  ['a long text', `${LATEST} #${'x'.repeat(20_000)}`],
])('%s is not prepared', (_what, query) => {
  expect(createPreparedOperations(schema).get(query, undefined)).toBeUndefined();
});

test('only so many sets of columns have a statement of their own', () => {
  const sets = createColumnSets(['a', 'b', 'c'], 2);
  expect(sets.setFor(new Set(['c', 'a']))).toMatchObject({ columns: ['a', 'c'] });
  expect(sets.setFor(new Set(['b']))).toMatchObject({ columns: ['b'] });
  expect(sets.setFor(new Set(['c']))).toMatchObject({ columns: ['a', 'b', 'c'] });
  expect(sets.setFor(new Set(['a', 'c']))).toBe(sets.setFor(new Set(['a', 'c'])));
});
