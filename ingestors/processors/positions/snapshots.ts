import type { MarketRun } from '../../../domain/market-run.ts';
import { type Decimal, decimalFrom } from '../../../domain/money.ts';
import { markPosition, notional, type Position, pnl01 } from '../../../domain/position.ts';
import type { MarkPrices } from '../../../prisma/operations/mark-prices.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import type { PositionId } from './counted-trades.ts';

/** A position as it is to be kept, marked at the price of now. */
export interface Snapshot extends PositionId {
  readonly seq: number;
  readonly position: Position;
}

/** What positions are marked by. */
export interface Marking {
  /** In the order of preference. */
  readonly markRuns: readonly MarketRun[];
  /** Milliseconds UTC. */
  readonly now: number;
}

/**
 * Keeps what positions are worth and what they are exposed to. Several of one position stand a microsecond apart, in the
 * order they are given.
 */
export async function saveSnapshots(
  client: Queryable,
  snapshots: readonly Snapshot[],
  cause: 'TRADE' | 'CADENCE',
  prices: MarkPrices,
): Promise<void> {
  if (snapshots.length === 0) return;
  const rows = snapshots.map((snapshot) => marked(snapshot, prices.get(snapshot.nodeId)?.lmp));
  const text = (of: (row: Marked) => Decimal | null) => rows.map((row) => of(row)?.toString() ?? null);
  await client.query({
    name: 'save-snapshots',
    text: SAVE,
    values: [
      cause,
      rows.map(({ account }) => account),
      rows.map(({ nodeId }) => nodeId),
      rows.map(({ seq }) => seq),
      text((row) => row.positionMw),
      text((row) => row.avgPrice),
      text((row) => row.lastPrice),
      text((row) => row.realized),
      text((row) => row.unrealized),
      text((row) => row.total),
      text((row) => row.pnl01),
      text((row) => row.notional),
    ],
  });
}

type Marked = ReturnType<typeof marked>;

function marked({ account, nodeId, seq, position }: Snapshot, price: number | undefined) {
  const lastPrice = price === undefined ? null : decimalFrom(price);
  return {
    account,
    nodeId,
    seq,
    ...markPosition(position, lastPrice),
    lastPrice,
    pnl01: pnl01(position),
    notional: lastPrice && notional(position, lastPrice),
  };
}

const SAVE = `
  WITH snapshot AS (
    SELECT account, node_id, clock_timestamp() + place * INTERVAL '1 microsecond' AS at, seq, $1::snapshot_cause AS cause,
           position_mw, avg_price, last_price, realized_pnl, unrealized_pnl, total_pnl, pnl01, notional
    FROM unnest($2::text[], $3::int4[], $4::int8[], $5::numeric[], $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[],
                $10::numeric[], $11::numeric[], $12::numeric[])
      WITH ORDINALITY AS t(account, node_id, seq, position_mw, avg_price, last_price, realized_pnl, unrealized_pnl, total_pnl,
                           pnl01, notional, place)
  ), pnl AS (
    INSERT INTO positions_pnl
      (account, node_id, at, seq, cause, position_mw, avg_price, last_price, realized_pnl, unrealized_pnl, total_pnl)
    SELECT account, node_id, at, seq, cause, position_mw, avg_price, last_price, realized_pnl, unrealized_pnl, total_pnl
    FROM snapshot
  )
  INSERT INTO price_exposure (account, node_id, at, seq, cause, position_mw, last_price, pnl01, notional)
  SELECT account, node_id, at, seq, cause, position_mw, last_price, pnl01, notional FROM snapshot`;
