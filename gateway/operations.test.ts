import type { Client } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { INTERVALS_BETWEEN_MAX } from '../prisma/operations/repair.ts';
import { createPool } from '../prisma/pool.ts';
import { schema } from '../schema/schema.ts';
import { socketClient, startGateway } from '../tests/support/gateway.ts';
import { storeLmps } from '../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway } from '../tests/support/store-gateway.ts';
import { createOperations } from './operations.ts';

const NOW = Date.parse('2024-07-05T00:00:00Z');
const RANGE = { from: '2024-07-04T00:00:00.000Z', to: '2024-07-04T01:00:00.000Z' };

let db: TestDatabase;
let gateway: StoreGateway;

beforeAll(async () => {
  db = await freshDatabase();
  gateway = await startStoreGateway({ db, clock: () => NOW });
  const { prisma } = gateway;
  await prisma.feed.createMany({
    data: [
      { id: 'prices', title: 'Spot prices', kind: 'topic' },
      { id: 'caiso-lmp', title: 'CAISO', kind: 'poll', streams: { 'iso.da.lmp.caiso': ['PRC_LMP'] } },
    ],
  });
});
afterAll(async () => {
  await gateway.close();
  await db.drop();
});

async function refusal(query: string, variables?: Record<string, unknown>) {
  const { errors } = await gateway.ask(query, variables);
  return { code: errors?.[0]?.extensions.code, message: errors?.[0]?.message };
}

const lastNote = () => gateway.prisma.auditEntry.findFirst({ orderBy: { id: 'desc' } });
const notes = () => gateway.prisma.auditEntry.count();

const BACKFILL = `mutation ($input: BackfillInput!) {
  backfill(input: $input) { job { id kind feed state from to done total progress requestedBy cancelRequested } }
}`;
const REPLAY = 'mutation ($input: ReplayInput!) { replay(input: $input) { job { id kind from to } } }';
const REPAIR = 'mutation ($input: RepairInput!) { repair(input: $input) { job { id kind from to } } }';
const CANCEL = 'mutation ($id: ID!) { cancelJob(id: $id) { job { id state cancelRequested } } }';
const RETRY =
  'mutation ($feed: ID!, $ids: [ID!]) { retryDeadLetters(feed: $feed, ids: $ids) { job { id kind from } } }';
const DISCARD = `mutation ($feed: ID!, $ids: [ID!], $reason: String!) {
  discardDeadLetters(feed: $feed, ids: $ids, reason: $reason) { discarded }
}`;

const inputOf = async (id: string) => (await gateway.prisma.job.findUniqueOrThrow({ where: { id: BigInt(id) } })).input;

describe('the cost method of an account', () => {
  const SET = 'mutation ($account: ID!) { setCostMethod(account: $account, method: FIFO) { id costMethod } }';

  test('is set, noted, and its positions are queued to follow', async () => {
    await gateway.prisma.account.create({ data: { id: 'north' } });
    const { setCostMethod } = await gateway.answer(SET, { account: 'north' });
    expect(setCostMethod).toEqual({ id: 'north', costMethod: 'FIFO' });
    const input = { account: 'north', method: 'FIFO' };
    expect(await lastNote()).toMatchObject({ action: 'setCostMethod', input, outcome: 'DONE' });
    const { rows } = await db.pool.query(
      `SELECT key FROM graphile_worker.jobs WHERE task_identifier = 'rework-account'`,
    );
    expect(rows).toEqual([{ key: 'rework-account/north' }]);
  });

  test('of an account that nobody knows is refused, so that a mistyped name makes none', async () => {
    expect(await refusal(SET, { account: 'nobody' })).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('create'),
    });
    expect((await gateway.answer('{ account(id: "nobody") { id } }')).account).toBeNull();
  });

  const CREATE =
    'mutation ($account: ID!, $method: CostMethod!) { setCostMethod(account: $account, method: $method, create: true) { id costMethod } }';

  test('can be set before the first trade by whoever says so, and sets that of a known account as well', async () => {
    const { setCostMethod } = await gateway.answer(CREATE, { account: 'newcomer', method: 'FIFO' });
    expect(setCostMethod).toEqual({ id: 'newcomer', costMethod: 'FIFO' });
    expect((await gateway.answer('{ account(id: "newcomer") { costMethod } }')).account).toEqual({
      costMethod: 'FIFO',
    });
    const again = await gateway.answer(CREATE, { account: 'newcomer', method: 'AVERAGE_COST' });
    expect(again.setCostMethod.costMethod).toBe('AVERAGE_COST');
  });

  test.each(['', '   ', 'a\u0007b', 'x'.repeat(101)])(
    'makes no account that no trade could name: %j',
    async (account) => {
      expect(await refusal(CREATE, { account, method: 'FIFO' })).toMatchObject({ code: 'BAD_USER_INPUT' });
    },
  );
});

