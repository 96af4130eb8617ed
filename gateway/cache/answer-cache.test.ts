import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DAY_MS } from '../../domain/instant.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { cacheOutcomes } from '../../tests/support/cache-outcomes.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import type { Computation } from '../hot/hot-operation.ts';
import type { HotRequest } from '../hot/hot-request.ts';
import type { HotStore, ReadSet } from '../hot/root-plan.ts';
import { Answer } from './answer.ts';
import { type AnswerCache, createAnswerCache } from './answer-cache.ts';
import { createAnswerMemory } from './answer-memory.ts';

const NOW = Date.UTC(2026, 5, 15, 12, 2);
const PAST: ReadSet = {
  nodes: ['PJM:A', 'CAISO:B'] as unknown as ReadSet['nodes'],
  run: 'REAL_TIME_5_MIN',
  range: { from: Date.UTC(2026, 0, 10), to: Date.UTC(2026, 0, 11, 12) },
};

let db: TestDatabase;
let now: number;
let rollups: 'kept' | 'computed';
let metrics: ReturnType<typeof createMetrics>;
let cache: AnswerCache;
let computed: number;

beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());
beforeEach(async () => {
  await db.pool.query('TRUNCATE read_revision');
  [now, rollups, metrics, computed] = [NOW, 'computed', createMetrics(), 0];
  const store: HotStore = { db: db.pool, rollups: async () => rollups, clock: () => now };
  cache = createAnswerCache({ store, memory: createAnswerMemory(1_000_000), shared: undefined, metrics });
});

