import type { Client } from 'graphql-ws';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import type { JobState } from '../../prisma/operations/jobs.ts';
import { socketClient, startGateway } from '../../tests/support/gateway.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway } from '../../tests/support/store-gateway.ts';
import { askingStore } from '../store-reach.ts';
import { createWatches } from './watches.ts';

const REQUESTED_AT = new Date('2024-07-04T00:00:00Z');
/** So that what is told to a late subscriber cannot be what the loop told everybody in the meantime. */
const AN_HOUR_MS = 3_600_000;

let db: TestDatabase;
let gateway: StoreGateway;
let clients: Client[];

beforeEach(async () => {
  db = await freshDatabase();
  clients = [];
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.dispose()));
  await gateway.close();
  await db.drop();
});

async function start(everyMs: number): Promise<void> {
  gateway = await startStoreGateway({ db, jobEveryMs: everyMs, feedsEveryMs: everyMs });
}

const JOB = `subscription ($id: ID!) {
  jobProgress(id: $id) { id state done failed total progress rowsIn rowsPerSecond estimatedEnd cancelRequested error }
}`;
const FEEDS = 'subscription { feedHealth { id watermark deadLettersOpen partitions { partition lag } } }';

interface Frame {
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it subscribed to
  readonly data?: any;
  readonly errors?: readonly { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }[];
}

/** Each on a socket of its own. */
function subscribe(query: string, variables: Record<string, unknown> = {}, url = gateway.socketUrl) {
  const client = socketClient(url);
  clients.push(client);
  return client.iterate({ query, variables }) as unknown as AsyncIterableIterator<Frame>;
}

const next = async (frames: AsyncIterator<Frame>) => (await frames.next()).value as Frame;

async function storeJob(state: JobState = 'PENDING'): Promise<string> {
  const input = { windows: [{ from: 0, to: 1 }] };
  const data = { kind: 'BACKFILL', state, feedId: 'caiso-lmp', input, requestedBy: 'a test' } as const;
  return String((await gateway.prisma.job.create({ data: { ...data, requestedAt: REQUESTED_AT } })).id);
}

/** As an ingestor that plans it. */
async function plan(id: string, chunks: number): Promise<void> {
  const { prisma } = gateway;
  const entry = { feedId: 'caiso-lmp', partition: 'backfill/PRC_LMP', kind: 'BACKFILL', state: 'PENDING' } as const;
  await prisma.$transaction([
    prisma.ledgerEntry.createMany({
      data: Array.from({ length: chunks }, () => ({ ...entry, jobId: BigInt(id), attempt: 0 })),
    }),
    prisma.job.update({ where: { id: BigInt(id) }, data: { state: 'RUNNING', plannedAt: new Date() } }),
  ]);
}

/** As an ingestor that has done one chunk; the last one ends the job. */
async function complete(id: string): Promise<void> {
  const { prisma } = gateway;
  const pending = await prisma.ledgerEntry.findMany({ where: { jobId: BigInt(id), state: 'PENDING' } });
  const done = { state: 'COMPLETED', attempt: 1, rowsIn: 24, startedAt: new Date(), finishedAt: new Date() } as const;
  const finished = { state: 'COMPLETED', finishedAt: new Date() } as const;
  await prisma.$transaction([
    prisma.ledgerEntry.update({ where: { id: pending[0]?.id ?? 0n }, data: done }),
    ...(pending.length === 1 ? [prisma.job.update({ where: { id: BigInt(id) }, data: finished })] : []),
  ]);
}

