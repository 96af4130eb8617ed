import { graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_RIGHTS } from '../domain/rights.ts';
import { createPrisma, type PrismaClient } from '../prisma/client.ts';
import type { Context, Reads } from '../schema/context.ts';
import { schema } from '../schema/schema.ts';
import { storeLmps } from '../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import { createLoaders } from './loaders.ts';
import { createReads } from './reads/index.ts';

let db: TestDatabase;
let prisma: PrismaClient;
let reads: Reads;

beforeAll(async () => {
  db = await freshDatabase();
  prisma = createPrisma(db.pool);
  reads = createReads({ pool: db.pool, prisma, clock: () => Date.parse('2024-12-01T00:00Z') });
  const hours = (node: string, start: string) =>
    [0, 1, 2].map((hour) => ({
      node,
      run: 'DAY_AHEAD_HOURLY' as const,
      start: Date.parse(start) + hour * 3_600_000,
      minutes: 60,
      lmp: hour,
    }));
  await storeLmps(db.pool, [
    ...hours('PJM:AUTUMN', '2024-11-03T05:00Z'),
    ...hours('PJM:MORNING', '2024-11-04T11:00Z'),
    ...hours('MISO:AUTUMN', '2024-11-03T05:00Z'),
  ]);
});
afterAll(async () => {
  await prisma.$disconnect();
  await db.drop();
});

async function answer(source: string): Promise<unknown> {
  const contextValue = { rights: ALL_RIGHTS, reads, loaders: createLoaders(reads, ALL_RIGHTS) } as Context;
  const { data, errors } = await graphql({ schema, source, contextValue });
  expect(errors).toBeUndefined();
  // Objects of an answer have no prototype.
  return JSON.parse(JSON.stringify(data));
}

describe('a price', () => {
  const labels = async (node: string) =>
    answer(`{ lmps(nodes: ["${node}"], run: DAY_AHEAD_HOURLY, from: "2024-11-01T00:00Z", to: "2024-12-01T00:00Z") {
      edges { node { hourEnding onPeak } } } }`);
  const edges = (...prices: readonly [string, boolean][]) => ({
    lmps: { edges: prices.map(([hourEnding, onPeak]) => ({ node: { hourEnding, onPeak } })) },
  });

  it('says which hour it is of, the repeated one told apart (RULES 4)', async () => {
    expect(await labels('PJM:AUTUMN')).toEqual(edges(['02', false], ['02*', false], ['03', false]));
    expect(await labels('MISO:AUTUMN')).toEqual(edges(['01', false], ['02', false], ['03', false]));
  });

  it('says whether it is on-peak (RULES 5)', async () => {
    expect(await labels('PJM:MORNING')).toEqual(edges(['07', false], ['08', true], ['09', true]));
  });
});

describe('a series', () => {
  const series = (args: string) =>
    answer(`{ lmpSeries(nodes: ["PJM:MORNING"], run: DAY_AHEAD_HOURLY, from: "2024-11-04T05:00Z", to: "2024-11-05T05:00Z",
      resolution: DAY${args}) { start lmp } }`);
  const day = (lmp: number) => ({ lmpSeries: [{ start: ['2024-11-04T05:00:00.000Z'], lmp: [lmp] }] });

  it('is of the block asked for, and of all hours where none is', async () => {
    expect(await series(', block: ON_PEAK')).toEqual(day(1.5));
    expect(await series(', block: OFF_PEAK')).toEqual(day(0));
    for (const all of ['', ', block: ATC', ', block: null']) expect(await series(all), all).toEqual(day(1));
  });
});
