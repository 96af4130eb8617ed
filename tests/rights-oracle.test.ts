import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase } from './support/postgres.ts';
import { type Oracle, openOracle } from './support/rights/oracle.ts';
import { PEOPLE, type Person } from './support/rights/people.ts';

const SOME: readonly Person[] = ['someViewer', 'someAnalyst', 'someTrader', 'someOperator', 'someAdmin'];

let oracle: Oracle | undefined;
beforeAll(async () => {
  oracle = await openOracle(freshDatabase);
});
afterAll(async () => {
  await oracle?.close();
});

function asked(): Oracle {
  if (!oracle) throw new Error('the oracle is not open');
  return oracle;
}

test('no random query of any role is told what is beyond its rights, fails, or is answered otherwise than by a store without it', async () => {
  const verdict = await asked().run({ queries: 80, seed: 7, people: SOME });
  expect(verdict.wrong).toEqual([]);
  expect(verdict.forbidden).toBeGreaterThan(100);
  expect(verdict.compared).toBeGreaterThan(40);
  expect(verdict.whole).toBeGreaterThan(30);
}, 300_000);

test('nor is anybody who may see everything, something else, or nothing', async () => {
  const rest = Object.keys(PEOPLE).filter((name): name is Person => !SOME.some((each) => each === name));
  const verdict = await asked().run({ queries: 40, seed: 8, people: rest });
  expect(verdict.wrong).toEqual([]);
}, 300_000);

test('would be found out if the scopes were not brought to bear', async () => {
  const unbound = await openOracle(freshDatabase, { isBound: false });
  const verdict = await unbound.run({ queries: 40, seed: 7, people: SOME });
  await unbound.close();
  expect(verdict.wrong.some(({ why }) => why.startsWith('told of'))).toBe(true);
  expect(verdict.wrong.some(({ why }) => why.startsWith('differs'))).toBe(true);
}, 300_000);
