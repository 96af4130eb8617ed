/**
 * Positions follow their trades in the transaction that writes these, so that each trade counts once whatever happens.
 *
 * A trade that is new and comes after all that are counted is applied to what stands. Anything else, a late trade, an
 * amendment, a cancellation, another cost method, works the position out anew, from the last checkpoint before the first
 * trade that is concerned.
 */
import { applyTrade, applyTrades, type CostMethod, flatPosition, type Position } from '../../../domain/position.ts';
import { compareTrades, type Trade, type TradeKey } from '../../../domain/trade.ts';
import { readMarkPrices } from '../../../prisma/operations/mark-prices.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import { type Marking, type Snapshot, saveSnapshots } from './snapshots.ts';
import {
  type Checkpoint,
  lockPositions,
  type PositionId,
  type StoredPosition,
  saveCheckpoints,
  savePositions,
  takeCheckpointsBefore,
  tradesAfter,
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
  const now: StoredPosition[] = [];
  const reworks: Rework[] = [];
  for (const each of stored) {
    const change = byKey.get(keyOf(each));
    if (!change) continue;
    const added = [...change.added].sort(compareTrades);
    const at = reworkPlace(each.position, change, added);
    if (at) reworks.push({ ...each, at, method: change.method ?? each.position.method });
    else now.push(goneOn(each, added, course));
  }
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

function goneOn(stored: StoredPosition, added: readonly Trade[], course: Course): StoredPosition {
  let { seq, position } = stored;
  const { account, nodeId } = stored;
  for (const trade of added) {
    position = applyTrade(position, trade);
    seq += 1;
    course.snapshots.push({ account, nodeId, seq, position });
    if (position.trades % CHECKPOINT_TRADES === 0) course.checkpoints.push({ account, nodeId, position });
  }
  return { ...stored, seq, position };
}

/** A position that is worked out anew, from before a trade. */
interface Rework extends StoredPosition {
  readonly at: TradeKey;
  readonly method: CostMethod;
}

async function workedOut(client: Queryable, reworks: readonly Rework[], course: Course): Promise<StoredPosition[]> {
  if (reworks.length === 0) return [];
  const checkpoints = await takeCheckpointsBefore(client, reworks);
  const positions = reworks.map(({ method }, index) => checkpoints[index] ?? flatPosition(method));
  const starts = reworks.map(({ account, nodeId }, index) => ({ account, nodeId, at: positions[index]?.last ?? null }));
  for await (const { index, trades } of tradesAfter(client, starts)) {
    const rework = reworks[index];
    const position = positions[index];
    if (rework && position) positions[index] = applied(rework, position, trades, course);
  }
  return reworks.map(({ account, nodeId, node, seq: before, method }, index) => {
    const worked = { account, nodeId, node, seq: before + 1, position: positions[index] ?? flatPosition(method) };
    course.snapshots.push(worked);
    return worked;
  });
}

/** A stretch between two checkpoints at a time. */
function applied({ account, nodeId }: PositionId, from: Position, trades: readonly Trade[], course: Course): Position {
  let position = from;
  for (let at = 0; at < trades.length; ) {
    const next = at + CHECKPOINT_TRADES - (position.trades % CHECKPOINT_TRADES);
    position = applyTrades(position, trades.slice(at, next));
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
