import { isoFromInstant } from '../../domain/instant.ts';
import { localNameOf, type NodeName } from '../../domain/market.ts';
import type { TradeVersionEvent } from '../../schema/events/trades.ts';
import { createMarketModel, type MarketModel } from './market-model.ts';
import { createNoise, type Noise } from './noise.ts';

/**
 * Trades of simulated accounts: a pure function of (seed, accounts, nodes, origin, step) and of time, as the prices are, so
 * that any process tells the same trades under the same ids and what is told twice changes nothing.
 *
 * Time is cut into steps, one trade each, and steps into **sessions**. In a session a few **books** (an account at one of
 * its hubs) take turns, four times each: three times a book trades towards a position it fancies, the fourth time it closes.
 * So positions open, turn and come back to nothing, and whoever has seen whole sessions is flat.
 *
 * Some trades are amended or cancelled before their book's next turn: the same trade under a higher version.
 */
export interface TradingModel {
  readonly sessionMs: number;
  /** When a session begins: milliseconds UTC. */
  startOf(session: number): number;
  /** The first session that begins at the instant or after it. */
  sessionFrom(atMs: number): number;
  /** Every version published in the session, in the order of publication. A session without trades is possible. */
  trades(session: number): SimulatedTrade[];
}

export interface SimulatedTrade {
  /** When it is published: an amendment later than it was traded. Milliseconds UTC. */
  readonly atMs: number;
  readonly version: SimulatedVersion;
}

export interface SimulatedVersion extends TradeVersionEvent {
  readonly trade_id: string;
  readonly account: string;
  /** Whole, 1 to 50. */
  readonly mw: number;
  /** Whole cents. */
  readonly price_mwh: number;
}

export interface TradingModelOptions {
  readonly seed: number;
  readonly accounts: number;
  readonly nodes: readonly NodeName[];
  /** When session 0 begins: milliseconds UTC. */
  readonly origin: number;
  /** From one trade to the next; may be a fraction. */
  readonly stepMs: number;
}

interface Book {
  readonly account: string;
  readonly node: NodeName;
}

const BOOKS_PER_SESSION_MAX = 15;
const TURNS = 4;

/** @throws RangeError where there are no accounts, no nodes or no time between trades */
export function createTradingModel(options: TradingModelOptions): TradingModel {
  const { seed, accounts, nodes, origin, stepMs } = options;
  if (!(accounts >= 1 && nodes.length > 0)) throw new RangeError('expected at least one account and one node');
  if (!(stepMs > 0)) throw new RangeError(`stepMs: expected more than 0, got ${stepMs}`);
  const books = booksOf(accounts, nodes);
  const groups = Math.ceil(books.length / BOOKS_PER_SESSION_MAX);
  const groupSize = Math.ceil(books.length / groups);
  const sessionMs = groupSize * TURNS * stepMs;
  const floor: Floor = {
    groupSize,
    instantOf: (step) => Math.round(origin + step * stepMs),
    market: createMarketModel({ seed, nodes }),
    // Other settings trade other trades: their ids must not meet in one store.
    noise: createNoise(seed, ['trades', accounts, ...nodes, origin, stepMs].join(' ')),
  };
  return {
    sessionMs,
    startOf: (session) => origin + session * sessionMs,
    sessionFrom: (atMs) => Math.ceil((atMs - origin) / sessionMs),
    trades(session) {
      const first = (session % groups) * groupSize;
      const group = books.slice(first, first + groupSize);
      const trades = group.flatMap((book, place) => tradesOfBook(floor, book, session * TURNS * groupSize + place));
      return trades.sort((one, other) => one.atMs - other.atMs);
    },
  };
}

const DESKS = ['DESK-EAST', 'DESK-GULF', 'DESK-WEST', 'BOOK-BASIS', 'BOOK-PROP'];

/** The five desks, then `DESK-SIM-0006` …: fewer are the beginning of more. */
export function accountsFor(count: number): string[] {
  return Array.from({ length: count }, (_, place) => DESKS[place] ?? `DESK-SIM-${String(place + 1).padStart(4, '0')}`);
}

