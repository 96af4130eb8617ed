import type { Logger } from 'pino';
import { BusbarError, isBusbarError, messageOf } from '../../domain/errors.ts';
import type { Component } from '../../runtime/health.ts';
import type { LiveBus, LmpTick, PositionEvent } from '../../runtime/live-bus/live-bus.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Delivery } from '../../schema/question.ts';
import type { PnlUpdate, PositionFilter } from '../../schema/trading-rows.ts';
import { type BacklogBounds, BOUNDS } from '../live/backlog.ts';
import { DueQueue } from '../live/due-queue.ts';
import { Subscription } from '../live/subscription.ts';
import { followUpstream, retryMs, type Upstream, type UpstreamListener } from '../live/upstream.ts';
import type { BoardOptions } from './board.ts';
import { BoardLife, type BoardWatcher } from './board-life.ts';
import { EveryChange } from './every-change.ts';
import type { BoardUpdate } from './marked-position.ts';
import { createPnlBacklog } from './pnl-backlog.ts';
import type { PositionsSource } from './positions-source.ts';
import { PricePace } from './price-pace.ts';
import { PricePacer } from './price-pacer.ts';

export interface PnlHubOptions extends BoardOptions {
  readonly bus: LiveBus;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly source: PositionsSource;
  readonly bounds?: BacklogBounds;
  /** Told whether positions are followed. */
  readonly health?: Component;
}

/**
 * Positions and what they are worth, for the subscriptions of this process.
 *
 * States: starting → live ⇄ down → closed. It is live when the readers of both channels, of positions and of prices, stand and
 * a board was loaded since. When a reader falls, or the store does not answer, subscriptions end with `UNAVAILABLE` and another
 * board is loaded. A subscription begins with its positions as they are; while starting it waits for that.
 */
export class PnlHub {
  readonly #options: PnlHubOptions;
  readonly #upstream: Upstream;
  readonly #subscriptions = new Set<PnlSubscription>();
  readonly #due = new DueQueue();
  readonly #pace = new PricePace();
  /** What begins the subscriptions that came before the first board. */
  readonly #waiting = new Set<() => void>();
  readonly #standing = { positions: false, prices: false };
  #state: 'starting' | 'live' | 'down' | 'closed' = 'starting';
  #life: BoardLife | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  /** Of the last entry of positions that was seen. */
  #head = '';

  constructor(options: PnlHubOptions) {
    this.#options = options;
    this.#upstream = followUpstream(options.bus, 'positions', this.#positions(), options.log);
  }

  /** To be told what the reader of prices is told. */
  get prices(): UpstreamListener<LmpTick> {
    return {
      live: () => this.#stands('prices'),
      entries: (entries) => {
        for (const { events } of entries) this.#life?.prices(events);
      },
      down: (error) => this.#falls('prices', error),
    };
  }

  /** @throws BusbarError `UNAVAILABLE` where positions cannot be followed now; the stream ends as those of `ChannelHub`. */
  subscribe(filter: PositionFilter, delivery: Delivery, after: string | undefined): AsyncIterable<PnlUpdate> {
    if (this.#state === 'down' || this.#state === 'closed') {
      throw new BusbarError('UNAVAILABLE', 'positions cannot be followed now: try again');
    }
    const { metrics, bounds = BOUNDS } = this.#options;
    const backlog = createPnlBacklog(delivery, bounds, () => metrics.conflatedTicks.inc());
    const subscription: PnlSubscription = new Subscription({ backlog, cursor: after, metrics });
    this.#subscriptions.add(subscription);
    subscription.onEnded(() => this.#subscriptions.delete(subscription));
    const begin = () => this.#begin(filter, delivery, subscription);
    if (after === undefined) begin();
    else this.#requireCursor(after).then(begin, (error) => subscription.stream.end({ error }));
    return subscription.stream;
  }

  /** Ends every subscription with `UNAVAILABLE`. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#endLife();
    await this.#upstream.close();
    this.#interrupt('the gateway is going down: subscribe again');
  }

  #positions(): UpstreamListener<PositionEvent> {
    return {
      live: (head) => {
        this.#head = head;
        this.#stands('positions');
      },
      entries: (entries) => {
        this.#head = entries.at(-1)?.id ?? this.#head;
        this.#life?.positions(entries);
      },
      down: (error) => this.#falls('positions', error),
    };
  }

  #stands(reader: Reader): void {
    this.#standing[reader] = true;
    if (this.#standing.positions && this.#standing.prices) this.#startLife();
  }

  #falls(reader: Reader, error: unknown): void {
    this.#standing[reader] = false;
    this.#lose(error);
  }

  #startLife(): void {
    if (this.#state === 'closed') return;
    const { source, runs, clock } = this.#options;
    const onLost = (error: unknown) => {
      if (life === this.#life) this.#tryAgain(error);
    };
    const life = new BoardLife({ source, runs, clock, cursor: this.#head, onLost });
    this.#life = life;
    life.load().then(() => {
      if (life === this.#life) this.#live();
    }, onLost);
  }

  #live(): void {
    this.#state = 'live';
    this.#failures = 0;
    this.#options.health?.ok();
    for (const begin of this.#waiting) begin();
    this.#waiting.clear();
  }

  #tryAgain(error: unknown): void {
    this.#options.log.warn({ failures: this.#failures, err: error }, 'positions lost');
    this.#lose(error);
    this.#retry = setTimeout(() => this.#startLife(), retryMs(this.#failures++));
  }

  #lose(error: unknown): void {
    if (this.#state === 'closed') return;
    this.#state = 'down';
    this.#endLife();
    this.#options.health?.failed(messageOf(error));
    this.#interrupt('positions can no longer be followed: subscribe again', error);
  }

  #endLife(): void {
    clearTimeout(this.#retry);
    this.#life?.end();
    this.#life = undefined;
  }

  #interrupt(message: string, cause?: unknown): void {
    for (const each of this.#subscriptions) each.interrupt(message, cause);
    this.#waiting.clear();
  }

  #begin(filter: PositionFilter, delivery: Delivery, subscription: PnlSubscription): void {
    if (!subscription.stream.open) return;
    if (!this.#life?.live) {
      this.#waiting.add(() => this.#begin(filter, delivery, subscription));
      return;
    }
    try {
      const to = (update: BoardUpdate) => subscription.receive(update);
      const watcher = delivery === 'EVERY' ? new EveryChange(to) : this.#paced(subscription, to);
      subscription.onEnded(this.#life.watch(filter, watcher));
    } catch (error) {
      subscription.stream.end({ error });
    }
  }

  #paced(subscription: PnlSubscription, to: (update: BoardUpdate) => void): BoardWatcher {
    const onDropped = () => this.#options.metrics.conflatedTicks.inc();
    const pacer = new PricePacer(to, { due: this.#due, pace: this.#pace, onDropped });
    subscription.onEnded(() => pacer.stop());
    return pacer;
  }

  /**
   * Whether the text is a cursor. One that is no longer kept will do: whoever begins with how things stand misses nothing.
   * @throws BusbarError `BAD_USER_INPUT`.
   */
  async #requireCursor(cursor: string): Promise<void> {
    try {
      for await (const _ of this.#options.bus.read('positions', cursor, AbortSignal.abort())) return;
    } catch (error) {
      if (!isBusbarError(error, 'CURSOR_EXPIRED')) throw error;
    }
  }
}

type Reader = 'positions' | 'prices';

type PnlSubscription = Subscription<BoardUpdate, PnlUpdate>;
