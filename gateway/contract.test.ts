import { type ExecutionResult, graphql, parse, subscribe } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isBusbarError } from '../domain/errors.ts';
import { ALL_RIGHTS } from '../domain/rights.ts';
import { createPrisma, type PrismaClient } from '../prisma/client.ts';
import type { Context, Live, Operations, Reads } from '../schema/context.ts';
import { schema } from '../schema/schema.ts';
import { storeLmps } from '../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import { OPEN_IDENTITY } from './auth/identity.ts';
import { createLoaders } from './loaders.ts';
import { createReads } from './reads/index.ts';

const NOW = Date.parse('2024-07-05T00:00:00Z');

let db: TestDatabase;
let prisma: PrismaClient;
let reads: Reads;
let batch: number;

beforeAll(async () => {
  db = await freshDatabase();
  prisma = createPrisma(db.pool);
  reads = createReads({ pool: db.pool, prisma, clock: () => NOW });
  batch = await storeLedgerEntry({ feed: 'prices', positionTo: 2n ** 52n });
  await storeLmps(db.pool, [
    {
      node: 'PJM:PJM-WEST',
      run: 'REAL_TIME_5_MIN',
      start: '2024-07-04T17:00Z',
      minutes: 5,
      lmp: -3.5,
      ledgerId: batch,
    },
    {
      node: 'PJM:NEW',
      run: 'REAL_TIME_5_MIN',
      start: '2024-07-04T17:05Z',
      minutes: 5,
      lmp: 41,
      energy: 40,
      ledgerId: batch,
    },
  ]);
});
afterAll(async () => {
  await prisma.$disconnect();
  await db.drop();
});

async function storeLedgerEntry({ feed, positionTo }: { feed: string; positionTo: bigint }): Promise<number> {
  const { id } = await prisma.ledgerEntry.create({
    data: {
      feedId: feed,
      partition: '0',
      kind: 'BATCH',
      state: 'COMPLETED',
      positionFrom: 0n,
      positionTo,
      checksum: Buffer.from('abcd', 'hex'),
      bytes: 10n ** 10n,
      rowsIn: 2,
      rowsWritten: 1,
      rowsUnchanged: 0,
      rowsRevised: 0,
      rowsRejected: 1,
      startedAt: new Date(NOW),
    },
  });
  return Number(id);
}

const nothing = () => {
  throw new TypeError('nothing is live here, and nothing changes');
};
const NO_LIVE: Live = {
  lmp: nothing,
  trades: nothing,
  pnl: nothing,
  forecasts: nothing,
  jobProgress: nothing,
  feedHealth: nothing,
  apiHealth: nothing,
};
const NO_OPERATIONS: Operations = {
  noteFailure: nothing,
  backfill: nothing,
  replay: nothing,
  repair: nothing,
  cancelJob: nothing,
  retryDeadLetters: nothing,
  setCostMethod: nothing,
  discardDeadLetters: nothing,
  by: OPEN_IDENTITY,
  createApiKey: nothing,
  rotateApiKey: nothing,
  revokeApiKey: nothing,
};

/** Every read that was asked for, by name. */
function ask(
  source: string,
  variableValues: Record<string, unknown> = {},
): Promise<ExecutionResult & { asked: string[] }> {
  const asked: string[] = [];
  const counted = new Proxy(reads, {
    get: (target, name, receiver) => {
      asked.push(String(name));
      return Reflect.get(target, name, receiver);
    },
  });
  return graphql({ schema, source, variableValues, contextValue: contextOf(counted) }).then((result) => ({
    ...result,
    asked,
  }));
}

function contextOf(asked: Reads, live: Live = NO_LIVE): Context {
  return {
    rights: ALL_RIGHTS,
    reads: asked,
    operations: NO_OPERATIONS,
    live,
    loaders: createLoaders(asked, ALL_RIGHTS),
  };
}

async function answer(source: string, variables?: Record<string, unknown>) {
  const { data, errors } = await ask(source, variables);
  if (errors) throw new AggregateError(errors, errors.map(({ message }) => message).join('\n'));
  return JSON.parse(JSON.stringify(data));
}

async function refusal(source: string, variables?: Record<string, unknown>) {
  const { errors } = await ask(source, variables);
  const [error] = errors ?? [];
  const origin = error?.originalError;
  const code = isBusbarError(origin) ? origin.code : error?.extensions.code;
  return { code, message: error?.message ?? '', details: isBusbarError(origin) ? origin.details : {} };
}

