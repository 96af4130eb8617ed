import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import type { LmpFact } from '../../domain/lmp.ts';
import { discardDeadLetters } from '../../prisma/operations/dead-letters.ts';
import { requestRetry } from '../../prisma/operations/jobs.ts';
import {
  createJobBench,
  decodeLines,
  inventedFeed,
  type JobBench,
  VENDOR_NODE,
} from '../../tests/support/job-bench.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import type { Decoder } from '../feed.ts';
import { createPlanTask } from './plan-job.ts';
import { planRetry } from './plan-retry.ts';

const VENDOR = { asked: [], answer: () => '' };

/** Reads what `decodeLines` cannot: prices with a comma. */
const mended: Decoder<LmpFact> = ({ bytes, name }) =>
  decodeLines({ bytes: Buffer.from(bytes.toString().replaceAll(',', '.')), name });

describe('a retry of dead letters', () => {
  let db: TestDatabase;
  let bench: JobBench;
  beforeEach(async () => {
    db = await freshDatabase();
    bench = await createJobBench(db, [inventedFeed(VENDOR)]);
  });
  afterEach(async () => {
    await bench.close();
    await db.drop();
  });

  /** One fetch of as many rows, all of which the decoder of the time rejects. */
  const rejected = async (count: number, partition = 'A') => {
    const rows = Array.from({ length: count }, (_, at) => `${VENDOR_NODE} ${start(at)} ${at},5`);
    const claim = await bench.parts.claim('invented', partition);
    await bench.parts.pipeline.ingest(inventedFeed(VENDOR), claim, {
      kind: 'FETCH',
      next: 1,
      request: partition,
      items: [
        { payload: { bytes: Buffer.from(rows.join('\n')), name: partition }, publishedAt: PUBLISHED, publishedSeq: 0 },
      ],
      lag: null,
    });
  };
  const retry = async (ids?: readonly number[]) => {
    const job = await requestRetry(db.pool, { feed: 'invented', by: 'test', ...(ids && { ids }) });
    await expect.poll(async () => (await bench.jobOf(job)).finishedAt, { timeout: 15_000 }).not.toBeNull();
    return bench.jobOf(job);
  };
  const letters = async () => (await db.pool.query('SELECT id, state, retries FROM dead_letter ORDER BY id')).rows;
  const workers = (decode: Decoder<LmpFact>) => bench.startJobWorkers({ feeds: [inventedFeed(VENDOR, { decode })] });

  it('after a fix writes their prices, as the versions they would have been', async () => {
    await rejected(30);
    await workers(mended);
    expect(await retry()).toMatchObject({ state: 'COMPLETED', total: 1, rowsIn: 30, rowsWritten: 30, rowsRejected: 0 });
    expect((await letters()).map(({ state }) => state)).toEqual(Array(30).fill('RETRIED'));
    const { rows } = await db.pool.query('SELECT count(*)::int, min(published_at) AS at FROM lmp');
    expect(rows).toEqual([{ count: 30, at: new Date(PUBLISHED) }]);
    const { rows: entries } = await db.pool.query(`SELECT partition, request FROM ledger_entry WHERE kind = 'RETRY'`);
    expect(entries).toEqual([{ partition: 'retry/A', request: 'dead letters 1–30 (30)' }]);
  });

  it('without a fix leaves them open, and counts', async () => {
    await rejected(2);
    await workers(decodeLines);
    expect(await retry()).toMatchObject({ state: 'COMPLETED', rowsRejected: 2 });
    expect(await letters()).toMatchObject([
      { state: 'OPEN', retries: 1 },
      { state: 'OPEN', retries: 1 },
    ]);
  });

  it.each(['THROTTLED', 'SOURCE_FAILED', 'SOURCE_REFUSED'] as const)(
    'of which some are a source’s error (%s) leaves those open, and resolves the others',
    async (code) => {
      await rejected(3);
      await workers((payload) => {
        if (payload.bytes.includes(' 1,5')) throw new BusbarError(code, 'the source says no');
        return mended(payload);
      });
      expect(await retry()).toMatchObject({ state: 'COMPLETED', total: 1, rowsWritten: 2, rowsRejected: 1 });
      expect((await letters()).map(({ state }) => state)).toEqual(['RETRIED', 'OPEN', 'RETRIED']);
      const { rows } = await db.pool.query(`SELECT reason FROM dead_letter WHERE state = 'OPEN'`);
      expect(rows).toEqual([{ reason: 'the source says no' }]);
    },
  );

  it('takes those it is asked for', async () => {
    await rejected(3);
    await workers(mended);
    const [first] = await letters();
    expect(await retry([first.id])).toMatchObject({ rowsWritten: 1 });
    expect((await letters()).map(({ state }) => state)).toEqual(['RETRIED', 'OPEN', 'OPEN']);
  });

  it('cuts many into chunks, partition by partition', async () => {
    await rejected(700);
    await rejected(1, 'B');
    await workers(mended);
    expect(await retry()).toMatchObject({ state: 'COMPLETED', total: 3, rowsIn: 701 });
    const { rows } = await db.pool.query(`SELECT request FROM ledger_entry WHERE kind = 'RETRY' ORDER BY id`);
    expect(rows.map(({ request }) => request)).toEqual([
      'dead letters 1–500 (500)',
      'dead letters 501–700 (200)',
      'dead letters 701',
    ]);
  });

  it('cuts large ones by their bytes', async () => {
    await rejected(3);
    const [{ size }] = (await db.pool.query('SELECT max(octet_length(raw))::int AS size FROM dead_letter')).rows;
    const chunks = async (bytesMax: number) =>
      (await planRetry(db.pool, 'invented', {}, { thingsMax: 500, bytesMax })).map(({ deadLetters }) => deadLetters);
    const [first, second, third] = (await letters()).map(({ id }) => id);
    expect(await chunks(2 * size)).toEqual([[first, second], [third]]);
    expect(await chunks(1)).toEqual([[first], [second], [third]]);
  });

  it('leaves alone what was discarded meanwhile', async () => {
    await rejected(2);
    const job = await requestRetry(db.pool, { feed: 'invented', by: 'test' });
    await createPlanTask(bench.parts)({ job }, { signal: new AbortController().signal, tries: 1 });
    await discardDeadLetters(db.pool, { feed: 'invented', ids: undefined, reason: 'test data' });
    await workers(mended);
    await expect.poll(async () => (await bench.jobOf(job)).finishedAt, { timeout: 15_000 }).not.toBeNull();
    expect(await bench.jobOf(job)).toMatchObject({ state: 'COMPLETED', total: 1, rowsIn: 0 });
    expect((await letters()).map(({ state }) => state)).toEqual(['DISCARDED', 'DISCARDED']);
    expect((await db.pool.query('SELECT FROM lmp')).rowCount).toBe(0);
  });
});

const PUBLISHED = Date.UTC(2026, 0, 10);

function start(hour: number): string {
  return new Date(Date.UTC(2026, 0, 1) + hour * 3_600_000 - 30 * 86_400_000).toISOString();
}
