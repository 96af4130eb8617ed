import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { readAnnouncedTo } from '../reads/lmp-snapshot.ts';

/** Prices as this process follows them. */
export interface FollowedPrices {
  /** The newest entry that every subscription made before has been given; undefined while prices are not followed. */
  readonly head: string | undefined;
  /**
   * Resolves when subscriptions have been given all that was on the bus at the call.
   * @throws BusbarError `UNAVAILABLE` where the bus cannot be reached.
   */
  caughtUp(): Promise<void>;
}

/** @returns what takes it back. */
export type WhenPassed = (then: () => void) => () => void;

/** It is noted in the store with the next commit of a partition, or some seconds after its last one. */
const EVERY_MS = 1_000;

/**
 * Tells when the events of commits have been passed on, all of them: every partition's commits are known to be announced, and
 * what was on the bus then has come. It looks only while anybody waits.
 * @returns for commits that can be read in the store, by the highest of their ids.
 */
export function createPassedCommits(pool: pg.Pool, prices: FollowedPrices): (newestCommit: number) => WhenPassed {
  const waiting = new Set<Waiting>();
  let looking = false;

  const look = async () => {
    const asked = [...waiting];
    const announcedTo = await readAnnouncedTo(pool);
    const announced = asked.filter(({ newestCommit }) => newestCommit <= announcedTo);
    if (announced.length === 0) return;
    await prices.caughtUp();
    for (const each of announced) if (waiting.delete(each)) each.then();
  };

  const run = async () => {
    looking = true;
    while (waiting.size > 0) {
      // Neither the store nor the bus needs to be there now: it is looked again.
      await look().catch(() => undefined);
      if (waiting.size > 0) await sleep(EVERY_MS, undefined, { ref: false });
    }
    looking = false;
  };

  return (newestCommit) => (then) => {
    const asked = { newestCommit, then };
    waiting.add(asked);
    if (!looking) void run();
    return () => waiting.delete(asked);
  };
}

interface Waiting {
  readonly newestCommit: number;
  readonly then: () => void;
}
