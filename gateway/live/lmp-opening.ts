import type { LmpRow, LmpUpdate } from '../../schema/context.ts';
import type { Opening } from './opening.ts';
import type { PlacedSnapshot } from './snapshots.ts';

/**
 * Prices that begin with how they stand.
 *
 * The order of doing makes it whole: the subscriber is given events first, then the position of the hub is taken (the cursor of the
 * opening), then the store is read at one instant of its own. Prices are announced after their commit. So what lies before the
 * position was committed before the reading and is in it, or overtaken there, and what was committed after the reading comes as an
 * event. What is left are events **after the position that were committed before the reading**: those must not come again. Of an
 * event and the price that was read of its node and run:
 *
 * - none was read, or a later interval comes: it was committed since, or it would have been read. It is new.
 * - the same interval: revisions of a price count up with its commits. It is new where its revision is higher.
 * - an earlier interval, a correction or a late price: what was read says nothing about it. The reading also took which ledger
 *   entries of the last seconds, and which that were not known to be announced, it saw committed: it is new where its entry is not
 *   among them. A ledger id alone would not do, since a job's entry has its id from its plan and commits much later.
 *
 * So nothing is missing and nothing comes twice, and each node's prices are the ones of its history from the reading on. The
 * margin of seconds is for the order only: an older interval that was announced later than that, while the gateway was behind by
 * as much, comes although it was committed before the reading, and comes once.
 *
 * To judge events takes no rows, only which versions they were: thousands of subscribers may each have a snapshot of their own.
 */
export function lmpOpening(
  { snapshot: { prices, committed, newestCommit }, whenPassed }: PlacedSnapshot,
  cursor: string,
): Opening {
  const held = new Map(prices.map(({ run, node, startAt, revision }) => [keyOf({ run, node }), { startAt, revision }]));
  const isHeld = (tick: LmpRow): boolean => {
    // No entry has an id above that of the commit that it came with.
    if (tick.ledgerId > newestCommit) return false;
    const price = held.get(keyOf(tick));
    if (!price || tick.startAt > price.startAt) return false;
    if (tick.startAt === price.startAt) return tick.revision <= price.revision;
    return committed.has(tick.ledgerId);
  };
  return {
    event: { cursor, ticks: prices } satisfies LmpUpdate,
    told: {
      beyond(event) {
        if (!isLmpUpdate(event) || !event.ticks.some(isHeld)) return event;
        const ticks = event.ticks.filter((tick) => !isHeld(tick));
        return ticks.length > 0 ? { ...event, ticks } : undefined;
      },
      whenPassed,
    },
  };
}

function keyOf({ run, node }: Pick<LmpRow, 'run' | 'node'>): string {
  return `${run} ${node}`;
}

function isLmpUpdate(event: unknown): event is LmpUpdate {
  return typeof event === 'object' && event !== null && 'ticks' in event;
}
