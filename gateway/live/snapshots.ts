import type pg from 'pg';
import { BusbarError } from '../../domain/errors.ts';
import type { LmpFilter } from '../../schema/context.ts';
import { type LmpSnapshot, readLmpSnapshots } from '../reads/lmp-snapshot.ts';
import { fromStore } from '../store-reach.ts';
import { filterKey } from './filter-key.ts';

/** Where a snapshot of prices stands among the events. */
export interface PlacedSnapshot {
  readonly snapshot: LmpSnapshot;
  /** Every event behind it may or may not be in the snapshot; every event up to it is. */
  readonly head: string;
}

/** @throws BusbarError `LIMIT_EXCEEDED`, `UNAVAILABLE`. */
export type ReadSnapshot = (filter: LmpFilter) => Promise<PlacedSnapshot>;

/**
 * Reads in rounds, one at a time: whoever asks while one is under way is in the next, and those who ask the same are given the
 * same. Hundreds that come at once so cost two transactions, each with as many statements as there are questions.
 * @param head how far events have been passed on; undefined where they are not followed.
 */
export function createSnapshots(pool: pg.Pool, head: () => string | undefined): ReadSnapshot {
  let next: Round | undefined;
  let reading: Promise<unknown> = Promise.resolve();

  const plan = (): Round => {
    const filters = new Map<string, LmpFilter>();
    const answers = reading.then(() => {
      next = undefined;
      return readRound(pool, head(), filters);
    });
    reading = answers.catch(() => undefined);
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

async function readRound(pool: pg.Pool, head: string | undefined, filters: Map<string, LmpFilter>): Promise<Answers> {
  if (head === undefined) throw new BusbarError('UNAVAILABLE', 'the live stream cannot be reached: try again');
  const snapshots = await fromStore(() => readLmpSnapshots(pool, [...filters.values()]));
  return new Map(
    [...filters.keys()].map((key, place) => {
      const snapshot = snapshots[place] ?? new TypeError('a snapshot for each question');
      return [key, snapshot instanceof Error ? snapshot : { snapshot, head }];
    }),
  );
}
