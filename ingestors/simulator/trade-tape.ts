import type { NodeName } from '../../domain/market.ts';
import { createTradingModel, type SimulatedTrade, type TradingModel } from './trading-model.ts';

/**
 * Runs through the sessions of a trading model as time passes, each trade once.
 *
 * A session that was begun is always told to its end, so that its books close. Where time has run ahead, sessions too long
 * ago are passed over whole: the desk was not there.
 */
export interface TradeTape {
  /** What is due and was not taken yet, oldest first, as much as one append may hold; empty where nothing is. */
  due(now: number): readonly SimulatedTrade[];
  /** The first so many of what was due have been published. */
  take(count: number): void;
}

const CATCH_UP_MS = 10_000;
const DUE_MAX = 1_000;

/**
 * @param keepMs how long ago the first sessions begin, and how much of a pause is made up for; where it is shorter than a
 *   session, the tape begins with the session under way, and makes up for at least ten seconds.
 */
export function createTradeTape(model: TradingModel, now: number, keepMs: number): TradeTape {
  const keptMs = Math.max(keepMs, model.sessionMs);
  const caughtUpMs = Math.max(keptMs, CATCH_UP_MS);
  let session = model.sessionFrom(now - keptMs);
  let left = model.trades(session);
  return {
    due(at) {
      while (left.length < DUE_MAX && model.startOf(session + 1) <= at) {
        session = Math.max(session + 1, model.sessionFrom(at - caughtUpMs));
        left = [...left, ...model.trades(session)];
      }
      const later = left.findIndex(({ atMs }) => atMs > at);
      return later < 0 ? left : left.slice(0, later);
    },
    take(count) {
      left = left.slice(count);
    },
  };
}

export interface TradingPace {
  readonly accounts: number;
  /** 0: none. */
  readonly perSecond: number;
}

export interface TradingHistory {
  readonly seed: number;
  readonly nodes: readonly NodeName[];
  readonly trades?: TradingPace;
  readonly historyMs?: number;
}

/** Five hundred trades in six hours. */
const SLOW_STEP_MS = 43_200;

/**
 * Two rhythms: a slow one that goes back as far as the history, and the pace asked for. With one alone a start would bring
 * either hours of it, ten thousands of trades, or none; and as the slow one goes on beside the other, what a later start
 * tells of these hours is what was told then.
 * @throws RangeError where there are no accounts or no nodes, or the pace is negative
 */
export function openTradeTapes({ seed, nodes, trades, historyMs = 0 }: TradingHistory, now: number): TradeTape[] {
  if (!trades || trades.perSecond === 0) return [];
  const paceMs = 1_000 / trades.perSecond;
  const tapeOf = (stepMs: number, keepMs: number): TradeTape =>
    createTradeTape(createTradingModel({ seed, accounts: trades.accounts, nodes, origin: 0, stepMs }), now, keepMs);
  if (paceMs < 0 || paceMs >= SLOW_STEP_MS) return [tapeOf(paceMs, historyMs)];
  return [tapeOf(SLOW_STEP_MS, historyMs), tapeOf(paceMs, 0)];
}