const HUBS_PER_ACCOUNT = 3;

/** Neighbouring accounts have hubs in common. */
function booksOf(accounts: number, nodes: readonly NodeName[]): Book[] {
  return accountsFor(accounts).flatMap((account, place) =>
    Array.from({ length: Math.min(HUBS_PER_ACCOUNT, nodes.length) }, (_, hub) => nodes[(place + hub) % nodes.length])
      .filter((node) => node !== undefined)
      .map((node) => ({ account, node })),
  );
}

interface Floor {
  /** Steps from one turn of a book to its next. */
  readonly groupSize: number;
  readonly instantOf: (step: number) => number;
  readonly market: MarketModel;
  readonly noise: Noise;
}

function tradesOfBook(floor: Floor, book: Book, firstStep: number): SimulatedTrade[] {
  const trades: SimulatedTrade[] = [];
  let openMw = 0;
  for (let turn = 0; turn < TURNS; turn += 1) {
    const step = firstStep + turn * floor.groupSize;
    const isLast = turn === TURNS - 1;
    const mw = (isLast ? 0 : fanciedMw(floor.noise, step)) - openMw;
    if (mw === 0) continue;
    const version = tradeAt(floor, book, step, mw);
    trades.push({ atMs: floor.instantOf(step), version });
    const change = isLast ? undefined : changeOf(floor.noise, step, version);
    if (change) trades.push({ atMs: floor.instantOf(step + floor.groupSize / 2), version: change });
    openMw += boughtMw(change ?? version);
  }
  return trades;
}

/** Half of the largest trade, which is from one end to the other. */
const POSITION_MW_MAX = 25;
const FLAT_CHANCE = 0.2;

function fanciedMw(noise: Noise, step: number): number {
  if (noise.uniform('flat', step) < FLAT_CHANCE) return 0;
  return Math.round(POSITION_MW_MAX * noise.white('fancy', step));
}

/** How far a trade may stand from the real-time price of its instant: dollars per MWh. */
const PRICE_SPREAD = 0.25;

function tradeAt(
  { instantOf, market, noise }: Floor,
  { account, node }: Book,
  step: number,
  mw: number,
): SimulatedVersion {
  const atMs = instantOf(step);
  const price = market.realTime(node, atMs).lmp + PRICE_SPREAD * noise.white('price', step);
  return {
    trade_id: idOf(noise, step),
    ts: isoFromInstant(atMs),
    account,
    hub: localNameOf(node),
    side: mw > 0 ? 'BUY' : 'SELL',
    mw: Math.abs(mw),
    price_mwh: centsOf(price),
  };
}

/** The step, and a number that steps of other settings do not share. */
function idOf(noise: Noise, step: number): string {
  return `SIM-${step.toString(36)}-${Math.floor(noise.uniform('id', step) * 36 ** 6).toString(36)}`.toUpperCase();
}

const CHANGE_CHANCE = 0.06;
const PRICE_SLIP = 0.5;

/** One trade in seventeen was written down wrongly: its price, its size, or all of it. */
function changeOf(noise: Noise, step: number, version: SimulatedVersion): SimulatedVersion | undefined {
  if (noise.uniform('change', step) >= CHANGE_CHANCE) return undefined;
  const kind = Math.floor(noise.uniform('kind', step) * 3);
  if (kind === 0) return { ...version, version: 2, status: 'CANCELLED' };
  if (kind === 1) return { ...version, version: 2, mw: Math.ceil(version.mw / 2) };
  return { ...version, version: 2, price_mwh: centsOf(version.price_mwh + PRICE_SLIP * noise.white('slip', step)) };
}

function boughtMw({ side, mw, status }: SimulatedVersion): number {
  if (status === 'CANCELLED') return 0;
  return side === 'BUY' ? mw : -mw;
}

/** Whole cents; `+ 0` keeps a small negative amount from becoming -0. */
function centsOf(dollars: number): number {
  return (Math.round(dollars * 100) + 0) / 100;
}
