import type pg from 'pg';
import { BusbarError } from '../../domain/errors.ts';
import type { LmpFilter } from '../../schema/context.ts';
import { type LmpSnapshot, readLmpSnapshots } from '../reads/lmp-snapshot.ts';
import { fromStore } from '../store-reach.ts';
import { filterKey } from './filter-key.ts';
import { createPassedCommits, type FollowedPrices, type WhenPassed } from './passed-commits.ts';

/** Where a snapshot of prices stands among the events. */
export interface PlacedSnapshot {
  readonly snapshot: LmpSnapshot;
  /** Every event behind it may or may not be in the snapshot; every event up to it is. */
  readonly head: string;
  /** Tells when every event of what is in the snapshot has been passed on. */
  readonly whenPassed: WhenPassed;
}

/** @throws BusbarError `LIMIT_EXCEEDED`, `UNAVAILABLE`. */
export type ReadSnapshot = (filter: LmpFilter) => Promise<PlacedSnapshot>;

/**
 * Reads in rounds, one at a time: whoever asks while one is under way is in the next, and those who ask the same are given the
 * same. Hundreds that come at once so cost two transactions, each with as many statements as there are questions.
 */
export function createSnapshots(pool: pg.Pool, prices: FollowedPrices): ReadSnapshot {
  const whenPassed = createPassedCommits(pool, prices);
  let next: Round | undefined;
  let reading: Promise<unknown> = Promise.resolve();

  const readRound = async (filters: Map<string, LmpFilter>): Promise<Answers> => {
    const { head } = prices;
    if (head === undefined) throw new BusbarError('UNAVAILABLE', 'the live stream cannot be reached: try again');
    const snapshots = await fromStore(() => readLmpSnapshots(pool, [...filters.values()]));
    const placed = (snapshot: LmpSnapshot | Error): PlacedSnapshot | Error =>
      snapshot instanceof Error ? snapshot : { snapshot, head, whenPassed: whenPassed(snapshot.newestCommit) };
    return new Map(
      [...filters.keys()].map((key, place) => [
        key,
        placed(snapshots[place] ?? new TypeError('a snapshot for each question')),
      ]),
    );
  };

  const plan = (): Round => {
    const filters = new Map<string, LmpFilter>();
    const answers = reading.then(() => {
      next = undefined;
      return readRound(filters);
    });
    // It keeps no answers: they are large, and the next round may be long in coming.
    reading = answers.then(
      () => undefined,
      () => undefined,
    );
    return { filters, answers };
  };

  return async (filter) => {
    next ??= plan();
    const key = filterKey(filter);
    next.filters.set(key, filter);
    const found = (await next.answers).get(key);
    if (!found) throw new TypeError('a round answers everything it was asked');
    if (found instanceof Error) throw found;
    return found;
  };
}

type Answers = ReadonlyMap<string, PlacedSnapshot | Error>;

interface Round {
  readonly filters: Map<string, LmpFilter>;
  readonly answers: Promise<Answers>;
}
