import type pg from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../../../domain/errors.ts';
import type { MarketRun } from '../../../domain/market-run.ts';
import { readMarkPrices } from '../../../prisma/operations/mark-prices.ts';
import { inTransaction } from '../../../prisma/transaction.ts';
import type { Recurring } from '../../jobs/recurring.ts';
import type { PositionId } from './counted-trades.ts';
import { type Marking, saveSnapshots } from './snapshots.ts';
import { pageOfPositions } from './stored-position.ts';

/** Marked in one transaction: some tenths of a second. */
const PAGE_POSITIONS = 100;

/** Keeps what every position is worth, every so often: between trades it is prices that move it. */
export function snapshotsOf(parts: {
  readonly pool: pg.Pool;
  readonly markRuns: readonly MarketRun[];
  readonly everyMs: number;
  /** Milliseconds UTC. */
  readonly clock: () => number;
  readonly log: Logger;
}): Recurring {
  return {
    name: 'positions/snapshots',
    everyMs: parts.everyMs,
    run: async (signal) => {
      await snapshotAll(parts.pool, { markRuns: parts.markRuns, now: parts.clock() }, signal).catch((error) =>
        parts.log.warn({ error: messageOf(error) }, 'snapshots of positions failed'),
      );
      return 'done';
    },
  };
}

/** @returns how many there were. */
export async function snapshotAll(pool: pg.Pool, marking: Marking, signal: AbortSignal): Promise<number> {
  let count = 0;
  for (let after: PositionId | undefined = { account: '', nodeId: 0 }; after && !signal.aborted; ) {
    const page = await snapshotPage(pool, marking, after);
    count += page.length;
    after = page.length === PAGE_POSITIONS ? page.at(-1) : undefined;
  }
  return count;
}

function snapshotPage(pool: pg.Pool, marking: Marking, after: PositionId): Promise<readonly PositionId[]> {
  return inTransaction(pool, async (client) => {
    const page = await pageOfPositions(client, after, PAGE_POSITIONS);
    const nodes = page.map(({ nodeId }) => nodeId);
    const prices = await readMarkPrices(client, nodes, marking.markRuns, marking.now);
    await saveSnapshots(client, page, 'CADENCE', prices);
    return page;
  });
}
