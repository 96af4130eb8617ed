import type pg from 'pg';
import { COST_METHODS } from '../../domain/position.ts';
import type { Trade } from '../../domain/trade.ts';
import type { EventLog } from '../../ingestors/sources/event-log.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import { TRADE_TOPIC } from '../../schema/events/topics.ts';
import { type SqlPosition, STORED_VERSIONS, sqlPositions, storeVersions } from '../support/sql-positions.ts';
import { storedPositions } from '../support/stored-positions.ts';
import { checkCover } from './ledger-check.ts';
import { accountsOf, type TradeSeries, tradesOf } from './trade-series.ts';

export interface TradesVerdict {
  readonly versions: number;
  /** Versions that are missing from the store, differ from what was produced, or were never produced. */
  readonly wrongVersions: number;
  /** Trades of which another version counts than the highest. */
  readonly wrongHeads: number;
  readonly positions: number;
  /** Positions that are not what Postgres makes of the versions produced, by their account's method. */
  readonly wrongPositions: number;
  readonly ledgerEntries: number;
  /** Offsets that no entry covers, or that two cover. */
  readonly ledgerFaults: number;
  /** Versions written, of the ledger's own account. */
  readonly ledgerRows: number;
  /** Versions that came again. */
  readonly repeated: number;
  readonly rejected: number;
  /** From reading to committing, all batches together. */
  readonly busySeconds: number;
}

/** Whether what is stored is what follows from the versions produced. */
export async function checkTrades(pool: pg.Pool, eventLog: EventLog, series: TradeSeries): Promise<TradesVerdict> {
  const client = await pool.connect();
  try {
    await storeVersions(client, tradesOf(series));
    const { rows, ledgerEntries, ledgerFaults, busySeconds } = await checkCover(pool, eventLog, TRADE_TOPIC);
    return {
      ...(await countWrong(client)),
      ...(await checkPositions(client, series)),
      ledgerEntries,
      ledgerFaults,
      ledgerRows: rows.written + rows.revised,
      repeated: rows.unchanged,
      rejected: rows.rejected,
      busySeconds,
    };
  } finally {
    // The session has functions and tables of its own.
    client.release(true);
  }
}

async function countWrong(
  client: Queryable,
): Promise<Pick<TradesVerdict, 'versions' | 'wrongVersions' | 'wrongHeads'>> {
  const { rows: versions } = await client.query<{ stored: number; wrong: number }>(WRONG_VERSIONS);
  const { rows: heads } = await client.query<{ wrong: number }>(WRONG_HEADS);
  return {
    versions: versions[0]?.stored ?? 0,
    wrongVersions: versions[0]?.wrong ?? Number.NaN,
    wrongHeads: heads[0]?.wrong ?? Number.NaN,
  };
}

const TERMS: readonly (keyof Trade)[] = ['account', 'node', 'ts', 'side', 'mw', 'price', 'minutes', 'status'];

const differs = (terms: readonly string[]) => terms.map((term) => `p.${term} IS DISTINCT FROM s.${term}`).join(' OR ');

const WRONG_VERSIONS = `
  SELECT count(s.trade_id)::int AS stored, count(*) FILTER (WHERE ${differs(['trade_id', ...TERMS])})::int AS wrong
  FROM pg_temp.trade_version p
  FULL JOIN (
    SELECT trade_id COLLATE "default" AS trade_id, version, account, n.market_id || ':' || n.name AS node,
           (extract(epoch FROM ts) * 1000)::bigint AS ts, side::text, mw, price, minutes, status::text
    FROM trade JOIN pricing_node n ON n.id = node_id
  ) s USING (trade_id, version)`;

const WRONG_HEADS = `
  SELECT count(*)::int AS wrong
  FROM (SELECT DISTINCT ON (trade_id) * FROM pg_temp.trade_version ORDER BY trade_id, version DESC) p
  FULL JOIN (
    SELECT trade_id COLLATE "default" AS trade_id, version, account, n.market_id || ':' || n.name AS node,
           (extract(epoch FROM ts) * 1000)::bigint AS ts, status::text
    FROM trade_head JOIN pricing_node n ON n.id = node_id
  ) s USING (trade_id)
  WHERE ${differs(['trade_id', 'version', 'account', 'node', 'ts', 'status'])}`;

async function checkPositions(
  client: Queryable,
  series: TradeSeries,
): Promise<Pick<TradesVerdict, 'positions' | 'wrongPositions'>> {
  const expected = new Map<string, string>();
  for (const method of COST_METHODS) {
    const kept = new Set(accountsOf(series).flatMap(({ account, last }) => (last === method ? account : [])));
    for (const position of await sqlPositions(client, method, STORED_VERSIONS)) {
      if (kept.has(position.account)) expected.set(keyOf(position), JSON.stringify(position));
    }
  }
  const stored = await storedPositions(client);
  let wrong = 0;
  for (const position of stored) {
    if (expected.get(keyOf(position)) !== JSON.stringify(position)) wrong += 1;
    expected.delete(keyOf(position));
  }
  return { positions: stored.length, wrongPositions: wrong + expected.size };
}

const keyOf = ({ account, node }: SqlPosition) => `${account} ${node}`;
