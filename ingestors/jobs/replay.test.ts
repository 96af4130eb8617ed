import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import { HOUR_MS } from '../../domain/instant.ts';
import type { LmpFact } from '../../domain/lmp.ts';
import { CHUNK_TASK, requestBackfill, requestReplay } from '../../prisma/operations/jobs.ts';
import { TOPICS } from '../../schema/events/topics.ts';
import {
  createJobBench,
  decodeLines,
  inventedFeed,
  type JobBench,
  priceOf,
  VENDOR_NODE,
  type Vendor,
} from '../../tests/support/job-bench.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import type { Decoder, Feed } from '../feed.ts';
import { itemsOf } from '../log-items.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { EventLog } from '../sources/event-log.ts';
import { createCancellations } from './cancellations.ts';
import { insertChunks, splitChunk, takeUp } from './chunk-entries.ts';
import { createPlanTask } from './plan-job.ts';
import { planPayloadReplay } from './plan-payload-replay.ts';
import { planTopicReplay } from './plan-topic-replay.ts';
import type { Pollers } from './pollers.ts';
import { createChunkTask } from './run-chunk.ts';

const FROM = Date.UTC(2026, 0, 9);
const hour = (at: number) => new Date(FROM + at * HOUR_MS).toISOString();
const EVER = { from: 0, to: Date.UTC(2100, 0, 1) };

/** A decoder that was wrong about prices above 8, and is not any more. */
const mended: Decoder<LmpFact> = (payload) => {
  const { facts, rejects } = decodeLines(payload);
  return { facts: facts.map((fact) => (fact.lmp > 8 ? { ...fact, lmp: -fact.lmp } : fact)), rejects };
};