describe('an answer', () => {
  test('is computed once for as long as no commit speaks of what it reads', async () => {
    expect(await texts(ask(), ask(), ask())).toEqual(['1', '1', '1']);
    expect(await texts(ask())).toEqual(['1']);
    expect(await cacheOutcomes(metrics)).toEqual({ miss: 1, hit: 3 });
  });

  test.each([
    ['on its first day', { day: '2026-01-10' }],
    ['on its last day', { day: '2026-01-11' }],
    ['of its other market', { market: 'CAISO' }],
    ['by another partition', { partition: '7' }],
  ])('is computed again after a commit %s', async (_, changes) => {
    await ask();
    await move(changes);
    expect(await texts(ask())).toEqual(['2']);
  });

  test.each([
    ['of the day before', { day: '2026-01-09' }],
    ['of the day after', { day: '2026-01-12' }],
    ['of another run', { run: 'DAY_AHEAD_HOURLY' }],
    ['of another market', { market: 'MISO' }],
  ])('stays after a commit %s', async (_, changes) => {
    await ask();
    await move(changes);
    expect(await texts(ask())).toEqual(['1']);
  });

  test('of the newest prices is computed again after a commit of any day', async () => {
    const newest = [{ nodes: PAST.nodes, run: PAST.run }];
    await ask({ reads: newest });
    await move({ day: '-infinity' });
    expect(await texts(ask({ reads: newest }))).toEqual(['2']);
  });

  test('is another where the variables are, whatever the order of their fields', async () => {
    await ask({ variables: { a: 1, b: { c: 2, d: [3] } } });
    expect(await texts(ask({ variables: { b: { d: [3], c: 2 }, a: 1 } }))).toEqual(['1']);
    expect(await texts(ask({ variables: { a: 1, b: { c: 2, d: ['3'] } } }))).toEqual(['2']);
  });

  test('that reaches into the future is computed again once the next interval has ended', async () => {
    const reads: ReadSet[] = [{ ...PAST, range: { from: NOW - DAY_MS, to: NOW + DAY_MS }, moves: true }];
    await ask({ reads });
    now = NOW + 60_000;
    expect(await texts(ask({ reads }))).toEqual(['1']);
    now = NOW + 3 * 60_000;
    expect(await texts(ask({ reads }))).toEqual(['2']);
  });

  test('of rollups that the store keeps is not kept, since they follow corrections later', async () => {
    const reads: ReadSet[] = [{ ...PAST, fromRollups: true }];
    rollups = 'kept';
    for (const computedAs of ['1', '2']) expect(await texts(ask({ reads }))).toEqual([computedAs]);
    expect(await cacheOutcomes(metrics)).toEqual({ bypass: 2 });
  });

  test('of prices that are about to be dropped for their age is not kept', async () => {
    const reads: ReadSet[] = [{ ...PAST, range: { from: NOW - 3_640 * DAY_MS, to: NOW } }];
    for (const computedAs of ['1', '2']) expect(await texts(ask({ reads }))).toEqual([computedAs]);
    expect(await cacheOutcomes(metrics)).toEqual({ bypass: 2 });
  });

  test('that failed is not kept, and fails all that waited for it', async () => {
    const failing = { reads: [PAST], json: () => Promise.reject(new Error('down')) };
    const both = await Promise.allSettled([cache.answer(request({}), failing), cache.answer(request({}), failing)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await texts(ask())).toEqual(['1']);
  });

  test('is not kept where the store does not say what was committed', async () => {
    const reads: ReadSet[] = [{ ...PAST, range: { from: NOW, to: 8e15 * 1_000 } }];
    for (const computedAs of ['1', '2']) expect(await texts(ask({ reads }))).toEqual([computedAs]);
    expect(await cacheOutcomes(metrics)).toEqual({ error: 2 });
  });
});

describe('the memory for answers', () => {
  test('holds those used last within its bytes', () => {
    const memory = createAnswerMemory(100_000);
    const answer = () => new Answer(Buffer.alloc(9_488));
    for (let key = 0; key < 10; key++) memory.keep(String(key), answer());
    expect(memory.bytes).toBe(100_000);
    memory.get('0');
    memory.keep('new', answer());
    expect(memory.bytes).toBe(100_000);
    expect([memory.get('0'), memory.get('1')].map(Boolean)).toEqual([true, false]);
  });

  test('weighs an answer again when it is compressed, and forgets others for it', async () => {
    const memory = createAnswerMemory(100_000);
    const answers = Array.from({ length: 10 }, () => new Answer(randomBytes(9_488)));
    for (const [key, answer] of answers.entries()) memory.keep(String(key), answer);
    await Promise.all([answers[9]?.in('br'), answers[9]?.in('gzip')]);
    expect(answers[9]?.bytes).toBeGreaterThan(3 * 9_488);
    expect(memory.bytes).toBeLessThanOrEqual(100_000);
    expect([memory.get('0'), memory.get('1'), memory.get('2'), memory.get('9')].map(Boolean)).toEqual([
      false,
      false,
      true,
      true,
    ]);
    await answers[0]?.in('br');
    expect(memory.get('0')).toBeUndefined();
  });

  test('does not take what would drive out much of the rest', () => {
    const memory = createAnswerMemory(100_000);
    memory.keep('large', new Answer(Buffer.alloc(20_000)));
    expect(memory.bytes).toBe(0);
  });
});

test('an answer is the same after it was kept elsewhere', async () => {
  for (const text of ['short', 'long '.repeat(10_000)]) {
    const packed = await new Answer(Buffer.from(text)).packed();
    expect(packed.length).toBeLessThan(1_000);
    const answer = await Answer.unpacked(packed);
    expect(String(await answer.in(undefined))).toBe(text);
  }
  await expect(Answer.unpacked(Buffer.from('x'))).rejects.toThrow(TypeError);
});

function ask({ reads = [PAST], variables = {} }: { reads?: readonly ReadSet[]; variables?: object } = {}) {
  const bound: Computation = { reads, json: async () => String(++computed) };
  return cache.answer(request(variables), bound);
}

function request(variables: object): HotRequest {
  return { query: '{ lmps }', operationName: undefined, variables: { ...variables }, mediaType: 'application/json' };
}

function texts(...answers: Promise<Answer>[]): Promise<string[]> {
  return Promise.all(answers.map(async (answer) => String(await (await answer).in(undefined))));
}

async function move({ market = 'PJM', run = 'REAL_TIME_5_MIN', day = '2026-01-10', partition = '0' }) {
  await db.pool.query(
    `INSERT INTO read_revision (family, market_id, run, day, feed_id, partition, n) VALUES ('lmp', $1, $2, $3, 'feed', $4, 5)`,
    [market, run, day, partition],
  );
}
