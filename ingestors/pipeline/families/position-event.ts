import type { PositionEvent } from '../../../runtime/live-bus/live-bus.ts';
import type { StoredPosition } from '../../processors/positions/stored-position.ts';

/** A position as the live bus carries it: without where its open begins, which nobody marks. */
export function positionEvent(
  { account, node, seq, position }: StoredPosition,
  ledgerId: number,
  recordedAt: number,
): PositionEvent {
  const { method, quantity, cost, realized, trades, last } = position;
  const texts = { quantity: String(quantity), cost: String(cost), realized: String(realized) };
  return { account, node, seq, position: { method, ...texts, trades, last }, ledgerId, recordedAt };
}
