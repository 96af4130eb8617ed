import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobKind, JobState } from '../../prisma/operations/jobs.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway, statementsDuring } from '../../tests/support/store-gateway.ts';

const DAY = '2024-07-04T00:00:00.000Z';

let db: TestDatabase;
let gateway: StoreGateway;
beforeAll(async () => {
  db = await freshDatabase();
  gateway = await startStoreGateway({ db });
});
afterAll(async () => {
  await gateway.close();
  await db.drop();
});

interface JobSpec {
  readonly feed: string;
  readonly kind?: JobKind;
  readonly state?: JobState;
  readonly input?: object;
  readonly planned?: boolean;
}

async function storeJob({
  feed,
  kind = 'BACKFILL',
  state = 'RUNNING',
  input = { windows: [] },
  planned = true,
}: JobSpec) {
  const plannedAt = planned ? new Date(DAY) : null;
  const data = { feedId: feed, kind, state, input, plannedAt, requestedBy: 'a test' };
  return (await gateway.prisma.job.create({ data })).id;
}

interface ChunkSpec {
  readonly state: 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED';
  readonly rowsIn?: number;
  readonly originIds?: bigint[];
}

async function storeChunks(job: bigint, chunks: readonly ChunkSpec[]): Promise<bigint[]> {
  const ids: bigint[] = [];
  for (const { state, rowsIn = 0, originIds = [] } of chunks) {
    const begun = state === 'PENDING' ? {} : { startedAt: new Date(DAY), checksum: Uint8Array.from([0xab]) };
    const attempt = state === 'PENDING' ? 0 : 1;
    const partition = 'backfill/PRC_LMP';
    const rows = { rowsIn, rowsWritten: rowsIn, originIds };
    const data = {
      feedId: 'chunks',
      partition,
      kind: 'BACKFILL',
      state,
      jobId: job,
      attempt,
      ...begun,
      ...rows,
    } as const;
    ids.push((await gateway.prisma.ledgerEntry.create({ data })).id);
  }
  return ids;
}

describe('a job', () => {
  const QUERY = `query ($id: ID!) { job(id: $id) {
    kind state from to done failed total progress rowsIn rowsWritten rowsRejected rowsPerSecond estimatedEnd plannedAt finishedAt
  } }`;
  const job = async (id: bigint) => (await gateway.answer(QUERY, { id: String(id) })).job;

  it('counts its chunks and their rows', async () => {
    const windows = [
      { from: 3_600_000, to: 7_200_000 },
      { from: 0, to: 60_000 },
    ];
    const id = await storeJob({ feed: 'counted', input: { windows } });
    await storeChunks(id, [
      { state: 'COMPLETED', rowsIn: 24 },
      { state: 'FAILED' },
      { state: 'RUNNING' },
      { state: 'PENDING' },
    ]);
    expect(await job(id)).toEqual({
      kind: 'BACKFILL',
      state: 'RUNNING',
      from: '1970-01-01T00:00:00.000Z',
      to: '1970-01-01T02:00:00.000Z',
      done: 2,
      failed: 1,
      total: 4,
      progress: 0.5,
      rowsIn: 24,
      rowsWritten: 24,
      rowsRejected: 0,
      rowsPerSecond: expect.any(Number),
      estimatedEnd: expect.any(String),
      plannedAt: DAY,
      finishedAt: null,
    });
  });

  it('has the range of a replay, none of a retry, and no total before it is planned', async () => {
    const replay = await storeJob({ feed: 'r', kind: 'REPLAY', input: { from: 0, to: 1_000 }, planned: false });
    expect(await job(replay)).toMatchObject({
      from: '1970-01-01T00:00:00.000Z',
      to: '1970-01-01T00:00:01.000Z',
      total: null,
      progress: null,
    });
    const retry = await storeJob({ feed: 'r', kind: 'RETRY', input: { ids: [1] } });
    expect(await job(retry)).toMatchObject({ from: null, to: null, total: 0, progress: 1, rowsPerSecond: null });
  });

  it('of an id nobody knows is null', async () => {
    expect(await job(999_999n)).toBeNull();
  });

  it('shows its entries by state and page, each with its job and what it repeats', async () => {
    const id = await storeJob({ feed: 'entries' });
    const [first = 0n] = await storeChunks(id, [{ state: 'COMPLETED' }, { state: 'PENDING' }]);
    const [again = 0n] = await storeChunks(id, [{ state: 'COMPLETED', originIds: [first, 999_999n] }]);
    const query = `query ($id: ID!, $after: String) { job(id: $id) {
      done: entries(state: COMPLETED, first: 1, after: $after) { edges { node { id checksum attempt job { id } origins { id } } } pageInfo { hasNextPage endCursor } }
      pending: entries(state: PENDING) { edges { node { checksum startedAt attempt } } }
    } }`;
    const { done, pending } = (await gateway.answer(query, { id: String(id) })).job;
    const entry = { checksum: 'ab', attempt: 1, job: { id: String(id) } };
    expect(done.edges).toEqual([{ node: { ...entry, id: String(again), origins: [{ id: String(first) }] } }]);
    expect(done.pageInfo.hasNextPage).toBe(true);
    expect(pending.edges).toEqual([{ node: { checksum: null, startedAt: null, attempt: 0 } }]);
    const next = (await gateway.answer(query, { id: String(id), after: done.pageInfo.endCursor })).job.done;
    expect(next.edges).toEqual([{ node: { ...entry, id: String(first), origins: [] } }]);
    expect(next.pageInfo.hasNextPage).toBe(false);
  });
});

