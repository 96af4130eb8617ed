import type { RunPrice } from '../../domain/mark-price.ts';
import { type Decimal, decimalFrom } from '../../domain/money.ts';
import { type Mark, markPosition, notional, type Position, pnl01 } from '../../domain/position.ts';
import type { MarkPrice, PositionKey, PositionRow } from '../../schema/trading-rows.ts';

/** A position as its last change left it, before any price. Its lots are nobody's business here. */
export interface StandingPosition extends PositionKey {
  /** Grows with each change: the highest is how it stands. */
  readonly seq: number;
  readonly position: Omit<Position, 'lots'>;
  readonly ledgerId: number;
  /** When it was committed: milliseconds UTC. */
  readonly recordedAt: number;
}

/**
 * A position at a price: the one place where the gateway makes of a state what is shown.
 * @param price the one that `markPriceOf` chose of its node's; undefined where there is none.
 */
export function positionRow(standing: StandingPosition, price: RunPrice | undefined): PositionRow {
  const { account, node, seq, position, ledgerId, recordedAt } = standing;
  const lastPrice = price ? decimalFrom(price.lmp) : null;
  return {
    account,
    node,
    seq,
    method: position.method,
    ...worth(position, lastPrice),
    last: price && lastPrice ? lastOf(price, lastPrice) : null,
    trades: position.trades,
    asOf: Math.max(recordedAt, price?.publishedAt ?? 0),
    ledgerId,
  };
}

type Worth = Pick<
  PositionRow,
  'positionMw' | 'avgPrice' | 'realizedPnl' | 'unrealizedPnl' | 'totalPnl' | 'pnl01' | 'notional'
>;

function worth(position: Omit<Position, 'lots'>, lastPrice: Decimal | null): Worth {
  const mark: Mark = markPosition(position, lastPrice);
  return {
    positionMw: String(mark.positionMw),
    avgPrice: String(mark.avgPrice),
    realizedPnl: String(mark.realized),
    unrealizedPnl: textOf(mark.unrealized),
    totalPnl: textOf(mark.total),
    pnl01: String(pnl01(position)),
    notional: textOf(lastPrice && notional(position, lastPrice)),
  };
}

function lastOf({ run, startAt }: RunPrice, price: Decimal): MarkPrice {
  return { run, startAt, price: String(price) };
}

function textOf(decimal: Decimal | null): string | null {
  return decimal && String(decimal);
}
