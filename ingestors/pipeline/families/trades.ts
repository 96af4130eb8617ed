import { DAY_MS, isoFromInstant } from '../../../domain/instant.ts';
import type { MarketRun } from '../../../domain/market-run.ts';
import type { Trade } from '../../../domain/trade.ts';
import type { TradeEvent } from '../../../runtime/live-bus/live-bus.ts';
import { writeTrades } from '../store/write-trades.ts';
import type { Impossible } from '../validate.ts';
import type { FamilyOf } from './family.ts';
import { AT_NODES } from './places.ts';
import { positionEvent } from './position-event.ts';

/** No account here traded before, and no trade is of tomorrow: a clock may be wrong by a time zone. */
const EARLIEST_AT = Date.UTC(1998, 0, 1);
const AHEAD_MS_MAX = DAY_MS;

/**
 * Trades, and the positions that follow from them.
 * @param markRuns what positions are marked at, in the order of preference.
 */
export function createTradesFamily(markRuns: readonly MarketRun[]): FamilyOf<'trades'> {
  return {
    places: AT_NODES,
    judge: (trade, _version, now) => judge(trade, now),
    rangeOf: ({ ts }) => ({ from: ts, to: ts }),
    textOf: (trade) => JSON.stringify(trade),
    factFrom: () => {
      throw new TypeError('a trade is a record by itself: its dead letter is the record');
    },
    write: async (client, placed, { ledgerId, now }) => {
      const trades = placed.map(({ fact, nodeId }) => ({ trade: fact, nodeId }));
      const { written, revised, unchanged, refused, positions, saved } = await writeTrades(client, trades, {
        ledgerId,
        now,
        markRuns,
      });
      return {
        written: written.length - revised,
        revised,
        unchanged,
        refused: refused.map((place) => ({
          place,
          code: 'CONFLICTING_VERSION',
          reason: conflictOf(trades[place]?.trade),
        })),
        news: {
          positions: positions.map((position) => positionEvent(position, ledgerId, now)),
          trades: written.map((trade) => tradeEvent(trade, ledgerId, now)),
        },
        saved,
      };
    },
    committed: () => {},
  };
}

function judge(trade: Trade, now: number): Trade | Impossible {
  const { ts } = trade;
  if (ts >= EARLIEST_AT && ts <= now + AHEAD_MS_MAX) return trade;
  return { code: 'BAD_TIME', reason: `ts is ${isoFromInstant(ts)}, which is not between 1998 and a day from now` };
}

function conflictOf(trade: Trade | undefined): string {
  return `version ${trade?.version} of trade ${trade?.tradeId} came before with other terms: an amendment needs a higher version`;
}

function tradeEvent({ mw, price, ...trade }: Trade, ledgerId: number, recordedAt: number): TradeEvent {
  return { ...trade, mw: String(mw), price: String(price), ledgerId, recordedAt };
}
