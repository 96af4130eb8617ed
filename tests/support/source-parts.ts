import type { SourceCall } from '../../domain/source-call.ts';
import type { Clock, Pacer, SourceParts, Turns } from '../../ingestors/feed.ts';
import { systemClock } from '../../ingestors/sources/system-clock.ts';

export interface SkippingClock extends Clock {
  /** Pauses in the order they were taken, in milliseconds. */
  readonly slept: number[];
  advance(ms: number): void;
}

/** Sleeping takes no time and moves the clock on, for a feed and its stand-in alike. Deadlines are real. */
export function skippingClock(begin: number): SkippingClock {
  let now = begin;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      slept.push(ms);
      now += ms;
    },
    deadline: systemClock.deadline,
    advance: (ms) => {
      now += ms;
    },
  };
}

/** What a source is given, on a test's own clock, and what it told the monitor. */
export interface ToldSourceParts extends SourceParts {
  readonly told: SourceCall[];
}

/** @param turns those of the clock where nothing is said. */
export function sourcePartsOn(clock: Clock, turns: Turns = turnsOn(clock)): ToldSourceParts {
  const told: SourceCall[] = [];
  return { clock, random: () => 0.5, turns, calls: { made: (call) => told.push(call) }, told };
}

/** As far apart as the source wishes, by the clock; those of the store are on its own clock. */
function turnsOn(clock: Clock): Turns {
  const pacers = new Map<string, Pacer>();
  return {
    of: (source, spacingMs) => {
      const pacer = pacers.get(source) ?? pacerOn(clock, spacingMs);
      pacers.set(source, pacer);
      return pacer;
    },
  };
}

function pacerOn(clock: Clock, spacingMs: number): Pacer {
  let nextAt = clock.now();
  return {
    turn: async (signal) => {
      const mineAt = Math.max(nextAt, clock.now());
      nextAt = mineAt + spacingMs;
      await clock.sleep(mineAt - clock.now(), signal);
    },
  };
}

/** Nobody waits. */
export const TURNS_AT_ONCE: Turns = { of: () => ({ turn: async (signal) => signal?.throwIfAborted() }) };