describe('a backfill', () => {
  test('is a job, a task in the queue and a note of who asked', async () => {
    const { backfill } = await gateway.answer(BACKFILL, { input: { feed: 'caiso-lmp', ...RANGE } });
    expect(backfill.job).toEqual({
      id: expect.any(String),
      kind: 'BACKFILL',
      feed: 'caiso-lmp',
      state: 'PENDING',
      ...RANGE,
      done: 0,
      total: null,
      progress: null,
      requestedBy: 'anonymous',
      cancelRequested: false,
    });
    const { rows } = await db.pool.query('SELECT task_identifier FROM graphile_worker.jobs WHERE key = $1', [
      `plan-job:${backfill.job.id}`,
    ]);
    expect(rows).toEqual([{ task_identifier: 'plan-job' }]);
    expect(await lastNote()).toMatchObject({
      actor: 'anonymous',
      via: 'graphql',
      action: 'backfill',
      input: { feed: 'caiso-lmp', ...RANGE },
      outcome: 'DONE',
      error: null,
      jobId: BigInt(backfill.job.id),
    });
  });

  test('of a stream is one of its partitions, and names the nodes asked for', async () => {
    const input = { feed: 'iso.da.lmp.caiso', ...RANGE, nodes: ['CAISO:A', 'CAISO:A', 'CAISO:B'] };
    const { backfill } = await gateway.answer(BACKFILL, { input });
    const [from, to] = [Date.parse(RANGE.from), Date.parse(RANGE.to)];
    expect(await inputOf(backfill.job.id)).toEqual({
      windows: [{ from, to, partitions: ['PRC_LMP'], nodes: ['CAISO:A', 'CAISO:B'] }],
    });
  });

  test.each([
    ['of a topic', 'prices', 'BAD_USER_INPUT', /replay/],
    ['of a feed nobody knows', 'nobody', 'NOT_FOUND', /there are caiso-lmp, iso.da.lmp.caiso, prices/],
  ])('%s is refused, and that is noted', async (_what, feed, code, message) => {
    const jobs = await gateway.prisma.job.count();
    expect(await refusal(BACKFILL, { input: { feed, ...RANGE } })).toEqual({
      code,
      message: expect.stringMatching(message),
    });
    expect(await lastNote()).toMatchObject({ action: 'backfill', input: { feed }, outcome: 'REFUSED', jobId: null });
    expect(await gateway.prisma.job.count()).toBe(jobs);
  });
});

describe('who asks by socket', () => {
  let client: Client;
  beforeEach(() => {
    client = socketClient(gateway.socketUrl);
  });
  afterEach(() => client.dispose());

  test('is known by where the socket comes from', async () => {
    await client.iterate({ query: BACKFILL, variables: { input: { feed: 'caiso-lmp', ...RANGE } } }).next();
    expect(await lastNote()).toMatchObject({ actor: 'anonymous', via: 'graphql', action: 'backfill' });
  });
});

describe('a replay', () => {
  test('of a topic can be narrowed to offsets', async () => {
    const into = { partition: 3, fromOffset: 10, toOffset: 2 ** 40 };
    const { replay } = await gateway.answer(REPLAY, { input: { feed: 'prices', ...RANGE, into } });
    expect(replay.job).toMatchObject({ kind: 'REPLAY', ...RANGE });
    expect(await inputOf(replay.job.id)).toEqual({
      from: Date.parse(RANGE.from),
      to: Date.parse(RANGE.to),
      offsets: into,
    });
    expect(await lastNote()).toMatchObject({ action: 'replay', input: { feed: 'prices', ...RANGE, into } });
  });
});