describe('a node of a price', () => {
  it('tells its id, name and market without a question to the store', async () => {
    const { data, asked } = await ask(
      '{ latestLmp(nodes: ["PJM:PJM-WEST"], run: REAL_TIME_5_MIN) { lmp start end node { id name market { id timeZone } } } }',
    );
    expect(data).toEqual({
      latestLmp: [
        {
          lmp: -3.5,
          start: '2024-07-04T17:00:00.000Z',
          end: '2024-07-04T17:05:00.000Z',
          node: { id: 'PJM:PJM-WEST', name: 'PJM-WEST', market: { id: 'PJM', timeZone: 'America/New_York' } },
        },
      ],
    });
    expect(asked).toEqual(['latestLmp']);
  });

  it('brings the metadata and ledger entries of all prices with one question each', async () => {
    const { data, errors, asked } = await ask(`{
      latestLmp(nodes: ["PJM:NEW", "PJM:PJM-WEST"], run: REAL_TIME_5_MIN) {
        node { kind title zone }
        ledgerEntry { id feed positionTo bytes checksum state }
      }
    }`);
    expect(errors).toBeUndefined();
    const ledgerEntry = {
      id: String(batch),
      feed: 'prices',
      positionTo: 2 ** 52,
      bytes: 1e10,
      checksum: 'abcd',
      state: 'COMPLETED',
    };
    expect(data?.latestLmp).toEqual([
      { node: { kind: null, title: null, zone: null }, ledgerEntry },
      { node: { kind: 'HUB', title: 'PJM Western Hub', zone: null }, ledgerEntry },
    ]);
    expect(asked.sort()).toEqual(['latestLmp', 'ledgerEntriesById', 'nodesByName']);
  });
});

