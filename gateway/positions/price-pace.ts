import { type EventLoopUtilization, performance as loop } from 'node:perf_hooks';

/** How far apart updates that prices caused are while the process has time: four a second are what an eye reads. */
export const PRICE_SPACING_MS = 250;
/** However busy it is. */
const SPACING_MS_MAX = 1_000;
/** Share of the time that the loop is busy, from where on prices give way. */
const BUSY = 0.5;
/** The spacing doubles with each so much more. */
const BUSIER = 0.125;
const LOOK_EVERY_MS = 500;

/**
 * The pace of updates of PnL that prices alone caused, of all subscribers of the process. A trade never waits, but everything shares
 * one loop: where it has no time left prices are told less often, so that trades are told in time. What has to see every price
 * subscribes to `lmp`.
 *
 * With 500 trades and 2,000 ticks a second and 200 subscribers a loop that told prices four times a second was busy for 94% of the
 * time.
 */
export class PricePace {
  readonly #utilization: (since?: EventLoopUtilization) => EventLoopUtilization;
  #since: EventLoopUtilization;
  #lookedAt: number;
  #spacingMs = PRICE_SPACING_MS;

  constructor(utilization: (since?: EventLoopUtilization) => EventLoopUtilization = loop.eventLoopUtilization) {
    this.#utilization = utilization;
    this.#since = utilization();
    this.#lookedAt = performance.now();
  }

  get spacingMs(): number {
    const now = performance.now();
    if (now - this.#lookedAt >= LOOK_EVERY_MS) this.#look(now);
    return this.#spacingMs;
  }

  #look(now: number): void {
    const { utilization } = this.#utilization(this.#since);
    this.#since = this.#utilization();
    this.#lookedAt = now;
    const asked = PRICE_SPACING_MS * 2 ** Math.max(0, (utilization - BUSY) / BUSIER);
    // Half the way each time: a moment's load is not a trend.
    this.#spacingMs = Math.min(SPACING_MS_MAX, (this.#spacingMs + asked) / 2);
  }
}
