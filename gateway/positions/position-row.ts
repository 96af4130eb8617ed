import type { RunPrice } from '../../domain/mark-price.ts';
import { type Decimal, decimalFrom } from '../../domain/money.ts';
import { type Holding, holdingOf, markPosition, notional, type Position, pnl01 } from '../../domain/position.ts';
import type { MarkPrice, PositionKey, PositionRow } from '../../schema/trading-rows.ts';

/** A position as its last change left it, before any price. */
export interface StandingPosition extends PositionKey {
  /** Grows with each change: the highest is how it stands. */
  readonly seq: number;
  readonly position: Omit<Position, 'oldest'>;
  readonly ledgerId: number;
  /** When it was committed: milliseconds UTC. */
  readonly recordedAt: number;
}

/** What a position shows at any price: between two trades prices mark it again and again. */
export interface HeldPosition {
  readonly holding: Holding;
  readonly shown: Omit<PositionRow, 'unrealizedPnl' | 'totalPnl' | 'notional' | 'last' | 'asOf'>;
}

export function heldPosition(standing: StandingPosition): HeldPosition {
  const { account, node, seq, position, ledgerId } = standing;
  const holding = holdingOf(position);
  const shown = {
    account,
    node,
    seq,
    method: position.method,
    positionMw: String(holding.positionMw),
    avgPrice: String(holding.avgPrice),
    realizedPnl: String(holding.realized),
    pnl01: String(pnl01(position)),
    trades: position.trades,
    ledgerId,
  };
  return { holding, shown };
}

/**
 * A position at a price: the one place where the gateway makes of a state what is shown.
 * @param price the one that `markPriceOf` chose of its node's; undefined where there is none.
 * @param held of the position, for whoever marks it more than once.
 */
export function positionRow(
  standing: StandingPosition,
  price: RunPrice | undefined,
  held = heldPosition(standing),
): PositionRow {
  const { position, recordedAt } = standing;
  const { holding, shown } = held;
  const lastPrice = price ? decimalFrom(price.lmp) : null;
  const { unrealized, total } = markPosition(position, lastPrice, holding);
  // One by one: a spread of another object leaves ten times the bytes, of which thousands a second wait for their turn.
  return {
    account: shown.account,
    node: shown.node,
    seq: shown.seq,
    method: shown.method,
    positionMw: shown.positionMw,
    avgPrice: shown.avgPrice,
    realizedPnl: shown.realizedPnl,
    unrealizedPnl: textOf(unrealized),
    totalPnl: textOf(total),
    pnl01: shown.pnl01,
    notional: textOf(lastPrice && notional(position, lastPrice)),
    last: price && lastPrice ? lastOf(price, lastPrice) : null,
    trades: shown.trades,
    asOf: Math.max(recordedAt, price?.publishedAt ?? 0),
    ledgerId: shown.ledgerId,
  };
}

function lastOf({ run, startAt }: RunPrice, price: Decimal): MarkPrice {
  return { run, startAt, price: String(price) };
}

function textOf(decimal: Decimal | null): string | null {
  return decimal && String(decimal);
}
