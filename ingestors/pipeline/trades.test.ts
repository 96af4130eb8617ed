import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../domain/instant.ts';
import { type NodeName, parseNodeName } from '../../domain/market.ts';
import { decimalFrom } from '../../domain/money.ts';
import { COST_METHODS, type CostMethod } from '../../domain/position.ts';
import type { Trade } from '../../domain/trade.ts';
import { setCostMethod } from '../../prisma/operations/accounts.ts';
import { inTransaction } from '../../prisma/transaction.ts';
import type { LiveBus, PositionEvent, TradeEvent } from '../../runtime/live-bus/live-bus.ts';
import { createRingBus } from '../../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { randomTrades } from '../../tests/support/random-trades.ts';
import { STORED_VERSIONS, sqlPositions, storeVersions } from '../../tests/support/sql-positions.ts';
import { addNodesOf, storedPositions, tradeRecord } from '../../tests/support/stored-positions.ts';
import type { Feed } from '../feed.ts';
import { JSON_TOPIC_FEEDS } from '../feeds/json-topics/feed.ts';
import { createNoise } from '../simulator/noise.ts';
import { type Announcer, createAnnouncer } from './announcer.ts';
import { archivesOf } from './families/families.ts';
import { createPipeline } from './pipeline.ts';
import { createRollups } from './rollups.ts';
import type { UnitKind } from './store/ledger.ts';
import { type Claim, claimPartition, unowned } from './store/positions.ts';

const feed = JSON_TOPIC_FEEDS.find(({ id }) => id === 'trades') as Feed;
const log = pino({ level: 'silent' });
const TS = Date.UTC(2026, 0, 9, 12);
const clock = () => TS + 60 * MINUTE_MS;