describe('a repair', () => {
  const minute = (place: number) => `2024-07-04T00:${String(place).padStart(2, '0')}:00.000Z`;
  const prices = (node: string, ...minutes: number[]) =>
    minutes.map((place) => ({ node, run: 'REAL_TIME_5_MIN' as const, start: minute(place), minutes: 5, lmp: 1 }));
  const owes = (partition: string, nodes: string[]) =>
    gateway.prisma.feedExpectation.create({
      data: {
        feedId: 'caiso-lmp',
        partition,
        run: 'REAL_TIME_5_MIN',
        marketId: 'CAISO',
        nodes,
        intervalMs: 300_000,
        dueMs: 600_000,
      },
    });

  test('of a feed that owes nothing that could be told is refused', async () => {
    const { code, message } = await refusal(REPAIR, { input: { feed: 'caiso-lmp', ...RANGE } });
    expect([code, message]).toEqual(['BAD_USER_INPUT', expect.stringContaining('owes nothing that could be told')]);
  });

  test('backfills the gaps, those that several nodes share as one, and those near each other as one', async () => {
    await owes('PRC_INTVL_LMP', ['CAISO:A', 'CAISO:B', 'CAISO:C', 'CAISO:D']);
    await storeLmps(db.pool, [
      ...prices('CAISO:A', 0, 5, 20, 25, 30, 35, 40, 45, 50, 55),
      ...prices('CAISO:B', 0, 5, 20, 25, 30, 35, 40, 45, 50),
      ...prices('CAISO:C', 0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55),
      ...prices('CAISO:D', 0, 5, 20, 25, 30, 35, 40, 45, 50, 55),
    ]);
    const { repair } = await gateway.answer(REPAIR, { input: { feed: 'caiso-lmp', ...RANGE } });
    expect(repair.job).toMatchObject({ kind: 'BACKFILL', from: minute(10), to: RANGE.to });
    const partitions = ['PRC_INTVL_LMP'];
    expect(await inputOf(repair.job.id)).toEqual({
      windows: [
        { from: Date.parse(minute(10)), to: Date.parse(minute(20)), partitions, nodes: ['CAISO:A', 'CAISO:D'] },
        { from: Date.parse(minute(10)), to: Date.parse(RANGE.to), partitions, nodes: ['CAISO:B'] },
      ],
    });
    expect(await lastNote()).toMatchObject({ action: 'repair', outcome: 'DONE', jobId: BigInt(repair.job.id) });
  });

  test('says how near is near', () => {
    const { description } = schema.getMutationType()?.getFields().repair ?? {};
    expect(description).toContain(`at most ${INTERVALS_BETWEEN_MAX} intervals between them`);
  });

  test('can be narrowed to nodes and partitions', async () => {
    const narrow = { nodes: ['CAISO:A', 'CAISO:C'], partitions: ['PRC_INTVL_LMP'] };
    const { repair } = await gateway.answer(REPAIR, { input: { feed: 'caiso-lmp', ...RANGE, ...narrow } });
    expect(await inputOf(repair.job.id)).toMatchObject({ windows: [{ nodes: ['CAISO:A'] }] });
    expect(await lastNote()).toMatchObject({ action: 'repair', input: { feed: 'caiso-lmp', ...RANGE, ...narrow } });
    const other = { feed: 'caiso-lmp', ...RANGE, partitions: ['PRC_LMP'] };
    expect((await refusal(REPAIR, { input: other })).message).toContain('owes nothing that could be told');
  });

  test('of a feed that misses nothing is refused, without a job', async () => {
    const jobs = await gateway.prisma.job.count();
    const input = { feed: 'caiso-lmp', from: minute(20), to: minute(50) };
    const { errors } = await gateway.ask(REPAIR, { input });
    expect(errors).toMatchObject([
      {
        message: 'nothing is missing of caiso-lmp there',
        extensions: { code: 'BAD_USER_INPUT', reason: 'NOTHING_TO_REPAIR' },
      },
    ]);
    expect(await lastNote()).toMatchObject({ action: 'repair', input, outcome: 'REFUSED', jobId: null });
    expect(await gateway.prisma.job.count()).toBe(jobs);
  });

  test('is what `gaps` and `completeness` show', async () => {
    const { feed } = await gateway.answer(
      `query ($from: DateTime!, $to: DateTime!) { feed(id: "caiso-lmp") {
        gaps(from: $from, to: $to, nodes: ["CAISO:A", "CAISO:C"]) { partition run node { id } from to intervals }
        completeness(from: $from, to: $to) { partition run expected present missing watermark }
      } }`,
      RANGE,
    );
    const partition = { partition: 'PRC_INTVL_LMP', run: 'REAL_TIME_5_MIN' };
    expect(feed).toEqual({
      gaps: [{ ...partition, node: { id: 'CAISO:A' }, from: minute(10), to: minute(20), intervals: 2 }],
      completeness: [{ ...partition, expected: 48, present: 41, missing: 7, watermark: RANGE.to }],
    });
    const none = '{ feed(id: "prices") { gaps(from: "2024-07-04T00:00Z", to: "2024-07-05T00:00Z") { intervals } } }';
    expect((await gateway.answer(none)).feed.gaps).toBeNull();
  });
});

