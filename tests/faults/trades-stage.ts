import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { setCostMethod } from '../../prisma/operations/accounts.ts';
import { inTransaction } from '../../prisma/transaction.ts';
import { TRADE_TOPIC } from '../../schema/events/topics.ts';
import { followLive } from './live-follower.ts';
import { LivePositions, type LivePositionsVerdict } from './live-positions.ts';
import { LiveTrades, type LiveTradesVerdict } from './live-trades.ts';
import type { Stage, Verdict } from './stage.ts';
import { produceTo, readOf, unreadOf } from './topic-records.ts';
import { accountsOf, type TradeSeries, tradeRecordsOf, tradesOf } from './trade-series.ts';
import { checkTrades, type TradesVerdict } from './trades-check.ts';

/** A stage on which trades come beside the prices. */
export interface TradesStage extends Omit<Stage, 'stands' | 'storedRows'> {
  /** Records that no commit covers yet, and positions that have not followed their account to another method. */
  unread(): Promise<number>;
  verdict(): Promise<Verdict & TradesStageVerdict>;
}

export interface TradesStageVerdict {
  readonly trades: TradesVerdict & { readonly live: LiveTradesVerdict; readonly livePositions: LivePositionsVerdict };
}

const FINISH_MS_MAX = 60_000;

/** What the verdict says of trades where each had its effect exactly once, but for figures that the run decides. */
export function soundTrades({ versions }: TradeSeries) {
  const right = { wrongVersions: 0, wrongHeads: 0, wrongPositions: 0, ledgerFaults: 0, rejected: 0 };
  const live = { twice: 0, missing: 0, unfounded: 0 };
  return { trades: { versions, ...right, live, livePositions: { twice: 0, stale: 0 } } };
}

/** Sets the accounts' methods; each batch that is produced has its share of prices and of trades from then on. */
export async function withTrades(stage: Stage, pool: pg.Pool, series: TradeSeries): Promise<TradesStage> {
  const { eventLog, bus } = stage;
  await setFirstMethods(pool, series);
  const trades = await followLive(bus, 'trades', new LiveTrades());
  const positions = await followLive(bus, 'positions', new LivePositions());
  const records = tradeRecordsOf(series);
  const total = stage.records + series.versions;
  let [asked, sent] = [0, 0];

  /** The methods change when half of the trades are on their way. */
  const produceTrades = async (count: number) => {
    const half = Math.floor(series.versions / 2);
    const isHalf = sent < half && sent + count >= half;
    sent += count;
    await produceTo(eventLog, TRADE_TOPIC, records, count);
    if (isHalf) await changeMethods(pool, series);
  };

  const unread = async () => {
    const counts = await Promise.all([stage.unread(), unreadOf(pool, eventLog, TRADE_TOPIC), unreworked(pool)]);
    return counts.reduce((sum, count) => sum + count);
  };

  return {
    ...stage,
    records: total,
    async produce(count) {
      asked = Math.min(asked + count, total);
      const due = Math.round((asked * series.versions) / total) - sent;
      await Promise.all([produceTrades(due), stage.produce(count - due)]);
    },
    readRecords: async () => (await stage.readRecords()) + (await readOf(pool, TRADE_TOPIC)),
    unread,
    async finish(msMax = FINISH_MS_MAX) {
      const last = stage.startIngestors(await stage.network());
      for (const deadline = Date.now() + msMax; (await unread()) > 0; await pause(20)) {
        if (Date.now() > deadline) throw new Error(`${await unread()} records are still unread`);
      }
      const code = await last.stop();
      if (code !== 0) throw new Error(`the ingestors ended with ${code}:\n${await last.ended}`);
    },
    async verdict() {
      await Promise.all([trades.caughtUp(), positions.caughtUp()]);
      const live = trades.record.compare(() => tradesOf(series));
      const livePositions = await positions.record.compare(pool);
      const stored = await checkTrades(pool, eventLog, series);
      return { ...(await stage.verdict()), trades: { ...stored, live, livePositions } };
    },
    async close() {
      await Promise.all([trades.stop(), positions.stop()]);
      await stage.close();
    },
  };
}

async function setFirstMethods(pool: pg.Pool, series: TradeSeries): Promise<void> {
  const accounts = accountsOf(series);
  await pool.query('INSERT INTO account (id, cost_method) SELECT * FROM unnest($1::text[], $2::cost_method[])', [
    accounts.map(({ account }) => account),
    accounts.map(({ first }) => first),
  ]);
}

async function changeMethods(pool: pg.Pool, series: TradeSeries): Promise<void> {
  for (const { account, first, last } of accountsOf(series)) {
    if (last !== first) await inTransaction(pool, (client) => setCostMethod(client, { account, method: last }));
  }
}

/** Positions that are kept by another method than their account's. */
async function unreworked(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ positions: number }>(
    'SELECT count(*)::int AS positions FROM position p JOIN account a ON a.id = p.account WHERE p.method <> a.cost_method',
  );
  return rows[0]?.positions ?? 0;
}