const NO_POLLERS: Pollers = {
  of: () => {
    throw new Error('there is no source');
  },
  close: async () => {},
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
      'SELECT id, partition, state, request, to_json(origin_ids) AS origins, position_from AS from, position_to AS to FROM ledger_entry WHERE kind = $1::ledger_kind ORDER BY id',
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
  const feedOf = (decode: Decoder<LmpFact>): Feed => ({
    family: 'lmp',
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

  it('begins at the first offset that is kept, however far below it is asked for', async () => {
    bench = await createJobBench(db, [feedOf(decodeLines)]);
    const low = 9_000_000_000;
    const eventLog = {
      ...bench.parts.eventLog,
      partitions: async () => [{ partition: 2, low, end: low + 5 }],
      offsetAt: async (_: string, __: number, instant: number) => (instant === EVER.from ? 0 : low + 5),
    };
    const offsets = { partition: 2, fromOffset: 0, toOffset: low + 3 };
    const bounds = async (more: object) =>
      (await planTopicReplay(eventLog, topic, { ...EVER, ...more })).map((chunk) => [
        chunk.positionFrom,
        chunk.positionTo,
      ]);
    expect(await bounds({ offsets })).toEqual([[low, low + 3]]);
    expect(await bounds({ offsets: { ...offsets, toOffset: 7 } })).toEqual([]);
    expect(await bounds({})).toEqual([[low, low + 5]]);
  });

  it.each([0, 1])(
    'of large records is cut where it is, and goes on behind (killed %i times after the cut)',
    async (kills) => {
      const feed = feedOf(decodeLines);
      bench = await createJobBench(db, [feed]);
      await ingestTwelve(feed);
      const { pool, eventLog } = bench.parts;
      const bounds = await eventLog.partitions(topic);
      const job = await requestReplay(db.pool, { feed: 'lines', ...EVER, by: 'test' });
      const run = { signal: new AbortController().signal, tries: 1 };
      await createPlanTask(bench.parts)({ job }, run);
      const planned = (await entries('REPLAY')).length;
      const ingested: number[] = [];
      let toKill = kills;
      const pipeline: Pipeline = {
        ingest: async (...unit) => {
          if (toKill-- > 0) throw new BusbarError('UNAVAILABLE', 'killed');
          ingested.push(...unit[2].items.map(({ position = -1 }) => position));
          return bench.parts.pipeline.ingest(...unit);
        },
      };
      // One record at a time, so that a chunk is cut behind each.
      const slow: EventLog = {
        ...eventLog,
        read: (range, signal) => eventLog.read({ ...range, batchRecordsMax: 1 }, signal),
      };
      const parts = { ...bench.parts, eventLog: slow, pipeline, pollers: NO_POLLERS, replayBytesMax: 1 };
      const chunkTask = createChunkTask({ ...parts, cancellations: createCancellations(pool) });
      const waiting = async () =>
        (await db.pool.query(`SELECT key FROM graphile_worker.jobs WHERE task_identifier = '${CHUNK_TASK}'`)).rows.map(
          ({ key }) => Number(key.split(':')[1]),
        );
      for (let [entry] = await waiting(); entry !== undefined; [entry] = await waiting()) {
        const failed = await Promise.resolve(chunkTask({ entry }, run)).then(
          () => false,
          () => true,
        );
        if (!failed) await db.pool.query(`SELECT graphile_worker.remove_job('${CHUNK_TASK}:' || $1)`, [entry]);
      }
      expect(planned).toBeLessThan(12);
      expect(ingested).toHaveLength(12);
      expect(await bench.jobOf(job)).toMatchObject({
        state: 'COMPLETED',
        total: 12,
        done: 12,
        rowsIn: 12,
        rowsUnchanged: 12,
      });
      for (const { partition, end } of bounds) {
        const chunks = (await entries('REPLAY')).filter((entry) => entry.partition === `replay/${partition}`);
        expect(chunks.map(({ from, to }) => [from, to]).sort(([a], [b]) => a - b)).toEqual(
          Array.from({ length: end }, (_, at) => [at, at + 1]),
        );
      }
    },
  );

  it('of large records leaves nothing to an attempt that is no longer the current one', async () => {
    bench = await createJobBench(db, [feedOf(decodeLines)]);
    const job = await requestReplay(db.pool, { feed: 'lines', ...EVER, by: 'test' });
    const [entry = 0] = await insertChunks(db.pool, { id: job, kind: 'REPLAY', feed: 'lines' }, [
      { partition: 'replay/0', positionFrom: 0, positionTo: 10 },
    ]);
    const earlier = await takeUp(db.pool, entry);
    const current = await takeUp(db.pool, entry);
    if (!earlier || !current) throw new Error('the chunk was not taken up');
    await expect(splitChunk(db.pool, earlier, 5)).rejects.toMatchObject({ code: 'FENCED' });
    expect(await entries('REPLAY')).toMatchObject([{ from: 0, to: 10 }]);
    await splitChunk(db.pool, current, 5);
    expect(await entries('REPLAY')).toMatchObject([
      { from: 0, to: 5, state: 'REPLAYING' },
      { from: 5, to: 10, state: 'PENDING' },
    ]);
  });

  it('says what the log has dropped since it was planned', async () => {
    const feed = feedOf(decodeLines);
    bench = await createJobBench(db, [feed]);
    await ingestTwelve(feed);
    const [busiest] = [...(await bench.parts.eventLog.partitions(topic))].sort((a, b) => b.end - a.end);
    const partition = busiest?.partition ?? 0;
    const offsets = { partition, fromOffset: 0, toOffset: 2 };
    const asked = await requestReplay(db.pool, { feed: 'lines', ...EVER, offsets, by: 'test' });
    await createPlanTask(bench.parts)({ job: asked }, { signal: new AbortController().signal, tries: 1 });
    await db.pool.query('DELETE FROM log_record WHERE topic = $1 AND partition = $2 AND "offset" = 0', [
      topic,
      partition,
    ]);
    await db.pool.query('UPDATE log_partition SET low_offset = 1 WHERE topic = $1 AND partition = $2', [
      topic,
      partition,
    ]);
    await bench.startJobWorkers();
    const job = await ended(asked);
    expect(job).toMatchObject({ state: 'FAILED', rowsIn: 1 });
    expect(job.error).toBe('1 of 1 chunks failed: retention dropped offsets 0 to 1 before they were read');
  });
});

describe('a replay of what a source answered', () => {
  let lmp = 10;
  const vendor = { asked: [], answer: (request: string) => priceOf(request, lmp++) };

  const inCommitOrder = async () =>
    (
      await db.pool.query<{ id: number }>(`SELECT id FROM ledger_entry WHERE kind = 'BACKFILL' ORDER BY commit_id`)
    ).rows.map(({ id }) => id);

  const backfilled = async (decode: Decoder<LmpFact>, hours = 3, partitions = ['A']) => {
    lmp = 7;
    vendor.asked.length = 0;
    bench = await createJobBench(db, [inventedFeed(vendor)]);
    const workers = await bench.startJobWorkers();
    const windows = [{ from: FROM, to: FROM + hours * HOUR_MS, partitions }];
    await ended(await requestBackfill(db.pool, { feed: 'invented', windows, by: 'test' }));
    await workers.stop();
    await bench.startJobWorkers({ feeds: [inventedFeed(vendor, { decode })] });
  };

  it('changes nothing where nothing changed, and does not ask the source', async () => {
    await backfilled(decodeLines);
    const before = await versions();
    expect(await replay('invented')).toMatchObject({ state: 'COMPLETED', total: 1, rowsIn: 3, rowsUnchanged: 3 });
    expect(await versions()).toEqual(before);
    expect(vendor.asked).toHaveLength(3);
    const origins = await inCommitOrder();
    expect(await entries('REPLAY')).toMatchObject([
      {
        partition: 'replay/A',
        origins,
        request: `payloads of ledger entries ${origins[0]}–${origins.at(-1)} (3)`,
      },
    ]);
  });

  it('is cut by number and by bytes, payloads of one partition together', async () => {
    await backfilled(decodeLines, 5, ['A', 'B']);
    const plan = async (limits: { thingsMax: number; bytesMax: number }) => {
      const { chunks } = await planPayloadReplay(db.pool, 'invented', EVER, limits);
      expect(chunks.flatMap(({ originIds }) => originIds).sort()).toEqual((await inCommitOrder()).sort());
      return chunks.map(({ partition, originIds }) => [partition, originIds?.length]).sort();
    };
    expect(await plan({ thingsMax: 100, bytesMax: 1_000_000 })).toEqual([
      ['replay/A', 5],
      ['replay/B', 5],
    ]);
    expect(await plan({ thingsMax: 3, bytesMax: 1_000_000 })).toEqual([
      ['replay/A', 2],
      ['replay/A', 3],
      ['replay/B', 2],
      ['replay/B', 3],
    ]);
    expect(await plan({ thingsMax: 100, bytesMax: 1 })).toHaveLength(10);
    const [alone] = (await planPayloadReplay(db.pool, 'invented', EVER, { thingsMax: 1, bytesMax: 1 })).chunks;
    expect((await entries('BACKFILL')).map(({ request }) => request)).toContain(alone?.request);
  });

  it('in months of polls of every minute has few chunks', async () => {
    await backfilled(decodeLines, 1);
    await db.pool.query(
      `INSERT INTO ledger_entry (feed_id, partition, commit_id, kind, state, checksum, bytes, published_at, event_from, event_to,
         request)
       SELECT feed_id, 'A', 1000 + n, 'FETCH', 'COMPLETED', checksum, bytes, published_at + n * interval '1 minute', event_from,
              event_to, request
       FROM ledger_entry, generate_series(1, 50000) AS n WHERE kind = 'BACKFILL'`,
    );
    const { chunks } = await planPayloadReplay(db.pool, 'invented', EVER);
    expect(chunks).toHaveLength(501);
  });

  it('finds what an answer had for the range that was asked for, and its decoder did not see', async () => {
    const blind: Decoder<LmpFact> = () => {
      throw new BusbarError('NO_DATA', 'there is nothing');
    };
    const polled: Vendor = {
      ...vendor,
      poll: async function* () {
        const payload = { bytes: Buffer.from(`${VENDOR_NODE} ${hour(1)} 5`), name: 'A' };
        const asked = { from: FROM, to: FROM + 3 * HOUR_MS };
        yield { payload, request: 'A', publishedAt: FROM, next: 1, asked };
      },
    };
    bench = await createJobBench(db, [inventedFeed(polled, { decode: blind, partitions: ['A'] })]);
    const workers = await bench.startWorkers();
    await expect.poll(() => entries('FETCH'), { timeout: 15_000 }).toHaveLength(1);
    await workers.stop();
    await bench.startJobWorkers({ feeds: [inventedFeed(vendor)] });
    expect(await replay('invented', { from: FROM, to: FROM + HOUR_MS })).toMatchObject({ total: 1, rowsWritten: 1 });
    expect(await versions()).toEqual(['1: 5 #1']);
  });

  it('of which a payload is judged a source’s error makes it a dead letter, and takes the others', async () => {
    await backfilled((payload) => {
      if (payload.bytes.toString().endsWith(' 8')) throw new BusbarError('THROTTLED', 'not so fast');
      return mended(payload);
    });
    for (let round = 0; round < 2; round += 1) {
      expect(await replay('invented')).toMatchObject({ state: 'COMPLETED', total: 1, rowsIn: 3, rowsRejected: 1 });
    }
    const { rows } = await db.pool.query('SELECT state, code, reason FROM dead_letter');
    expect(rows).toEqual([{ state: 'OPEN', code: 'NOT_THE_FORMAT', reason: 'not so fast' }]);
  });

  it('says which payloads of a chunk were dropped between plan and replay, and takes the others', async () => {
    await backfilled(decodeLines);
    const stop = { signal: new AbortController().signal, tries: 1 };
    await bench.close();
    const job = await requestReplay(db.pool, { feed: 'invented', ...EVER, by: 'test' });
    await createPlanTask(bench.parts)({ job }, stop);
    await db.pool.query('DELETE FROM raw_payload WHERE checksum IN (SELECT checksum FROM raw_payload LIMIT 1)');
    await bench.startJobWorkers();
    expect(await ended(job)).toMatchObject({
      state: 'FAILED',
      rowsUnchanged: 2,
      error: '1 of 1 chunks failed: 1 of 3 payloads are no longer kept',
    });
  });

  it('writes what a mended decoder reads otherwise as revisions, and no more', async () => {
    await backfilled(mended);
    expect(await replay('invented')).toMatchObject({ rowsIn: 3, rowsRevised: 1, rowsUnchanged: 2 });
    const revised = (await versions()).filter((version) => version.endsWith('#2'));
    expect(revised.map((version) => version.split(' ')[1])).toEqual(['-9']);
  });

  it('takes what brought prices of the range, of the partitions asked for', async () => {
    await backfilled(decodeLines);
    expect(await replay('invented', { from: FROM + HOUR_MS, to: FROM + HOUR_MS + 1 })).toMatchObject({
      total: 1,
      rowsIn: 1,
    });
    expect(await replay('invented', { partitions: ['B'] })).toMatchObject({ state: 'COMPLETED', total: 0 });
    expect(await replay('invented', { partitions: ['A'] })).toMatchObject({ rowsIn: 3 });
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
      error: 'NOT_FOUND: none of the 3 payloads of the range is kept any more',
    });
  });
});
