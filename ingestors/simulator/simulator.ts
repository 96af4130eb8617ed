import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isBusbarError, messageOf } from '../../domain/errors.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import type { NodeName } from '../../domain/market.ts';
import { type PriceTopic, TOPICS, TRADE_TOPIC } from '../../schema/events/topics.ts';
import type { EventLog } from '../sources/event-log.ts';
import { createMarketModel, type MarketModel } from './market-model.ts';
import { recordFrom, type SimulatedRecord } from './simulated-records.ts';
import { tradeRecordFrom } from './simulated-trades.ts';
import { createTickPacer, type Tick, type TickPacer } from './tick-pacer.ts';
import { openTradeTapes, type TradeTape, type TradingPace } from './trade-tape.ts';

/**
 * A market to try Busbar on: writes the three price topics, and trades where asked, as a foreign producer would.
 *
 * idle → (`start`) opening: day-ahead prices of today and tomorrow, then the history asked for → ticking → (`stop`) idle
 *
 * Ticks go to `realtime_prices` and `prices` in turn. With each new UTC day the day-ahead prices of the next are published.
 * The same seed tells the same prices and trades again: what a restart repeats of the opening changes nothing.
 */
export interface Simulator {
  /**
   * Resolves when the opening is published and ticks flow.
   * @throws BusbarError `UNAVAILABLE` where the log cannot be reached
   */
  start(): Promise<Simulation>;
  /** Resolves when nothing more will be appended. */
  stop(): Promise<void>;
}

export interface Simulation {
  /** Resolves when stopped; rejects where it ended for a reason that trying again will not mend. */
  readonly ended: Promise<void>;
}

export interface SimulatorOptions {
  readonly log: Pick<EventLog, 'ensureTopics' | 'append'>;
  /** Milliseconds UTC. */
  readonly clock: () => number;
  readonly seed: number;
  readonly nodes: readonly NodeName[];
  /** Ticks a second over all nodes and both topics; at most 1,000 a node. */
  readonly ratePerSecond?: number;
  /** None where not given. */
  readonly trades?: TradingPace;
  /** How far back 5-minute real-time prices, and some hundreds of trades, are published at the start, in milliseconds. */
  readonly historyMs?: number;
  readonly logger: Logger;
}

const RATE_PER_SECOND = 20;
/** Short enough for a live screen, long enough that a batch holds many ticks at a high rate. */
const BATCH_EVERY_MS = 50;
const APPEND_RECORDS_MAX = 5_000;
const HISTORY_STEP_MS = 5 * MINUTE_MS;
const TICK_TOPICS = ['realtime_prices', 'prices'] as const satisfies readonly PriceTopic[];

/** @throws RangeError where there are no nodes, or too few for the rate, or no accounts to trade */
export function createSimulator(options: SimulatorOptions): Simulator {
  const { nodes, clock, ratePerSecond = RATE_PER_SECOND } = options;
  const pacerFrom = (now: number) => createTickPacer(nodes.length * TICK_TOPICS.length, ratePerSecond, now);
  // A rate that cannot be kept is refused here and not first by `start`.
  pacerFrom(clock());
  openTradeTapes(options, clock());
  let running: { readonly abort: AbortController; readonly opened: Promise<void>; ended: Promise<void> } | undefined;

  return {
    async start() {
      if (running) throw new TypeError('the simulator has been started before');
      const abort = new AbortController();
      const publisher = new Publisher(options, abort.signal);
      const run = { abort, opened: publisher.open(), ended: Promise.resolve() };
      running = run;
      try {
        await run.opened;
      } catch (error) {
        running = undefined;
        throw error;
      }
      run.ended = publisher.tick(pacerFrom(clock()));
      return { ended: run.ended };
    },
    async stop() {
      const run = running;
      if (!run) return;
      run.abort.abort();
      // An opening that fails is told to whoever called `start`.
      await run.opened.catch(() => undefined);
      await run.ended;
      running = undefined;
    },
  };
}

class Publisher {
  readonly #options: SimulatorOptions;
  readonly #model: MarketModel;
  readonly #signal: AbortSignal;
  readonly #tapes: readonly TradeTape[];
  /** Start of the UTC day whose morrow is published. */
  #day = Number.NaN;
  #logAway = false;