describe('a cancellation', () => {
  test('asks the job to end, and is refused where it has', async () => {
    const { backfill } = await gateway.answer(BACKFILL, { input: { feed: 'caiso-lmp', ...RANGE } });
    const { id } = backfill.job;
    const { cancelJob } = await gateway.answer(CANCEL, { id });
    expect(cancelJob.job).toEqual({ id, state: 'PENDING', cancelRequested: true });
    expect(await lastNote()).toMatchObject({ action: 'cancelJob', input: { id: Number(id) }, jobId: BigInt(id) });
    await gateway.prisma.job.update({ where: { id: BigInt(id) }, data: { state: 'CANCELLED' } });
    expect(await refusal(CANCEL, { id })).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await lastNote()).toMatchObject({ action: 'cancelJob', outcome: 'REFUSED' });
  });

  test('of a job nobody knows is refused', async () => {
    expect(await refusal(CANCEL, { id: '9007199254740991' })).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('dead letters', () => {
  let ids: string[];
  beforeEach(async () => {
    await gateway.prisma.deadLetter.deleteMany();
    const entry = await gateway.prisma.ledgerEntry.create({
      data: { feedId: 'prices', partition: '0', kind: 'BATCH', state: 'COMPLETED' },
    });
    const letters = [0, 1, 2].map((position) =>
      gateway.prisma.deadLetter.create({
        data: {
          feedId: 'prices',
          partition: '0',
          position,
          ledgerId: entry.id,
          code: 'NOT_JSON',
          reason: 'no',
          raw: Uint8Array.from([1]),
          receivedAt: new Date(NOW),
        },
      }),
    );
    ids = (await Promise.all(letters)).map(({ id }) => String(id));
  });

  test('are retried all, or those that are named, each once', async () => {
    const [first = '', second = ''] = ids;
    const { retryDeadLetters: all } = await gateway.answer(RETRY, { feed: 'prices' });
    expect(all.job).toMatchObject({ kind: 'RETRY', from: null });
    const { retryDeadLetters: some } = await gateway.answer(RETRY, { feed: 'prices', ids: [first, second, first] });
    const named = [Number(first), Number(second)].sort((a, b) => a - b);
    expect(await inputOf(some.job.id)).toEqual({ ids: named });
  });

  test('are discarded all of those named or none, with a reason', async () => {
    const [first = '', second = ''] = ids;
    const asked = { feed: 'prices', reason: 'a test of the vendor' };
    expect(await refusal(DISCARD, { ...asked, ids: [first, '9007199254740991'] })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await lastNote()).toMatchObject({ action: 'discardDeadLetters', outcome: 'REFUSED' });
    const { discardDeadLetters } = await gateway.answer(DISCARD, { ...asked, ids: [first, second] });
    expect(discardDeadLetters).toEqual({ discarded: 2 });
    expect(await lastNote()).toMatchObject({
      action: 'discardDeadLetters',
      outcome: 'DONE',
      input: { ...asked, ids: [Number(first), Number(second)] },
      jobId: null,
    });
    const { discarded, open, feed } = await gateway.answer(`{
      discarded: deadLetters(feed: "prices", state: DISCARDED) { edges { node { resolution resolvedAt retries retriedBy { id } } } }
      open: deadLetters(feed: "prices", state: OPEN) { edges { node { id resolution resolvedAt } } }
      feed(id: "prices") { deadLettersOpen }
    }`);
    const gone = { resolution: asked.reason, resolvedAt: expect.any(String), retries: 0, retriedBy: null };
    expect(discarded.edges).toEqual([{ node: gone }, { node: gone }]);
    expect(open.edges).toEqual([{ node: { id: ids[2], resolution: null, resolvedAt: null } }]);
    expect(feed).toEqual({ deadLettersOpen: 1 });
  });

  test('are not discarded without a reason', async () => {
    expect(await refusal(DISCARD, { feed: 'prices', reason: ' ' })).toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

describe('a change that makes no sense in itself', () => {
  const backfill = (given: object) => [BACKFILL, { input: { feed: 'caiso-lmp', ...RANGE, ...given } }] as const;
  const replay = (into: object) => [REPLAY, { input: { feed: 'prices', ...RANGE, into } }] as const;

  test.each([
    ['a range that runs backwards', ...backfill({ to: '2024-07-03T00:00Z' }), /before/],
    ['an empty list of partitions', ...backfill({ partitions: [] }), /leave it out/],
    ['an empty list of nodes', ...backfill({ nodes: [] }), /leave it out/],
    ['a node without market', ...backfill({ nodes: ['A'] }), /MARKET:NAME/],
    ['offsets that run backwards', ...replay({ partition: 0, fromOffset: 5, toOffset: 5 }), /fromOffset/],
    ['an offset below 0', ...replay({ partition: 0, fromOffset: -1, toOffset: 5 }), /fromOffset/],
    ['a partition below 0', ...replay({ partition: -1, fromOffset: 0, toOffset: 5 }), /partition/],
    [
      'a repair that runs backwards',
      REPAIR,
      { input: { feed: 'caiso-lmp', from: RANGE.to, to: RANGE.from } },
      /before/,
    ],
    ['an id of words', CANCEL, { id: 'seven' }, /whole number/],
    ['an id of 0', CANCEL, { id: '0' }, /whole number/],
    ['an id below 0', CANCEL, { id: '-1' }, /whole number/],
    ['an id beyond what is safe', CANCEL, { id: '9007199254740992' }, /whole number/],
    ['an empty list of ids', RETRY, { feed: 'prices', ids: [] }, /leave it out/],
    ['a dead letter’s id of words', DISCARD, { feed: 'prices', ids: ['1', 'x'], reason: 'no' }, /whole number/],
    ['text that the store cannot hold', RETRY, { feed: 'a\0b' }, /NUL/],
  ])('is refused, and that is noted once: %s', async (_what, query, variables, message) => {
    const noted = await notes();
    const { code, message: said } = await refusal(query, variables);
    expect([code, said]).toEqual(['BAD_USER_INPUT', expect.stringMatching(message)]);
    expect(await notes()).toBe(noted + 1);
    expect(await lastNote()).toMatchObject({
      actor: 'anonymous',
      via: 'graphql',
      action: /(\w+)\((?:input|id|feed): \$/.exec(query)?.[1],
      outcome: 'REFUSED',
      error: said,
      jobId: null,
    });
  });

  test('is noted as it was sent: instants as text, an input by its fields', async () => {
    const nodes = ['A'];
    await refusal(...backfill({ nodes }));
    expect((await lastNote())?.input).toEqual({ feed: 'caiso-lmp', ...RANGE, nodes });
    await refusal(...replay({ partition: -1, fromOffset: 0, toOffset: 5 }));
    const into = { partition: -1, fromOffset: 0, toOffset: 5 };
    expect((await lastNote())?.input).toEqual({ feed: 'prices', ...RANGE, into });
    await refusal(CANCEL, { id: 'seven' });
    expect((await lastNote())?.input).toEqual({ id: 'seven' });
  });

  test('is noted by the mutation’s own name; those behind it in a request are not reached', async () => {
    const noted = await notes();
    await refusal('mutation { a: cancelJob(id: "x") { job { id } } b: cancelJob(id: "y") { job { id } } }');
    expect(await notes()).toBe(noted + 1);
    expect(await lastNote()).toMatchObject({ action: 'cancelJob', input: { id: 'x' } });
  });

  test.each([
    ['an argument of a wrong type', BACKFILL, { input: { feed: 'caiso-lmp', ...RANGE, from: 'yesterday' } }],
    ['a field nobody knows', 'mutation { explode { id } }', {}],
    ['a question, which changes nothing', 'query ($id: ID!) { job(id: $id) { id } }', { id: '1.5' }],
  ])('is not noted where no mutation was reached: %s', async (_what, query, variables) => {
    const noted = await notes();
    expect(await refusal(query, variables)).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await notes()).toBe(noted);
  });

  test.each([
    ['backfillDays', ...backfill({ from: '2014-07-03T00:00Z' })],
    ['partitions', ...backfill({ partitions: Array(1_001).fill('PRC_LMP') })],
    ['nodes', ...backfill({ nodes: Array(1_001).fill('CAISO:A') })],
    ['ids', RETRY, { feed: 'prices', ids: Array(10_001).fill('1') }],
    ['reason', DISCARD, { feed: 'prices', reason: 'x'.repeat(2_001) }],
  ])('is refused beyond the limit %s', async (limit, query, variables) => {
    const { errors } = await gateway.ask(query, variables);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'LIMIT_EXCEEDED', limit });
    const note = await lastNote();
    expect(note).toMatchObject({ outcome: 'REFUSED', error: errors?.[0]?.message });
    expect(JSON.stringify(note?.input).length).toBeLessThan(2_500);
  });
});

describe('text that the store cannot hold', () => {
  const forged = (list: string, position: unknown) =>
    Buffer.from(JSON.stringify([list, position])).toString('base64url');

  test.each([
    ['feed', '{ feed(id: "a\\u0000b") { id } }', {}],
    ['search', 'query ($search: String) { pricingNodes(search: $search) { edges { cursor } } }', { search: '\0' }],
    [
      'a surrogate',
      'query ($search: String) { pricingNodes(search: $search) { edges { cursor } } }',
      { search: '\ud800' },
    ],
    [
      'after',
      'query ($after: String) { pricingNodes(after: $after) { edges { cursor } } }',
      {
        after: forged('nodes', 'PJM:\0'),
      },
    ],
    ['ledger', '{ ledger(feed: "\\u0000") { edges { cursor } } }', {}],
    ['deadLetters', '{ deadLetters(feed: "\\u0000") { edges { cursor } } }', {}],
    ['jobs', '{ jobs(feed: "\\u0000") { edges { cursor } } }', {}],
    ['backfill', BACKFILL, { input: { feed: 'caiso-lmp\0', ...RANGE } }],
    ['a list in an input', BACKFILL, { input: { feed: 'caiso-lmp', ...RANGE, partitions: ['PRC_LMP', '\0'] } }],
    ['retryDeadLetters', RETRY, { feed: '\0' }],
    ['discardDeadLetters', DISCARD, { feed: 'prices', reason: 'no\0' }],
  ])('is refused as bad input, in one place for all: %s', async (_where, query, variables) => {
    expect(await refusal(query, variables)).toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  test('is refused by a field below the root, and by a subscription', async () => {
    const gaps = 'gaps(from: "2024-07-04T00:00Z", to: "2024-07-05T00:00Z", partitions: ["\\u0000"]) { intervals }';
    expect(await refusal(`{ feed(id: "caiso-lmp") { ${gaps} } }`)).toMatchObject({ code: 'BAD_USER_INPUT' });
    const client = socketClient(gateway.socketUrl);
    const events = client.iterate({ query: 'subscription { jobProgress(id: "\\u0000") { id } }' });
    expect((await events.next()).value.errors).toEqual([
      expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' }, message: expect.stringContaining('NUL') }),
    ]);
    await client.dispose();
  });
});

describe('the audit log', () => {
  test('is read newest first, page by page, with the job each entry asked for', async () => {
    const { backfill } = await gateway.answer(BACKFILL, { input: { feed: 'caiso-lmp', ...RANGE } });
    await refusal(BACKFILL, { input: { feed: 'nobody', ...RANGE } });
    const query = `query ($after: String) { auditLog(first: 1, after: $after) {
      edges { node { actor via action input outcome error job { id state } } } pageInfo { endCursor hasNextPage }
    } }`;
    const first = (await gateway.answer(query)).auditLog;
    expect(first.edges[0].node).toMatchObject({
      outcome: 'REFUSED',
      error: expect.stringContaining('nobody'),
      job: null,
    });
    const second = (await gateway.answer(query, { after: first.pageInfo.endCursor })).auditLog;
    const { input, ...node } = second.edges[0].node;
    expect(node).toEqual({
      actor: 'anonymous',
      via: 'GRAPHQL',
      action: 'backfill',
      outcome: 'DONE',
      error: null,
      job: { id: backfill.job.id, state: 'PENDING' },
    });
    expect(JSON.parse(input)).toEqual({ feed: 'caiso-lmp', ...RANGE });
  });
});

test('a store that is away is told as UNAVAILABLE, without its address', async () => {
  const pool = createPool({ url: 'postgres://nobody@127.0.0.1:1/nothing', max: 1 });
  const away = await startGateway({ operations: createOperations({ pool, clock: Date.now }) });
  const response = await fetch(away.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: CANCEL, variables: { id: '1' } }),
  });
  expect((await response.json()).errors).toMatchObject([
    { message: expect.not.stringContaining('127.0.0.1'), extensions: { code: 'UNAVAILABLE' } },
  ]);
  await away.close();
  await pool.end();
});
