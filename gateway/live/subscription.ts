import { BusbarError } from '../../domain/errors.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import { fellBehind } from './fell-behind.ts';
import type { LiveUpdate, Placed } from './live-update.ts';
import { type Backlog, Stream } from './stream.ts';

/** One consumer of a hub: what waits for it, and the cursor up to which it has received everything. */
export class Subscription<In extends LiveUpdate, Out> implements AsyncIterable<Out, undefined>, Placed {
  readonly stream: Stream<In, Out>;
  readonly #backlog: Backlog<In, Out>;
  readonly #metrics: Metrics;
  readonly #endings: (() => void)[] = [];
  #beginning: string | undefined;
  #cursor: string | undefined;
  #headOfHub: (() => string | undefined) | undefined;
  #hasCaughtUp = false;

  /** @param cursor undefined where it begins with the hub's reader, which does not stand yet. */
  constructor({
    backlog,
    cursor,
    metrics,
  }: { backlog: Backlog<In, Out>; cursor: string | undefined; metrics: Metrics }) {
    this.#beginning = cursor;
    this.#cursor = cursor;
    this.#backlog = backlog;
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

  /**
   * From now on it is given what comes as the hub's reader passes it.
   * @param head the newest entry that was passed.
   */
  follow(head: () => string | undefined): void {
    this.#headOfHub = head;
    this.#hasCaughtUp = this.#backlog.isEmpty;
  }

  get beginning(): string | undefined {
    return this.#beginning;
  }

  /** Until the last of the past is taken, which waits when it begins to follow. */
  get isCatchingUp(): boolean {
    this.#hasCaughtUp ||= this.isUpToDate;
    return !this.#hasCaughtUp;
  }

  get isUpToDate(): boolean {
    return this.#headOfHub !== undefined && this.#backlog.isEmpty;
  }

  get head(): string | undefined {
    return this.stream.isAwaited ? this.#headOfHub?.() : undefined;
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

  /** Ends after what waits. Whoever follows has then been given everything that was passed, be it for others. */
  interrupt(message: string, cause?: unknown): void {
    const cursor = this.#headOfHub?.() ?? this.#cursor;
    const details = cursor === undefined ? {} : { cursor };
    this.stream.end({ error: new BusbarError('UNAVAILABLE', message, { cause, details }) });
  }

  /** Called when the subscription ends, at once where it has. */
  onEnded(ending: () => void): void {
    if (this.stream.open) this.#endings.push(ending);
    else ending();
  }
}
