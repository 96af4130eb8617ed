/**
 * Positions follow their trades in the transaction that writes these, so that each trade counts once whatever happens.
 *
 * A trade that is new and comes after all that are counted is applied to what stands. Anything else, a late trade, an
 * amendment, a cancellation, another cost method, works the position out anew, from the last checkpoint before the first
 * trade that is concerned.
 */
import type pg from 'pg';
import { applyTrade, applyTrades, type CostMethod, flatPosition, type Position } from '../../../domain/position.ts';
import { compareTrades, type Trade, type TradeKey } from '../../../domain/trade.ts';
import { type Marking, type Snapshot, saveSnapshots } from './snapshots.ts';
import {
  type Checkpoint,
  lockPositions,
  type PositionId,
  type StoredPosition,
  saveCheckpoints,
  savePositions,
  takeCheckpointBefore,
  tradesAfter,
} from './stored-position.ts';

type Queryable = Pick<pg.ClientBase, 'query'>;

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

/** @returns the positions as they stand now. */
export async function changePositions(
  client: Queryable,
  changes: readonly PositionChange[],
  by: Marking & { readonly ledgerId: number },
): Promise<StoredPosition[]> {
  if (changes.length === 0) return [];
  const stored = await lockPositions(client, changes);
  const byKey = new Map(changes.map((change) => [keyOf(change), change]));
  const course: Course = { checkpoints: [], snapshots: [] };
  const now: StoredPosition[] = [];
  for (const each of stored) {
    const change = byKey.get(keyOf(each));
    if (change) now.push(await changed(client, each, change, course));
  }
  await savePositions(client, now, by);
  await saveCheckpoints(client, course.checkpoints);
  await saveSnapshots(client, course.snapshots, 'TRADE', by);
  return now;
}

/** What the positions went through. */
interface Course {
  readonly checkpoints: Checkpoint[];
  readonly snapshots: Snapshot[];
}

async function changed(
  client: Queryable,
  stored: StoredPosition,
  change: PositionChange,
  course: Course,
): Promise<StoredPosition> {
  const added = [...change.added].sort(compareTrades);
  const from = reworkPlace(stored.position, change, added);
  return from === undefined ? goneOn(stored, added, course) : workedOut(client, stored, change.method, from, course);
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
  return { account, nodeId, seq, position };
}

async function workedOut(
  client: Queryable,
  { account, nodeId, seq: before, position: old }: StoredPosition,
  method: CostMethod = old.method,
  from: TradeKey,
  course: Course,
): Promise<StoredPosition> {
  const checkpoint = await takeCheckpointBefore(client, { account, nodeId }, from);
  let position = checkpoint ?? flatPosition(method);
  for await (const trades of tradesAfter(client, { account, nodeId }, position.last)) {
    for (let at = 0; at < trades.length; ) {
      const next = at + CHECKPOINT_TRADES - (position.trades % CHECKPOINT_TRADES);
      position = applyTrades(position, trades.slice(at, next));
      at = next;
      if (position.trades % CHECKPOINT_TRADES === 0) course.checkpoints.push({ account, nodeId, position });
    }
  }
  const seq = before + 1;
  course.snapshots.push({ account, nodeId, seq, position });
  return { account, nodeId, seq, position };
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
