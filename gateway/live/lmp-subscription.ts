import { BusbarError } from '../../domain/errors.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Delivery, LmpFilter, LmpUpdate } from '../../schema/context.ts';
import { fellBehind } from './fell-behind.ts';
import { type BacklogBounds, EveryBacklog, LatestBacklog } from './lmp-backlog.ts';
import { LmpConflation } from './lmp-conflation.ts';
import { Stream } from './stream.ts';

/** One consumer of the hub: what it wants, what waits for it, and the cursor up to which it has received everything. */
export class LmpSubscription {
  readonly filter: LmpFilter;
  readonly stream: Stream<LmpUpdate, LmpUpdate>;
  readonly #backlog: EveryBacklog | LatestBacklog;
  readonly #metrics: Metrics;
  readonly #endings: (() => void)[] = [];
  #cursor: string | undefined;

  /** @param cursor undefined where it begins with the hub's reader, which does not stand yet. */
  constructor(options: {
    filter: LmpFilter;
    delivery: Delivery;
    cursor: string | undefined;
    bounds: BacklogBounds;
    metrics: Metrics;
  }) {
    const { filter, delivery, cursor, bounds, metrics } = options;
    this.filter = filter;
    this.#cursor = cursor;
    this.#metrics = metrics;
    this.#backlog =
      delivery === 'EVERY'
        ? new EveryBacklog(bounds)
        : new LatestBacklog(new LmpConflation((ticks) => metrics.conflatedTicks.inc(ticks)));
    this.stream = new Stream(this.#backlog, () => {
      for (const ending of this.#endings) ending();
    });
  }

  begin(head: string): void {
    this.#cursor ??= head;
  }

  /** Whether so many updates with so many ticks would be kept. */
  fits(updates: number, ticks: number): boolean {
    return this.#backlog.fits(updates, ticks);
  }

  receive(update: LmpUpdate): void {
    if (this.stream.offer(update)) {
      this.#cursor = update.cursor;
      return;
    }
    this.#metrics.overflowCloses.inc();
    this.stream.end({ error: fellBehind(this.#cursor) });
  }

  interrupt(message: string, cause?: unknown): void {
    const details = this.#cursor === undefined ? {} : { cursor: this.#cursor };
    this.stream.end({ error: new BusbarError('UNAVAILABLE', message, { cause, details }) });
  }

  /** Called when the subscription ends, at once where it has. */
  onEnded(ending: () => void): void {
    if (this.stream.open) this.#endings.push(ending);
    else ending();
  }
}