describe('the progress of a job', () => {
  test('is the job as it is, each change of it, and ends after the last', async () => {
    await start(10);
    const id = await storeJob();
    const frames = subscribe(JOB, { id });
    expect((await next(frames)).data.jobProgress).toEqual({
      id,
      state: 'PENDING',
      done: 0,
      failed: 0,
      total: null,
      progress: null,
      rowsIn: 0,
      rowsPerSecond: null,
      estimatedEnd: null,
      cancelRequested: false,
      error: null,
    });
    await plan(id, 2);
    expect((await next(frames)).data.jobProgress).toMatchObject({ state: 'RUNNING', done: 0, total: 2, progress: 0 });
    await complete(id);
    expect((await next(frames)).data.jobProgress).toMatchObject({
      done: 1,
      progress: 0.5,
      rowsIn: 24,
      rowsPerSecond: expect.any(Number),
      estimatedEnd: expect.any(String),
    });
    await complete(id);
    expect((await next(frames)).data.jobProgress).toMatchObject({
      state: 'COMPLETED',
      done: 2,
      progress: 1,
      rowsIn: 48,
    });
    expect((await frames.next()).done).toBe(true);
    await expect.poll(() => gateway.watches.watching).toBe(0);
  });

  test('begins with the job as it is for a second subscriber that comes late, too, from one loop', async () => {
    await start(AN_HOUR_MS);
    const id = await storeJob();
    const early = subscribe(JOB, { id });
    expect((await next(early)).data.jobProgress.state).toBe('PENDING');
    await plan(id, 4);
    const late = subscribe(JOB, { id });
    expect((await next(late)).data.jobProgress).toMatchObject({ state: 'RUNNING', total: 4 });
    expect(gateway.watches.watching).toBe(1);
    expect((await gateway.metrics.liveMembers.get()).values[0]?.value).toBe(2);
  });

  test('is not told anew because the clock went on', async () => {
    await start(5);
    const id = await storeJob();
    await plan(id, 3);
    await complete(id);
    const frames = subscribe(JOB, { id });
    const first = (await next(frames)).data.jobProgress;
    // Rate and estimate are others by now, as a new subscriber sees.
    await expect
      .poll(async () => (await next(subscribe(JOB, { id }))).data.jobProgress.rowsPerSecond)
      .not.toBe(first.rowsPerSecond);
    await complete(id);
    expect((await next(frames)).data.jobProgress).toMatchObject({ done: 2 });
  });

  test('of a job that has ended is one event and the end', async () => {
    await start(AN_HOUR_MS);
    const frames = subscribe(JOB, { id: await storeJob('CANCELLED') });
    expect((await next(frames)).data.jobProgress.state).toBe('CANCELLED');
    expect((await frames.next()).done).toBe(true);
  });

  test('of a job nobody knows ends with NOT_FOUND', async () => {
    await start(10);
    const frames = subscribe(JOB, { id: '77' });
    expect((await next(frames)).errors).toMatchObject([
      { message: 'there is no job 77', extensions: { code: 'NOT_FOUND' } },
    ]);
    expect((await frames.next()).done).toBe(true);
    expect(gateway.watches.watching).toBe(0);
  });

  test('is looked at by nobody once the last subscriber has left', async () => {
    await start(5);
    const id = await storeJob();
    const [one, other] = [subscribe(JOB, { id }), subscribe(JOB, { id })];
    await Promise.all([next(one), next(other)]);
    await one.return?.();
    expect(gateway.watches.watching).toBe(1);
    await other.return?.();
    await expect.poll(() => gateway.watches.watching).toBe(0);
  });

  test('comes by server-sent events too, and nobody looks once they are broken off', async () => {
    await start(5);
    const id = await storeJob();
    const aborting = new AbortController();
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: JOB, variables: { id } }),
      signal: aborting.signal,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('"state":"PENDING"')) text += (await reader?.read())?.value ?? '';
    expect(gateway.watches.watching).toBe(1);
    aborting.abort();
    await expect.poll(() => gateway.watches.watching).toBe(0);
  });

  test('ends with UNAVAILABLE where the store is lost, without what the store said', async () => {
    await start(5);
    let away = false;
    const watches = createWatches({
      reads: askingStore({
        ...gateway.reads,
        jobsById: async (ids) => {
          if (away) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
          return gateway.reads.jobsById(ids);
        },
      }),
      jobEveryMs: 5,
    });
    const failing = await startGateway({ live: watches });
    const frames = subscribe(JOB, { id: await storeJob() }, failing.socketUrl);
    await next(frames);
    away = true;
    expect((await next(frames)).errors).toMatchObject([
      { message: expect.not.stringContaining('ECONNREFUSED'), extensions: { code: 'UNAVAILABLE' } },
    ]);
    expect((await frames.next()).done).toBe(true);
    await expect.poll(() => watches.watching).toBe(0);
    await failing.close();
  });
});

describe('the health of the feeds', () => {
  const store = async (id: string) => {
    await gateway.prisma.feed.create({ data: { id, title: id, kind: 'topic' } });
    await gateway.prisma.feedPosition.create({ data: { feedId: id, partition: '0', lag: 0n } });
  };
  const lag = (feedId: string, records: bigint) =>
    gateway.prisma.feedPosition.update({
      where: { feedId_partition: { feedId, partition: '0' } },
      data: { lag: records },
    });

  test('is all feeds, and all again when one changed', async () => {
    await start(10);
    await store('prices');
    const frames = subscribe(FEEDS);
    const standing = { watermark: null, deadLettersOpen: 0, partitions: [{ partition: '0', lag: 0 }] };
    expect((await next(frames)).data.feedHealth).toEqual([{ id: 'prices', ...standing }]);
    await store('dayahead_prices');
    const all = [{ id: 'dayahead_prices' }, { id: 'prices' }];
    await expect.poll(async () => (await next(frames)).data.feedHealth).toMatchObject(all);
    await lag('prices', 7n);
    await expect
      .poll(async () => (await next(frames)).data.feedHealth)
      .toMatchObject([{}, { partitions: [{ partition: '0', lag: 7 }] }]);
  });

  test('changes when dead letters are discarded, which no feed’s row shows', async () => {
    await start(10);
    await store('prices');
    const { id } = await gateway.prisma.ledgerEntry.create({
      data: { feedId: 'prices', partition: '0', kind: 'BATCH', state: 'COMPLETED' },
    });
    const letter = { feedId: 'prices', partition: '0', ledgerId: id, code: 'NOT_JSON', reason: 'no' };
    await gateway.prisma.deadLetter.create({ data: { ...letter, raw: Uint8Array.from([1]), receivedAt: new Date() } });
    const frames = subscribe(FEEDS);
    expect((await next(frames)).data.feedHealth[0].deadLettersOpen).toBe(1);
    await gateway.answer('mutation { discardDeadLetters(feed: "prices", reason: "no use") { discarded } }');
    expect((await next(frames)).data.feedHealth[0].deadLettersOpen).toBe(0);
  });

  test('begins with all feeds for a second subscriber that comes late, too, and ends with the last', async () => {
    await start(AN_HOUR_MS);
    await store('prices');
    const early = subscribe(FEEDS);
    await next(early);
    await lag('prices', 9n);
    const late = subscribe(FEEDS);
    expect((await next(late)).data.feedHealth[0].partitions).toEqual([{ partition: '0', lag: 9 }]);
    expect(gateway.watches.watching).toBe(1);
    await Promise.all([early.return?.(), late.return?.()]);
    await expect.poll(() => gateway.watches.watching).toBe(0);
  });
});

test('watches that close tell UNAVAILABLE to who is left', async () => {
  await start(AN_HOUR_MS);
  const frames = gateway.watches.jobProgress(Number(await storeJob()))[Symbol.asyncIterator]();
  await frames.next();
  const end = expect(frames.next()).rejects.toBeInstanceOf(BusbarError);
  await gateway.watches.close();
  await end;
  expect(gateway.watches.watching).toBe(0);
});
