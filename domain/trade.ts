import type { NodeName } from './market.ts';
import { Decimal } from './money.ts';

/** One version of a trade: an amendment or a cancellation is the same trade with a higher version. */
export interface Trade {
  readonly tradeId: string;
  readonly version: number;
  /** When it was traded: milliseconds UTC. */
  readonly ts: number;
  readonly account: string;
  readonly node: NodeName;
  readonly side: 'BUY' | 'SELL';
  /** Megawatts over the whole of the delivery; more than 0. */
  readonly mw: Decimal;
  /** In the market's currency per MWh; negative prices are valid (RULES 3). */
  readonly price: Decimal;
  /** Length of the delivery, whole: 5, 60, a day of 1,380, 1,440 or 1,500. Sixty where the record says nothing. */
  readonly minutes: number;
  readonly status: 'ACTIVE' | 'CANCELLED';
}

const NAME = /^(?=.*\S)[^\p{Cc}\p{Cs}]{1,100}$/u;

/** Whether a trade or an account can be called so: 1 to 100 characters, not all blank and none a control character. */
export function isTradeName(text: string): boolean {
  return NAME.test(text);
}

/** What is delivered: positive is bought. */
export function mwMinutesOf({ side, mw, minutes }: Pick<Trade, 'side' | 'mw' | 'minutes'>): Decimal {
  return mw.times(new Decimal(BigInt(side === 'BUY' ? minutes : -minutes), 0));
}

/** A trade's place among the others of its account and node. */
export type TradeKey = Pick<Trade, 'ts' | 'tradeId'>;

/** By instant, then by id in the order of code points: what Postgres gives for `ORDER BY ts, trade_id COLLATE "C"`. */
export function compareTrades(one: TradeKey, other: TradeKey): number {
  return one.ts - other.ts || compareCodePoints(one.tradeId, other.tradeId);
}

/**
 * What counts of all versions known, in whatever order they came: of each trade the highest version, unless that one is
 * a cancellation; in the order of trades. A version that came twice counts as it came first.
 */
export function currentTrades(versions: Iterable<Trade>): Trade[] {
  const newest = new Map<string, Trade>();
  for (const trade of versions) {
    const known = newest.get(trade.tradeId);
    if (!known || trade.version > known.version) newest.set(trade.tradeId, trade);
  }
  return [...newest.values()].filter(({ status }) => status === 'ACTIVE').sort(compareTrades);
}

/** `<` compares UTF-16 units, in which an emoji, a pair of surrogates, stands before U+E000 to U+FFFF. */
function compareCodePoints(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const difference = rankOf(one.charCodeAt(at)) - rankOf(other.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}

function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}