  constructor(options: SimulatorOptions, signal: AbortSignal) {
    this.#options = options;
    this.#model = createMarketModel(options);
    this.#signal = signal;
    this.#tapes = openTradeTapes(options, options.clock());
  }

  async open(): Promise<void> {
    const { log, clock, nodes, historyMs = 0, logger } = this.#options;
    await log.ensureTopics(TOPICS);
    const now = clock();
    const today = startOf(now, DAY_MS);
    await this.#publish('dayahead_prices', today, today + 2 * DAY_MS, HOUR_MS);
    this.#day = today;
    await this.#publish(
      'realtime_prices',
      startOf(now - historyMs, HISTORY_STEP_MS),
      startOf(now, HISTORY_STEP_MS),
      HISTORY_STEP_MS,
    );
    const trades = await this.#publishTrades(now);
    logger.info({ nodes: nodes.length, historyMs, trades }, 'simulator opened');
  }

  async tick(pacer: TickPacer): Promise<void> {
    while (await this.#pause()) {
      const now = this.#options.clock();
      const ticks = pacer.due(now);
      await this.#tolerate(async () => {
        await this.#publishNextDay(now);
        await this.#append(ticks);
        return ticks.length + (await this.#publishTrades(now));
      });
    }
  }

  /** @returns false when it is time to stop. */
  async #pause(): Promise<boolean> {
    await pause(BATCH_EVERY_MS, undefined, { signal: this.#signal }).catch(() => undefined);
    return !this.#signal.aborted;
  }

  /** A log that is away loses the ticks of that time, as a market does not wait; said once when it goes and once when it is back. */
  async #tolerate(append: () => Promise<number>): Promise<void> {
    try {
      const appended = await append();
      if (this.#logAway && appended > 0) this.#options.logger.info('simulator sees the log again');
      if (appended > 0) this.#logAway = false;
    } catch (error) {
      if (!isBusbarError(error, 'UNAVAILABLE')) throw error;
      if (!this.#logAway) this.#options.logger.warn({ reason: messageOf(error) }, 'simulator lost the log');
      this.#logAway = true;
    }
  }

  async #publishNextDay(now: number): Promise<void> {
    const today = startOf(now, DAY_MS);
    if (today <= this.#day) return;
    await this.#publish('dayahead_prices', today, today + 2 * DAY_MS, HOUR_MS);
    this.#day = today;
  }

  async #append(ticks: readonly Tick[]): Promise<void> {
    const { log, nodes } = this.#options;
    const byTopic = new Map<PriceTopic, SimulatedRecord[]>(TICK_TOPICS.map((topic) => [topic, []]));
    for (const { lane, atMs } of ticks) {
      const topic = TICK_TOPICS[lane % TICK_TOPICS.length];
      const node = nodes[Math.floor(lane / TICK_TOPICS.length)];
      if (topic && node) byTopic.get(topic)?.push(recordFrom(this.#model, topic, node, atMs));
    }
    for (const [topic, records] of byTopic) if (records.length > 0) await log.append(topic, records);
  }

  /** A trade that the log did not take is published when it is back: a desk loses none. @returns how many there were. */
  async #publishTrades(now: number): Promise<number> {
    let count = 0;
    for (const tape of this.#tapes) {
      for (let due = tape.due(now); due.length > 0 && !this.#signal.aborted; due = tape.due(now)) {
        await this.#options.log.append(
          TRADE_TOPIC,
          due.map(({ version }) => tradeRecordFrom(version)),
        );
        tape.take(due.length);
        count += due.length;
      }
    }
    return count;
  }

  /** Every node's prices in `[from, to)`, in bounded appends. */
  async #publish(topic: PriceTopic, from: number, to: number, stepMs: number): Promise<void> {
    const { log, nodes } = this.#options;
    let records: SimulatedRecord[] = [];
    for (let atMs = from; atMs < to; atMs += stepMs) {
      for (const node of nodes) {
        records.push(recordFrom(this.#model, topic, node, atMs));
        if (records.length < APPEND_RECORDS_MAX) continue;
        if (this.#signal.aborted) return;
        await log.append(topic, records);
        records = [];
      }
    }
    if (records.length > 0 && !this.#signal.aborted) await log.append(topic, records);
  }
}

function startOf(ms: number, lengthMs: number): number {
  return Math.floor(ms / lengthMs) * lengthMs;
}
