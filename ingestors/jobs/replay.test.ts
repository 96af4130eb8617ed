import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HOUR_MS } from '../../domain/instant.ts';
import { requestBackfill, requestReplay } from '../../prisma/operations/jobs.ts';
import { TOPICS } from '../../schema/events/topics.ts';
import {
  createJobBench,
  decodeLines,
  inventedFeed,
  type JobBench,
  priceOf,
  VENDOR_NODE,
} from '../../tests/support/job-bench.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import type { Decoder, Feed } from '../feed.ts';
import { itemsOf } from '../log-items.ts';
import { planTopicReplay } from './plan-topic-replay.ts';

const FROM = Date.UTC(2026, 0, 9);
const hour = (at: number) => new Date(FROM + at * HOUR_MS).toISOString();
const EVER = { from: 0, to: Date.UTC(2100, 0, 1) };

/** A decoder that was wrong about prices above 8, and is not any more. */
const mended: Decoder = (payload) => {
  const { facts, rejects } = decodeLines(payload);
  return { facts: facts.map((fact) => (fact.lmp > 8 ? { ...fact, lmp: -fact.lmp } : fact)), rejects };
};

let db: TestDatabase;
let bench: JobBench;
beforeEach(async () => {
  db = await freshDatabase();
});
afterEach(async () => {
  await bench.close();
  await db.drop();
});

const ended = async (job: number) => {
  await expect.poll(async () => (await bench.jobOf(job)).finishedAt, { timeout: 15_000 }).not.toBeNull();
  return bench.jobOf(job);
};
const replay = async (feed: string, more: object = {}) =>
  ended(await requestReplay(db.pool, { feed, ...EVER, ...more, by: 'test' }));
const entries = async (kind: string) =>
  (
    await db.pool.query(
      'SELECT id, partition, state, request, origin_id AS origin, position_from AS from, position_to AS to FROM ledger_entry WHERE kind = $1::ledger_kind ORDER BY id',
      [kind],
    )
  ).rows;
/** Every version of every price: current ones and those that were replaced. */
const versions = async () =>
  (
    await db.pool.query<{ start: Date; lmp: number; revision: number }>(
      `SELECT interval_start AS start, lmp, revision FROM lmp UNION ALL
       SELECT interval_start, lmp, revision FROM lmp_revision ORDER BY start, revision`,
    )
  ).rows.map(({ start, lmp, revision }) => `${(start.getTime() - FROM) / HOUR_MS}: ${lmp} #${revision}`);