describe('trades', () => {
  let db: TestDatabase;
  let bus: LiveBus;
  beforeEach(async () => {
    db = await freshDatabase();
    bus = createRingBus({ window: { entriesMax: 100_000, ageMsMax: 3_600_000 }, clock });
  });
  afterEach(async () => {
    await bus.close();
    await db.drop();
  });

  const announcer = () =>
    createAnnouncer({ bus, pool: db.pool, archiveOf: archivesOf([feed]), metrics: createMetrics(), log });
  const pipelineWith = (telling: Announcer | undefined) =>
    createPipeline({
      pool: db.pool,
      announcer: telling,
      rollups: createRollups({ pool: db.pool, log, clock }),
      keepRaw: false,
      metrics: createMetrics(),
      log,
      clock,
    });
  const claimed = async (partition: string, announcing = true) => {
    const telling = announcing ? announcer() : undefined;
    const ingesting = pipelineWith(telling);
    const claim = await claimPartition(db.pool, feed.id, partition, 'test');
    await telling?.catchUp(feed.id, partition);
    return (records: readonly string[], kind: UnitKind = 'BATCH', held: Claim = claim) => {
      const from = held.position ?? 0;
      return ingesting.ingest(feed, held, {
        kind,
        next: kind === 'BATCH' ? from + records.length : undefined,
        request: null,
        items: records.map((record, place) => ({
          payload: { bytes: Buffer.from(record), name: 'trades' },
          publishedAt: clock(),
          publishedSeq: from + place,
          position: from + place,
        })),
        lag: 0,
      });
    };
  };
  const setMethod = (method: CostMethod) =>
    db.pool.query(`ALTER TABLE account ALTER cost_method SET DEFAULT '${method}'`);
  const expectedOf = async (method: CostMethod, versions: Iterable<Trade>) => {
    const client = await db.pool.connect();
    try {
      await storeVersions(client, versions);
      return await sqlPositions(client, method, STORED_VERSIONS);
    } finally {
      client.release(true);
    }
  };

  it.each(COST_METHODS)(
    'in any batches, on three partitions at once, come to what SQL makes of them: %s',
    async (method) => {
      const versions = [...randomTrades({ seed: 21, versions: 3_000, accounts: 3, nodes: 4 })];
      await addNodesOf(db.pool, versions);
      await setMethod(method);
      const noise = createNoise(22, 'batches');
      // A trade's versions may come on any partition, and in any order.
      const lanes = [0, 1, 2].map((lane) =>
        versions.filter((_, index) => Math.floor(noise.uniform('lane', index) * 3) === lane),
      );
      await Promise.all(
        lanes.map(async (lane, partition) => {
          const ingest = await claimed(String(partition));
          for (let at = 0, batch = 0; at < lane.length; batch++) {
            const size = 1 + Math.floor(noise.uniform(`size ${partition}`, batch) * 200);
            await ingest(lane.slice(at, at + size).map(tradeRecord));
            at += size;
          }
        }),
      );
      const expected = await expectedOf(method, versions);
      expect(expected.length).toBe(12);
      expect(await storedPositions(db.pool)).toEqual(expected);
      const { rows } = await db.pool.query('SELECT count(*)::int AS kept FROM trade');
      expect(rows[0]?.kept).toBe(versions.length);
    },
    60_000,
  );

  it('of many amendments far back, a position is worked out from a checkpoint', async () => {
    const trades = Array.from({ length: 5_000 }, (_, place) =>
      trade({ tradeId: `T${place}`, ts: TS + place, price: place % 70 }),
    );
    const ingest = await claimed('0');
    await ingest(trades.map(tradeRecord));
    const { rows } = await db.pool.query('SELECT count(*)::int AS kept FROM position_checkpoint');
    expect(rows[0]?.kept).toBe(5);
    const amended = [4_700, 1_500, 3].map((place) =>
      trade({ tradeId: `T${place}`, ts: TS + place, price: 99, version: 2 }),
    );
    for (const each of amended) await ingest([tradeRecord(each)]);
    expect(await checkpointsAgree(trades.length)).toBe(true);
    expect(await storedPositions(db.pool)).toEqual(await expectedFrom([...trades, ...amended]));
  });

  it('an amendment to another account and node changes two positions, and both are told', async () => {
    const ingest = await claimed('0');
    await ingest([tradeRecord(trade({ tradeId: 'A' })), tradeRecord(trade({ tradeId: 'B', account: 'south' }))]);
    const after = await bus.tail('positions');
    const moved = trade({ tradeId: 'A', version: 2, account: 'south', node: 'ERCOT:ERCOT-HOUSTON' });
    expect(await ingest([tradeRecord(moved)])).toMatchObject({ written: 0, revised: 1 });
    const events = await positionsAfter(after);
    expect(events.map(({ account, node, position }) => [account, node, position.trades])).toEqual([
      ['north', 'PJM:PJM-WEST', 0],
      ['south', 'ERCOT:ERCOT-HOUSTON', 1],
    ]);
  });

  it('a cancelled trade counts no more, and neither does a late older version of it', async () => {
    const ingest = await claimed('0');
    await ingest([tradeRecord(trade({ tradeId: 'A' }))]);
    await ingest([tradeRecord(trade({ tradeId: 'A', version: 3, status: 'CANCELLED' }))]);
    expect(await ingest([tradeRecord(trade({ tradeId: 'A', version: 2, price: 7 }))])).toMatchObject({
      written: 1,
      revised: 0,
      unchanged: 0,
      rejected: 0,
    });
    expect(await storedPositions(db.pool)).toEqual([]);
    const { rows } = await db.pool.query('SELECT array_agg(version ORDER BY version) AS versions FROM trade');
    expect(rows[0]?.versions).toEqual([1, 2, 3]);

    // What came before does not change without a word, although it does not count.
    const again = await ingest([
      tradeRecord(trade({ tradeId: 'A', version: 2, price: 7 })),
      tradeRecord(trade({ tradeId: 'A', version: 2, price: 8 })),
    ]);
    expect(again).toMatchObject({ written: 0, revised: 0, unchanged: 1, rejected: 1 });
  });

  it('another trade under a version that is taken is a dead letter, the same one again is nothing', async () => {
    const ingest = await claimed('0');
    await ingest([tradeRecord(trade({ tradeId: 'A', price: 30 }))]);
    const again = await ingest([
      tradeRecord(trade({ tradeId: 'A', price: 30 })),
      tradeRecord(trade({ tradeId: 'A', price: 31 })),
    ]);
    expect(again).toMatchObject({ written: 0, revised: 0, unchanged: 1, rejected: 1 });
    const { rows } = await db.pool.query('SELECT code, reason, raw FROM dead_letter');
    expect(rows).toEqual([
      {
        code: 'CONFLICTING_VERSION',
        reason: 'version 1 of trade A came before with other terms: an amendment needs a higher version',
        raw: Buffer.from(tradeRecord(trade({ tradeId: 'A', price: 31 }))),
      },
    ]);
    expect(await storedPositions(db.pool)).toMatchObject([{ trades: 1, cost: '18000' }]);
  });

  it('a replay changes nothing', async () => {
    const records = [...Array(50).keys()].map((place) => tradeRecord(trade({ tradeId: `T${place}`, ts: TS + place })));
    const ingest = await claimed('0');
    await ingest(records);
    const before = await db.pool.query('SELECT seq, quantity, cost, realized FROM position');
    const outcome = await ingest(records, 'REPLAY', unowned(feed.id, 'replay/0'));
    expect(outcome).toMatchObject({ written: 0, revised: 0, unchanged: 50, rejected: 0 });
    expect((await db.pool.query('SELECT seq, quantity, cost, realized FROM position')).rows).toEqual(before.rows);
  });

  it('what a process committed and did not tell is told by another, trades and positions', async () => {
    const silent = await claimed('0', false);
    await silent([tradeRecord(trade({ tradeId: 'A' })), tradeRecord(trade({ tradeId: 'A', version: 2, mw: 20 }))]);
    const positions = await bus.tail('positions');
    const trades = await bus.tail('trades');
    await announcer().catchUp(feed.id, '0');
    expect((await tradesAfter(trades)).map(({ tradeId, version, mw }) => [tradeId, version, mw])).toEqual([
      ['A', 1, '10'],
      ['A', 2, '20'],
    ]);
    expect((await positionsAfter(positions)).map(({ position, seq }) => [position.quantity, seq])).toEqual([
      ['1200', 1],
    ]);
    await announcer().catchUp(feed.id, '0');
    expect(await tradesAfter(trades)).toHaveLength(2);
  });

  it('a late older version is told once, at once or by another process after a crash', async () => {
    const versions = [3, 1, 2, 2].map((version) => tradeRecord(trade({ tradeId: 'A', version })));
    const before = await bus.tail('trades');
    const told = async () => (await tradesAfter(before)).map(({ version }) => version);
    const ingest = await claimed('0');
    for (const version of versions.slice(0, 3)) await ingest([version]);
    expect(await ingest(versions.slice(3))).toMatchObject({ written: 0, unchanged: 1 });
    expect(await told()).toEqual([3, 1, 2]);

    const silent = await claimed('1', false);
    for (const version of [3, 1]) await silent([tradeRecord(trade({ tradeId: 'B', version }))]);
    await announcer().catchUp(feed.id, '1');
    expect((await told()).slice(3)).toEqual([3, 1]);
  });

  it('an account whose method was set before its first trade is kept by it from then on', async () => {
    const change = { account: 'newcomer', method: 'FIFO', create: true } as const;
    await inTransaction(db.pool, (client) => setCostMethod(client, change));
    const ingest = await claimed('0');
    await ingest([tradeRecord(trade({ tradeId: 'A', account: 'newcomer' }))]);
    const { rows } = await db.pool.query('SELECT account, method FROM position');
    expect(rows).toEqual([{ account: 'newcomer', method: 'FIFO' }]);
  });

  it('each trade leaves a snapshot, marked at the last price of the node', async () => {
    await db.pool.query(
      `INSERT INTO lmp (node_id, run, interval_start, interval_end, operating_day, lmp, published_at, published_seq, recorded_at, ledger_id)
       SELECT id, run, $1::timestamptz - ago, $1::timestamptz - ago, $1::timestamptz, price, $1::timestamptz, 0, $1::timestamptz, 0
       FROM pricing_node, (VALUES ('REAL_TIME_5_MIN'::market_run, INTERVAL '1 minute', 90.5), ('SPOT', INTERVAL '5 minutes', 41.25),
                                  ('SPOT', INTERVAL '1 hour', 10)) AS t(run, ago, price)
       WHERE name = 'PJM-WEST'`,
      [new Date(clock())],
    );
    const ingest = await claimed('0');
    await ingest([
      tradeRecord(trade({ tradeId: 'A', price: 30 })),
      tradeRecord(trade({ tradeId: 'B', side: 'SELL', mw: 4, price: 50 })),
    ]);
    const { rows } = await db.pool.query(
      `SELECT p.seq, cause, trim_scale(p.position_mw)::text AS mw, trim_scale(avg_price)::text AS avg, p.last_price::text AS last,
              trim_scale(realized_pnl)::text AS realized, trim_scale(unrealized_pnl)::text AS unrealized,
              trim_scale(total_pnl)::text AS total, trim_scale(pnl01)::text AS pnl01, trim_scale(notional)::text AS notional
       FROM positions_pnl p JOIN price_exposure e USING (account, node_id, at, seq, cause) ORDER BY seq`,
    );
    const marked = { cause: 'TRADE', last: '41.25', avg: '30' };
    expect(rows).toEqual([
      {
        seq: 1,
        ...marked,
        mw: '10',
        realized: '0',
        unrealized: '112.5',
        total: '112.5',
        pnl01: '0.1',
        notional: '412.5',
      },
      {
        seq: 2,
        ...marked,
        mw: '6',
        realized: '80',
        unrealized: '67.5',
        total: '147.5',
        pnl01: '0.06',
        notional: '247.5',
      },
    ]);
  });

  async function positionsAfter(cursor: string): Promise<PositionEvent[]> {
    return (await everythingOn(bus.read('positions', cursor, AbortSignal.timeout(200)))).flatMap(
      ({ events }) => events,
    );
  }
  async function tradesAfter(cursor: string): Promise<TradeEvent[]> {
    return (await everythingOn(bus.read('trades', cursor, AbortSignal.timeout(200)))).flatMap(({ events }) => events);
  }

  /** Whether the checkpoints after the amendments are what the trades up to them come to. */
  async function checkpointsAgree(trades: number): Promise<boolean> {
    const { rows } = await db.pool.query<{ state: { trades: number } }>(
      'SELECT state FROM position_checkpoint ORDER BY last_ts',
    );
    return (
      rows.map(({ state }) => state.trades).join() ===
      [...Array(Math.floor(trades / 1_000)).keys()].map((k) => (k + 1) * 1_000).join()
    );
  }

  const expectedFrom = (trades: readonly Trade[]) => expectedOf('AVERAGE_COST', trades);
});

async function everythingOn<Entry>(stream: AsyncIterable<readonly Entry[]>): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const some of stream) entries.push(...some);
  return entries;
}

interface Terms extends Partial<Omit<Trade, 'mw' | 'price' | 'node'>> {
  readonly node?: string;
  readonly mw?: number;
  readonly price?: number;
}

/** Ten MW at 30 bought by `north` at PJM-WEST, but for what is said. */
function trade({ node = 'PJM:PJM-WEST', mw = 10, price = 30, ...terms }: Terms): Trade {
  return {
    tradeId: 'T',
    version: 1,
    ts: TS,
    account: 'north',
    side: 'BUY',
    minutes: 60,
    status: 'ACTIVE',
    ...terms,
    node: nodeName(node),
    mw: decimalFrom(mw),
    price: decimalFrom(price),
  };
}

function nodeName(text: string): NodeName {
  return parseNodeName(text) ?? expect.unreachable();
}
