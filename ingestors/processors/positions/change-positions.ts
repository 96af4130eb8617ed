/**
 * Positions follow their trades in the transaction that writes these, so that each trade counts once whatever happens.
 *
 * A trade that is new and comes after all that are counted is applied to what stands. Anything else, a late trade, an
 * amendment, a cancellation, another cost method, works the position out anew, from the last checkpoint before the first
 * trade that is concerned.
 */

import { OpenLots } from '../../../domain/open-lots.ts';
import { applyTrade, applyTrades, type CostMethod, flatPosition, type Position } from '../../../domain/position.ts';
import { compareTrades, type Trade, type TradeKey } from '../../../domain/trade.ts';
import { readMarkPrices } from '../../../prisma/operations/mark-prices.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import { type PositionId, tradesAfter } from './counted-trades.ts';
import { bringLots, type Closing } from './lots-at-hand.ts';
import { type Marking, type Snapshot, saveSnapshots } from './snapshots.ts';
import {
  type Checkpoint,
  lockPositions,
  type StoredPosition,
  saveCheckpoints,
  savePositions,
  takeCheckpointsBefore,
} from './stored-position.ts';

/** What happened to a position. Its trades and heads are written already. */
export interface PositionChange extends PositionId {
  /** Trades that were not there before and count. */
  readonly added: readonly Trade[];
  /** The earliest place where something else changed; undefined: nothing else did. */
  readonly reworkFrom: TradeKey | undefined;
  /** Another method than so far. */
  readonly method?: CostMethod;
}

/** Trades between two checkpoints. */
const CHECKPOINT_TRADES = 1_000;

/** Of a position by FIFO while it is worked out anew. */
const LOTS_AT_HAND = 5_000;

export interface ChangedPositions {
  /** As they stand now. */
  readonly positions: readonly StoredPosition[];
  /** Resolves when they are kept, which needs no answer to go on: to be waited for before the commit. */
  readonly saved: Promise<unknown>;
}

export async function changePositions(
  client: Queryable,
  changes: readonly PositionChange[],
  by: Marking & { readonly ledgerId: number },
): Promise<ChangedPositions> {
  if (changes.length === 0) return { positions: [], saved: Promise.resolve() };
  const nodes = changes.map(({ nodeId }) => nodeId);
  const [stored, prices] = await Promise.all([
    lockPositions(client, changes),
    readMarkPrices(client, nodes, by.markRuns, by.now),
  ]);
  const byKey = new Map(changes.map((change) => [keyOf(change), change]));
  const course: Course = { checkpoints: [], snapshots: [] };
  const goingOn: GoingOn[] = [];
  const reworks: Rework[] = [];
  for (const each of stored) {
    const change = byKey.get(keyOf(each));
    if (!change) continue;
    const added = [...change.added].sort(compareTrades);
    const at = reworkPlace(each.position, change, added);
    if (at) reworks.push({ ...each, at, method: change.method ?? each.position.method });
    else goingOn.push({ ...each, trades: added, lots: new OpenLots() });
  }
  await bringLots(client, goingOn);
  const now = goingOn.map((each) => goneOn(each, course));
  now.push(...(await workedOut(client, reworks, course)));
  const saved = Promise.all([
    savePositions(client, now, by),
    saveCheckpoints(client, course.checkpoints),
    saveSnapshots(client, course.snapshots, 'TRADE', prices),
  ]);
  // Met where it is waited for, which may be after another failure ended the transaction.
  saved.catch(() => {});
  return { positions: now, saved };
}

/** What the positions went through. */
interface Course {
  readonly checkpoints: Checkpoint[];
  readonly snapshots: Snapshot[];
}

/** A position that its new trades come after. */
interface GoingOn extends StoredPosition {
  readonly trades: readonly Trade[];
  readonly lots: OpenLots;
}

function goneOn({ account, nodeId, node, trades, lots, ...stored }: GoingOn, course: Course): StoredPosition {
  let { seq, position } = stored;
  for (const trade of trades) {
    position = applyTrade(position, trade, lots);
    seq += 1;
    course.snapshots.push({ account, nodeId, seq, position });
    if (position.trades % CHECKPOINT_TRADES === 0) course.checkpoints.push({ account, nodeId, position });
  }
  return { account, nodeId, node, seq, position };
}

/** A position that is worked out anew, from before a trade. */
interface Rework extends StoredPosition {
  readonly at: TradeKey;
  readonly method: CostMethod;
}

async function workedOut(client: Queryable, reworks: readonly Rework[], course: Course): Promise<StoredPosition[]> {
  if (reworks.length === 0) return [];
  const checkpoints = await takeCheckpointsBefore(client, reworks);
  const working = reworks.map(({ account, nodeId, node, seq, method }, index) => {
    const position = checkpoints[index] ?? flatPosition(method);
    return { account, nodeId, node, seq: seq + 1, position, lots: new OpenLots() };
  });
  const starts = working.map(({ account, nodeId, position }) => ({ account, nodeId, at: position.last }));
  for await (const { index, trades } of tradesAfter(client, starts)) {
    const each = working[index];
    if (each) each.position = await applied(client, { ...each, trades }, course);
  }
  return working.map(({ lots: _, ...worked }) => {
    course.snapshots.push(worked);
    return worked;
  });
}

/** As far as the next checkpoint at a time. */
async function applied(client: Queryable, all: Closing, course: Course): Promise<Position> {
  const { account, nodeId, lots } = all;
  let { position } = all;
  for (let at = 0; at < all.trades.length; ) {
    const next = at + CHECKPOINT_TRADES - (position.trades % CHECKPOINT_TRADES);
    const trades = all.trades.slice(at, next);
    await bringLots(client, [{ account, nodeId, position, trades, lots }]);
    position = applyTrades(position, trades, lots);
    lots.trim(LOTS_AT_HAND);
    at = next;
    if (position.trades % CHECKPOINT_TRADES === 0) course.checkpoints.push({ account, nodeId, position });
  }
  return position;
}

/** Before all trades: where a position of another method begins. */
const BEGINNING: TradeKey = { ts: Date.UTC(1900, 0, 1), tradeId: '' };

function reworkPlace(
  { last, method: present }: Position,
  { reworkFrom, method }: PositionChange,
  added: readonly Trade[],
): TradeKey | undefined {
  if (method !== undefined && method !== present) return BEGINNING;
  const [first] = added;
  const late = first && last && compareTrades(first, last) <= 0 ? first : undefined;
  if (!late || !reworkFrom) return late ?? reworkFrom;
  return compareTrades(late, reworkFrom) < 0 ? late : reworkFrom;
}

function keyOf({ account, nodeId }: PositionId): string {
  return `${nodeId} ${account}`;
}
