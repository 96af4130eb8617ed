import { MINUTE_MS } from '../../domain/instant.ts';
import { type NodeName, nodeNameFrom } from '../../domain/market.ts';
import { decimalFrom } from '../../domain/money.ts';
import type { Trade } from '../../domain/trade.ts';
import { createNoise } from '../../ingestors/simulator/noise.ts';

export interface RandomTrades {
  readonly seed: number;
  /** How many versions of trades there are: amendments and cancellations count. */
  readonly versions: number;
  readonly accounts: number;
  /** How many, with names of their own, or these. */
  readonly nodes: number | readonly NodeName[];
  /** Of the amendments, the share that is to another account and node than the trade began with; none where it is not given. */
  readonly moved?: number;
}

const FROM = Date.UTC(2026, 0, 1);
const CHANGED = 0.04;
const CANCELLED = 0.25;
const MINUTES = [5, 15, 30, 60, 60, 60, 1_380, 1_440, 1_500];

/**
 * Versions of trades as they arrive, the same for the same seed. One in twenty-five amends or cancels an earlier trade;
 * several fall on one instant, and some come after later ones.
 */
export function* randomTrades({ seed, versions, accounts, nodes, moved = 0 }: RandomTrades): Generator<Trade> {
  const noise = createNoise(seed, 'trades');
  const names = typeof nodes === 'number' ? Array.from({ length: nodes }, (_, number) => nodeNumber(number)) : nodes;
  const latest: number[] = [];
  for (let index = 0; index < versions; index++) {
    const chance = (what: string) => noise.uniform(what, index);
    const pick = (what: string, count: number) => Math.floor(chance(what) * count);
    const isChange = latest.length > 0 && chance('change') < CHANGED;
    const trade = isChange ? pick('changed', latest.length) : latest.length;
    const version = (latest[trade] ?? 0) + 1;
    latest[trade] = version;
    // Where a trade is done follows from its number, or from the number of the amendment that moves it.
    const place = isChange && chance('moved') < moved ? -index : trade;
    // Whole sizes meet and close each other exactly; thousandths make shares that have no end.
    const mw = chance('whole') < 0.5 ? String(5 * (1 + pick('mw', 10))) : `${1 + pick('mw', 50_000)}e-3`;
    yield {
      tradeId: `T${trade}`,
      version,
      ts: FROM + (Math.floor(trade / 3) - pick('late', 3)) * MINUTE_MS,
      account: `desk ${Math.floor(noise.uniform('account', place) * accounts)}`,
      node: chosen(names, noise.uniform('node', place)),
      side: chance('side') < 0.5 ? 'BUY' : 'SELL',
      mw: decimalFrom(mw),
      price: decimalFrom(`${pick('price', 20_000) - 4_000}e-2`),
      minutes: MINUTES[pick('minutes', MINUTES.length)] ?? 60,
      status: isChange && chance('cancelled') < CANCELLED ? 'CANCELLED' : 'ACTIVE',
    };
  }
}

function chosen(names: readonly NodeName[], chance: number): NodeName {
  const name = names[Math.floor(chance * names.length)];
  if (!name) throw new RangeError('nodes: expected at least one');
  return name;
}

function nodeNumber(number: number): NodeName {
  const node = nodeNameFrom('PJM', `NODE-${number}`);
  if (!node) throw new TypeError(`no name for node ${number}`);
  return node;
}
