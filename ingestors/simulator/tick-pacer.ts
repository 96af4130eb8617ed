/**
 * Decides which ticks are due. Lanes (one a node and topic) take turns, so that each gets its share of the rate, and no two
 * ticks of a lane have the same millisecond.
 */
export interface TickPacer {
  /** The ticks since the last call, spread over the time since then, none later than `now` unless the clock went back. */
  due(now: number): Tick[];
}

export interface Tick {
  readonly lane: number;
  /** Milliseconds UTC. */
  readonly atMs: number;
}

/** After a pause of the process, at most so much is made up for; the rest of the time stays empty, as in any outage. */
const CATCH_UP_MS = 1_000;

/**
 * @param startedAt the first ticks come after it
 * @throws RangeError where a lane would need more than one tick every two milliseconds
 */
export function createTickPacer(lanes: number, ratePerSecond: number, startedAt: number): TickPacer {
  const rateMax = lanes * 500;
  if (!(ratePerSecond > 0 && ratePerSecond <= rateMax)) {
    throw new RangeError(
      `ratePerSecond: expected more than 0 and at most ${rateMax} for ${lanes} lanes, got ${ratePerSecond}`,
    );
  }
  const lastAt = new Float64Array(lanes).fill(startedAt);
  let doneUntil = startedAt;
  /** Ticks earned but not given: the part of one that was left over. */
  let credit = 0;
  let lane = 0;

  return {
    due(now) {
      const from = Math.max(doneUntil, now - CATCH_UP_MS);
      const elapsedMs = Math.max(now - from, 0);
      credit += (elapsedMs * ratePerSecond) / 1_000;
      const count = Math.floor(credit);
      credit -= count;
      doneUntil = now;
      return Array.from({ length: count }, (_, place) => {
        const wanted = from + Math.ceil(((place + 1) * elapsedMs) / count);
        const tick = { lane, atMs: Math.max(wanted, (lastAt[lane] ?? startedAt) + 1) };
        lastAt[lane] = tick.atMs;
        lane = (lane + 1) % lanes;
        return tick;
      });
    },
  };
}
