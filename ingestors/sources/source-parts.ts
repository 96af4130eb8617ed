import type pg from 'pg';
import type { Calls, SourceParts } from '../feed.ts';
import { systemClock } from './system-clock.ts';
import { createTurns } from './turns.ts';

/** What the pollers of a process share. */
export function createSourceParts(pool: pg.Pool, calls: Calls): SourceParts {
  return { turns: createTurns(pool), calls, clock: systemClock, random: Math.random };
}

/** Keeps no call. */
export const SILENT_CALLS: Calls = { made: () => {} };
