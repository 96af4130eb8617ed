import { BusbarError } from '../../domain/errors.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import { fellBehind } from './fell-behind.ts';
import type { LiveUpdate, Placed } from './live-update.ts';
import { type Backlog, Stream } from './stream.ts';

/** One consumer of a hub: what waits for it, and the cursor up to which it has received everything. */
export class Subscription<In extends LiveUpdate, Out> implements AsyncIterable<Out, undefined>, Placed {
  readonly stream: Stream<In, Out>;
  readonly #metrics: Metrics;
  readonly #endings: (() => void)[] = [];
  #beginning: string | undefined;
  #cursor: string | undefined;

  /** @param cursor undefined where it begins with the hub's reader, which does not stand yet. */
  constructor({
    backlog,
    cursor,
    metrics,
  }: { backlog: Backlog<In, Out>; cursor: string | undefined; metrics: Metrics }) {
    this.#beginning = cursor;
    this.#cursor = cursor;
    this.#metrics = metrics;
    this.stream = new Stream(backlog, () => {
      metrics.liveSubscriptions.dec();
      for (const ending of this.#endings) ending();
    });
    metrics.liveSubscriptions.inc();
  }

  begin(head: string): void {
    this.#beginning ??= head;
    this.#cursor ??= head;
  }

  get beginning(): string | undefined {
    return this.#beginning;
  }

  [Symbol.asyncIterator](): Stream<In, Out> {
    return this.stream;
  }

  receive(update: In): void {
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