describe('what entries repeat', () => {
  const ORIGINS = '{ ledger(feed: "chunks", first: 2) { edges { node { origins { id } } } } }';
  const idsTo = (end: number) => Array.from({ length: end }, (_, id) => BigInt(id + 1_000_000));

  it('is read for many at once', async () => {
    const id = await storeJob({ feed: 'origins' });
    const [first = 0n] = await storeChunks(id, [{ state: 'COMPLETED' }]);
    await storeChunks(
      id,
      [40_000, 50_000].map((end) => ({ state: 'COMPLETED', originIds: [first, ...idsTo(end)] })),
    );
    const statements = await statementsDuring(db, async () => {
      const { ledger } = await gateway.answer(ORIGINS);
      const edge = { node: { origins: [{ id: String(first) }] } };
      expect(ledger.edges).toEqual([edge, edge]);
    });
    expect(statements).toBeLessThan(10);
  });

  it('is refused where it would show too much', async () => {
    const id = await storeJob({ feed: 'origins' });
    await storeChunks(
      id,
      [50_000, 50_001].map((end) => ({ state: 'COMPLETED', originIds: idsTo(end) })),
    );
    const { errors } = await gateway.ask(ORIGINS);
    expect(errors?.[0]?.extensions).toEqual({ code: 'LIMIT_EXCEEDED', limit: 'origins', max: 100_000, asked: 100_001 });
  });
});

describe('the list of jobs', () => {
  const QUERY = `query ($feed: ID, $state: JobState, $first: Int, $after: String) {
    jobs(feed: $feed, state: $state, first: $first, after: $after) {
      edges { node { id done entries(first: 3) { edges { node { id job { id } } } } } } pageInfo { hasNextPage endCursor }
    }
  }`;
  const list = async (variables: Record<string, unknown>) => {
    const { edges, pageInfo } = (await gateway.answer(QUERY, variables)).jobs;
    return { ids: edges.map(({ node }: { node: { id: string } }) => node.id), ...pageInfo };
  };

  it('is newest first, by feed and state, and goes on behind an id', async () => {
    const ids: string[] = [];
    for (const state of ['COMPLETED', 'RUNNING', 'RUNNING'] as const)
      ids.push(String(await storeJob({ feed: 'listed', state })));
    const [oldest, middle, newest] = ids;
    expect(await list({ feed: 'listed' })).toMatchObject({ ids: [newest, middle, oldest], hasNextPage: false });
    expect(await list({ feed: 'listed', state: 'RUNNING' })).toMatchObject({ ids: [newest, middle] });
    const page = await list({ feed: 'listed', first: 2 });
    expect(page).toMatchObject({ ids: [newest, middle], hasNextPage: true });
    expect(await list({ feed: 'listed', after: page.endCursor })).toMatchObject({ ids: [oldest], hasNextPage: false });
    expect((await list({ first: 2 })).ids).toEqual([newest, middle]);
  });

  it('is read in as many statements for many jobs as for one, with their entries', async () => {
    for (let each = 0; each < 20; each++) {
      const id = await storeJob({ feed: 'many' });
      await storeChunks(id, [{ state: 'COMPLETED' }, { state: 'PENDING' }, { state: 'FAILED' }, { state: 'RUNNING' }]);
    }
    const one = await statementsDuring(db, () => list({ feed: 'many', first: 1 }));
    const many = await statementsDuring(db, () => list({ feed: 'many' }));
    const { jobs } = await gateway.answer(QUERY, { feed: 'many' });
    const chunks = jobs.edges.map(
      (edge: { node: { entries: { edges: unknown[] } } }) => edge.node.entries.edges.length,
    );
    expect(chunks).toEqual(Array(20).fill(3));
    expect(many).toBe(one);
    expect(one).toBeGreaterThan(1);
  });

  it('is refused where the pages of its entries would hold too much', async () => {
    for (let each = 0; each < 11; each++) await storeJob({ feed: 'wide' });
    const query = '{ jobs(feed: "wide") { edges { node { entries(first: 10000) { edges { cursor } } } } } }';
    const { errors } = await gateway.ask(query);
    expect(errors?.[0]?.extensions).toEqual({
      code: 'LIMIT_EXCEEDED',
      limit: 'jobEntries',
      max: 100_000,
      asked: 110_000,
    });
  });
});