describe('lists', () => {
  it('of prices go on where the cursor of the page before ends', async () => {
    const query = `query ($after: String) {
      lmps(nodes: ["PJM:NEW", "PJM:PJM-WEST"], run: REAL_TIME_5_MIN, from: "2024-07-04T00:00Z", to: "2024-07-05T00:00Z", first: 1, after: $after) {
        edges { cursor node { lmp } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }`;
    const { lmps: first } = await answer(query);
    expect(first.edges.map((edge: { node: object }) => edge.node)).toEqual([{ lmp: -3.5 }]);
    expect(first.pageInfo).toMatchObject({
      hasNextPage: true,
      hasPreviousPage: false,
      endCursor: first.edges[0].cursor,
    });
    const { lmps: second } = await answer(query, { after: first.pageInfo.endCursor });
    expect(second.edges.map((edge: { node: object }) => edge.node)).toEqual([{ lmp: 41 }]);
    expect(second.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  });

  it('of markets and nodes are there', async () => {
    const found = await answer(
      '{ markets { id } pricingNodes(market: "PJM", search: "west") { edges { node { id title } } } }',
    );
    expect(found.markets.map(({ id }: { id: string }) => id)).toEqual([
      'CAISO',
      'ERCOT',
      'ISONE',
      'MISO',
      'NYISO',
      'PJM',
      'SPP',
    ]);
    expect(found.pricingNodes.edges).toEqual([{ node: { id: 'PJM:PJM-WEST', title: 'PJM Western Hub' } }]);
  });

  it('of ledger entries are newest first and go on behind an id', async () => {
    const ids = [
      await storeLedgerEntry({ feed: 'paged', positionTo: 1n }),
      await storeLedgerEntry({ feed: 'paged', positionTo: 2n }),
    ];
    const query = `query ($after: String, $state: LedgerState) {
      ledger(feed: "paged", first: 1, after: $after, state: $state) { edges { node { id } } pageInfo { hasNextPage endCursor } }
    }`;
    const { ledger: first } = await answer(query, { state: 'COMPLETED' });
    expect([first.edges[0].node.id, first.pageInfo.hasNextPage]).toEqual([String(ids[1]), true]);
    const { ledger: second } = await answer(query, { after: first.pageInfo.endCursor });
    expect([second.edges[0].node.id, second.pageInfo.hasNextPage]).toEqual([String(ids[0]), false]);
    expect((await answer(query, { state: 'FAILED' })).ledger.edges).toEqual([]);
  });
});

describe('feeds', () => {
  it('show where each partition stands and the furthest watermark', async () => {
    const position = { feedId: 'prices', updatedAt: new Date(NOW) };
    await prisma.feed.create({ data: { id: 'prices', title: 'Spot prices', kind: 'topic' } });
    await prisma.feedPosition.createMany({
      data: [
        { ...position, partition: '10', position: 5n },
        {
          ...position,
          partition: '2',
          position: 2n ** 52n,
          watermark: new Date('2024-07-04T17:05Z'),
          lag: 3n,
          owner: 'a',
        },
        {
          ...position,
          partition: '1',
          watermark: new Date('2024-07-04T17:00Z'),
          lastError: 'gone',
          lastErrorAt: new Date(NOW),
        },
      ],
    });
    const found = await answer(
      '{ feeds { id } feed(id: "prices") { id title watermark partitions { partition position watermark lag owner lastError } } none: feed(id: "x") { id } }',
    );
    const nothing = { position: null, watermark: null, lag: null, owner: null, lastError: null };
    expect(found).toEqual({
      feeds: [{ id: 'prices' }],
      feed: {
        id: 'prices',
        title: 'Spot prices',
        watermark: '2024-07-04T17:05:00.000Z',
        partitions: [
          { ...nothing, partition: '1', watermark: '2024-07-04T17:00:00.000Z', lastError: 'gone' },
          { ...nothing, partition: '2', position: 2 ** 52, watermark: '2024-07-04T17:05:00.000Z', lag: 3, owner: 'a' },
          { ...nothing, partition: '10', position: 5 },
        ],
      },
      none: null,
    });
  });
});

describe('dead letters', () => {
  const store = (feedId: string, raw: Buffer) =>
    prisma.deadLetter.create({
      data: {
        feedId,
        partition: '0',
        ledgerId: batch,
        code: 'NOT_JSON',
        reason: 'no',
        raw: Uint8Array.from(raw),
        receivedAt: new Date(NOW),
      },
    });

  it('show their bytes as text and base64, with what is no UTF-8 marked, and read them in one question', async () => {
    await store('bytes', Buffer.from([0x7b, 0xff, 0x00]));
    await store('bytes', Buffer.from('{"ü": 1}'));
    const query =
      '{ deadLetters(feed: "bytes") { edges { node { code size rawText rawBase64 ledgerEntry { id } } } } }';
    const { data, errors, asked } = await ask(query);
    expect(errors).toBeUndefined();
    const node = { code: 'NOT_JSON', ledgerEntry: { id: String(batch) } };
    expect(data?.deadLetters).toEqual({
      edges: [
        { node: { ...node, size: 9, rawText: '{"ü": 1}', rawBase64: Buffer.from('{"ü": 1}').toString('base64') } },
        { node: { ...node, size: 3, rawText: '{�\u0000', rawBase64: 'e/8A' } },
      ],
    });
    expect(asked.filter((name) => name === 'deadLetterRaws')).toEqual(['deadLetterRaws']);
  });

  it('do not read their bytes where nobody asks for them', async () => {
    const { asked } = await ask('{ deadLetters { edges { node { id size } } } }');
    expect(asked).toEqual(['deadLetters']);
  });

  it('cut their text at a whole character', async () => {
    await store('long', Buffer.from('aü'.repeat(50_000)));
    const found = await answer(
      '{ deadLetters(feed: "long") { edges { node { size short: rawText(maxBytes: 5) rawText } } } }',
    );
    const { size, short, rawText } = found.deadLetters.edges[0].node;
    expect([size, short, Buffer.byteLength(rawText)]).toEqual([150_000, 'aüa', 65_536]);
  });

  it('are refused where one answer would show more than 16 MiB', async () => {
    for (let copy = 0; copy < 3; copy++) await store('huge', Buffer.alloc(6 * 1024 * 1024));
    const { code, details } = await refusal('{ deadLetters(feed: "huge") { edges { node { rawBase64 } } } }');
    expect([code, details]).toEqual(['LIMIT_EXCEEDED', { limit: 'rawBytes', max: 16_777_216, asked: 18_874_368 }]);
  });
});

describe('a question that asks for too much or makes no sense', () => {
  const series = (args: string) => `{ lmpSeries(${args}) { start } }`;
  const range = 'from: "2024-07-04T00:00Z", to: "2024-07-05T00:00Z"';

  it.each([
    ['a node without market', `{ latestLmp(nodes: ["WEST"], run: SPOT) { lmp } }`, /MARKET:NAME.*"WEST"/],
    ['a node of an unknown market', `{ latestLmp(nodes: ["XYZ:A"], run: SPOT) { lmp } }`, /"XYZ:A"/],
    ['an unknown market', '{ pricingNodes(market: "pjm") { edges { cursor } } }', /there are CAISO, ERCOT/],
    [
      'a range that runs backwards',
      series('nodes: [], run: SPOT, from: "2024-07-05T00:00Z", to: "2024-07-04T00:00Z"'),
      /before/,
    ],
    ['an empty range', series('nodes: [], run: SPOT, from: "2024-07-05T00:00Z", to: "2024-07-05T00:00Z"'), /before/],
    [
      'quarters of an hourly run',
      series(`nodes: [], run: DAY_AHEAD_HOURLY, resolution: FIFTEEN_MINUTES, ${range}`),
      /invent/,
    ],
    ['no rows', '{ pricingNodes(first: 0) { edges { cursor } } }', /at least 1/],
    ['fewer than no rows', '{ pricingNodes(first: -1) { edges { cursor } } }', /at least 1/],
    ['a cursor of its own making', '{ pricingNodes(after: "abc") { edges { cursor } } }', /cursor/],
    ['a time without zone', series('nodes: [], run: SPOT, from: "2024-07-04T00:00", to: "2024-07-05T00:00Z"'), /zone/],
    [
      'a day that does not exist',
      series('nodes: [], run: SPOT, from: "2024-02-30T00:00Z", to: "2024-07-05T00:00Z"'),
      /ISO 8601/,
    ],
    ['no bytes of text', '{ deadLetters { edges { node { rawText(maxBytes: 0) } } } }', /maxBytes/],
  ])('is refused as bad input: %s', async (_what, query, message) => {
    expect(await refusal(query)).toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringMatching(message) });
  });

  it('is refused as bad input where a variable is a time without zone, and shows only the beginning of it', async () => {
    const query = 'query ($at: DateTime!) { lmpSeries(nodes: [], run: SPOT, from: $at, to: $at) { start } }';
    const { code, message } = await refusal(query, { at: 'x'.repeat(100_000) });
    expect(code).toBe('BAD_USER_INPUT');
    expect(message).toContain('ISO 8601');
  });

  it.each([
    ['nodes', '{ latestLmp(nodes: $nodes, run: SPOT) { lmp } }', 1_001, 1_000],
    ['first', '{ lmps(nodes: $nodes, run: SPOT, first: 10001, RANGE) { edges { cursor } } }', 10_001, 10_000],
    [
      'points',
      '{ lmpSeries(nodes: $nodes, run: REAL_TIME_5_MIN, from: "2000-01-01T00:00Z", to: "2009-07-05T19:05Z") { start } }',
      1_000_453,
      1_000_000,
    ],
    [
      'points',
      '{ dartSpread(nodes: $nodes, from: "0000-01-01T00:00Z", to: "9999-01-01T00:00Z") { start } }',
      87_649_440,
      1_000_000,
    ],
    [
      'calendarPoints',
      '{ lmpSeries(nodes: $nodes, run: SPOT, resolution: MONTH, from: "0000-01-01T00:00Z", to: "9999-01-01T00:00Z") { start } }',
      130_626,
      10_000,
    ],
  ])('is refused before it runs, naming the limit %s and what was asked', async (limit, query, asked, max) => {
    const nodes = limit === 'nodes' ? Array.from({ length: 1_001 }, (_, place) => `PJM:${place}`) : ['PJM:A'];
    const source = `query ($nodes: [ID!]!) ${query.replace('RANGE', range)}`;
    const { code, details, message } = await refusal(source, { nodes });
    expect([code, details]).toEqual(['LIMIT_EXCEEDED', { limit, max, asked }]);
    expect(message).toContain(`${asked}`);
  });
});