describe('a replay of a topic', () => {
  const topic = 'prices';
  const feedOf = (decode: Decoder): Feed => ({
    id: 'lines',
    title: 'Lines',
    unknownNodes: 'register',
    source: { kind: 'topic', topic },
    decode,
  });

  /** Twelve hours, each in a record, taken through the pipeline as the live reader would. */
  const ingestTwelve = async (feed: Feed) => {
    const { eventLog, pipeline, claim } = bench.parts;
    await eventLog.ensureTopics(TOPICS.filter((each) => each.topic === topic));
    const records = Array.from({ length: 12 }, (_, at) => ({
      key: `${at}`,
      value: `${VENDOR_NODE} ${hour(at)} ${at}`,
    }));
    await eventLog.append(topic, records);
    for (const { partition, end } of await eventLog.partitions(topic)) {
      const range = { topic, partition, from: 0, to: end, batchRecordsMax: 100 };
      const held = await claim(feed.id, String(partition));
      for await (const batch of eventLog.read(range, new AbortController().signal)) {
        await pipeline.ingest(feed, held, {
          kind: 'BATCH',
          next: batch.next,
          request: null,
          items: itemsOf(batch),
          lag: 0,
        });
      }
    }
  };

  it('changes nothing where nothing changed, however often', async () => {
    const feed = feedOf(decodeLines);
    bench = await createJobBench(db, [feed]);
    await ingestTwelve(feed);
    const before = await versions();
    await bench.startJobWorkers();
    for (let round = 0; round < 2; round += 1) {
      expect(await replay('lines')).toMatchObject({
        state: 'COMPLETED',
        rowsIn: 12,
        rowsUnchanged: 12,
        rowsWritten: 0,
        rowsRevised: 0,
      });
    }
    expect(await versions()).toEqual(before);
  });

  it('writes what a mended decoder reads otherwise as revisions, and no more', async () => {
    const wrong = feedOf(decodeLines);
    bench = await createJobBench(db, [wrong]);
    await ingestTwelve(wrong);
    await bench.startJobWorkers({ feeds: [feedOf(mended)] });
    expect(await replay('lines')).toMatchObject({ rowsIn: 12, rowsRevised: 3, rowsUnchanged: 9, rowsWritten: 0 });
    const changed = (await versions()).filter((version) => /^(9|10|11):/.test(version));
    expect(changed).toEqual(['9: 9 #1', '9: -9 #2', '10: 10 #1', '10: -10 #2', '11: 11 #1', '11: -11 #2']);
    expect(await replay('lines')).toMatchObject({ rowsIn: 12, rowsRevised: 0, rowsUnchanged: 12 });
  });

  it('reads the offsets it is given, or the time, or the partitions', async () => {
    const feed = feedOf(decodeLines);
    bench = await createJobBench(db, [feed]);
    await ingestTwelve(feed);
    const bounds = await bench.parts.eventLog.partitions(topic);
    const [busiest] = [...bounds].sort((a, b) => b.end - a.end);
    if (!busiest) throw new Error('there are no partitions');
    await bench.startJobWorkers();
    const offsets = { partition: busiest.partition, fromOffset: 1, toOffset: 2 };
    expect(await replay('lines', { offsets })).toMatchObject({ total: 1, rowsIn: 1 });
    expect((await entries('REPLAY'))[0]).toMatchObject({ partition: `replay/${busiest.partition}`, from: 1, to: 2 });
    expect(await replay('lines', { partitions: [String(busiest.partition)] })).toMatchObject({ rowsIn: busiest.end });
    expect(await replay('lines', { from: 0, to: 1 })).toMatchObject({ state: 'COMPLETED', total: 0 });
  });

  it('is cut into chunks of ten thousand offsets', async () => {
    bench = await createJobBench(db, [feedOf(decodeLines)]);
    const eventLog = { ...bench.parts.eventLog, partitions: async () => [{ partition: 2, low: 0, end: 25_000 }] };
    const offsets = { partition: 2, fromOffset: 5, toOffset: 99_000_000_000 };
    const chunks = await planTopicReplay(eventLog, topic, { ...EVER, offsets });
    expect(chunks.map(({ partition, positionFrom, positionTo }) => [partition, positionFrom, positionTo])).toEqual([
      ['replay/2', 5, 10_005],
      ['replay/2', 10_005, 20_005],
      ['replay/2', 20_005, 25_000],
    ]);
    const nowhere = planTopicReplay(eventLog, topic, { ...EVER, offsets: { ...offsets, partition: 3 } });
    await expect(nowhere).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('says what the log has dropped since', async () => {
    const feed = feedOf(decodeLines);
    bench = await createJobBench(db, [feed]);
    await ingestTwelve(feed);
    const [busiest] = [...(await bench.parts.eventLog.partitions(topic))].sort((a, b) => b.end - a.end);
    const partition = busiest?.partition ?? 0;
    await db.pool.query('DELETE FROM log_record WHERE topic = $1 AND partition = $2 AND "offset" = 0', [
      topic,
      partition,
    ]);
    await db.pool.query('UPDATE log_partition SET low_offset = 1 WHERE topic = $1 AND partition = $2', [
      topic,
      partition,
    ]);
    await bench.startJobWorkers();
    const job = await replay('lines', { offsets: { partition, fromOffset: 0, toOffset: 2 } });
    expect(job).toMatchObject({ state: 'FAILED', rowsIn: 1 });
    expect(job.error).toBe('1 of 1 chunks failed: retention dropped offsets 0 to 1 before they were read');
  });
});

describe('a replay of what a source answered', () => {
  let lmp = 10;
  const vendor = { asked: [], answer: (request: string) => priceOf(request, lmp++) };

  const backfilled = async (decode: Decoder, hours = 3) => {
    lmp = 7;
    vendor.asked.length = 0;
    bench = await createJobBench(db, [inventedFeed(vendor)]);
    const workers = await bench.startJobWorkers();
    const windows = [{ from: FROM, to: FROM + hours * HOUR_MS, partitions: ['A'] }];
    await ended(await requestBackfill(db.pool, { feed: 'invented', windows, by: 'test' }));
    await workers.stop();
    await bench.startJobWorkers({ feeds: [inventedFeed(vendor, { decode })] });
  };

  it('changes nothing where nothing changed, and does not ask the source', async () => {
    await backfilled(decodeLines);
    const before = await versions();
    expect(await replay('invented')).toMatchObject({ state: 'COMPLETED', total: 3, rowsIn: 3, rowsUnchanged: 3 });
    expect(await versions()).toEqual(before);
    expect(vendor.asked).toHaveLength(3);
    const origins = (await entries('BACKFILL')).map(({ id, request }) => ({ origin: id, request }));
    const replayed = (await entries('REPLAY')).sort((a, b) => a.origin - b.origin);
    expect(replayed).toMatchObject(origins.map((each) => ({ ...each, partition: 'replay/A' })));
  });

  it('writes what a mended decoder reads otherwise as revisions, and no more', async () => {
    await backfilled(mended);
    expect(await replay('invented')).toMatchObject({ rowsIn: 3, rowsRevised: 1, rowsUnchanged: 2 });
    const revised = (await versions()).filter((version) => version.endsWith('#2'));
    expect(revised.map((version) => version.split(' ')[1])).toEqual(['-9']);
  });

  it('takes what brought prices of the range, of the partitions asked for', async () => {
    await backfilled(decodeLines);
    expect(await replay('invented', { from: FROM + HOUR_MS, to: FROM + HOUR_MS + 1 })).toMatchObject({ total: 1 });
    expect(await replay('invented', { partitions: ['B'] })).toMatchObject({ state: 'COMPLETED', total: 0 });
    expect(await replay('invented', { partitions: ['A'] })).toMatchObject({ total: 3 });
  });

  it('takes a file where no partition is asked for', async () => {
    await backfilled(decodeLines, 1);
    await db.pool.query(`UPDATE ledger_entry SET kind = 'FILE', partition = 'file'`);
    expect(await replay('invented')).toMatchObject({ total: 1, rowsUnchanged: 1 });
    expect(await replay('invented', { partitions: ['file'] })).toMatchObject({ total: 0 });
  });

  it('says how much is no longer kept, and fails where nothing is', async () => {
    await backfilled(decodeLines);
    await db.pool.query('DELETE FROM raw_payload WHERE checksum IN (SELECT checksum FROM raw_payload LIMIT 2)');
    expect(await replay('invented')).toMatchObject({
      state: 'COMPLETED',
      total: 1,
      error: '2 payloads of the range are no longer kept',
    });
    await db.pool.query('DELETE FROM raw_payload');
    expect(await replay('invented')).toMatchObject({
      state: 'FAILED',
      error: 'none of the 3 payloads of the range is kept any more',
    });
  });
});