describe('the subscription to prices', () => {
  it.each(['lmp', 'forecasts'])('of no node at all is refused: %s', async (field) => {
    const document = parse(`subscription { ${field}(nodes: []) { cursor } }`);
    expect(await subscribe({ schema, document, contextValue: contextOf(reads) })).toMatchObject({
      errors: [{ message: '`nodes` is empty: leave it out to mean all' }],
    });
  });

  it('hands filter, delivery and cursor to whoever is live, and passes the updates on', async () => {
    const calls: unknown[] = [];
    const live: Live = {
      ...NO_LIVE,
      lmp: async function* (...call) {
        calls.push(call);
        yield { cursor: 'c1', ticks: await reads.latestLmp(['PJM:NEW'], 'REAL_TIME_5_MIN') };
      },
    };
    const document = parse(
      'subscription { lmp(nodes: ["PJM:NEW", "PJM:NEW"], market: "PJM", run: REAL_TIME_5_MIN, delivery: LATEST, after: "c0") { cursor ticks { lmp node { id } } } }',
    );
    const events = await subscribe({ schema, document, contextValue: contextOf(reads, live) });
    if (!(Symbol.asyncIterator in events)) throw new AggregateError(events.errors ?? []);
    const results = [];
    for await (const { data } of events) results.push(data);
    expect(results).toEqual([{ lmp: { cursor: 'c1', ticks: [{ lmp: 41, node: { id: 'PJM:NEW' } }] } }]);
    expect(calls).toEqual([[{ nodes: ['PJM:NEW'], market: 'PJM', run: 'REAL_TIME_5_MIN' }, 'LATEST', 'c0', false]]);
  });
});
