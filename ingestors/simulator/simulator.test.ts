import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, parseInstant } from '../../domain/instant.ts';
import { freshDatabase } from '../../tests/support/postgres.ts';
import type { EventLog, OutgoingRecord, TopicSpec } from '../sources/event-log.ts';
import { createPostgresLog } from '../sources/postgres-log.ts';
import { nodesFor } from './market-model.ts';
import { createSimulator, type SimulatorOptions } from './simulator.ts';

const NOON = Date.UTC(2026, 10, 21, 12, 2, 13);

/** Holds what is appended, and lets a test wait for what it wants to see. */
class RecordingLog implements Pick<EventLog, 'ensureTopics' | 'append'> {
  readonly topics: TopicSpec[] = [];
  readonly appends: { readonly topic: string; readonly records: readonly OutgoingRecord[] }[] = [];
  failure: Error | undefined;
  failures = 0;
  #watchers: (() => void)[] = [];

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    if (this.failure) throw this.failure;
    this.topics.push(...topics);
  }

  async append(topic: string, records: readonly OutgoingRecord[]): Promise<never[]> {
    if (this.failure) this.failures += 1;
    else this.appends.push({ topic, records });
    for (const watcher of this.#watchers) watcher();
    if (this.failure) throw this.failure;
    return [];
  }

  values(topic: string): string[] {
    return this.appends
      .filter((append) => append.topic === topic)
      .flatMap(({ records }) => records.map(({ value }) => value.toString()));
  }

  of(topic: string): { readonly key: string | null; readonly ts: number; readonly hub: string }[] {
    return this.appends
      .filter((append) => append.topic === topic)
      .flatMap(({ records }) => records)
      .map(({ key, value }) => {
        const { ts, hub } = JSON.parse(value.toString());
        return { key, hub, ts: parseInstant(ts) ?? Number.NaN };
      });
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }
}

function simulation(changes: Partial<SimulatorOptions> = {}) {
  const log = new RecordingLog();
  const lines: { readonly msg: string }[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  // Begins at noon and goes as fast as the real clock.
  const begun = Date.now();
  const clock = () => NOON + Date.now() - begun;
  const simulator = createSimulator({
    log,
    clock,
    seed: 5,
    nodes: nodesFor(4),
    ratePerSecond: 400,
    logger,
    ...changes,
  });
  return { log, simulator, events: () => lines.map((line) => line.msg) };
}

/** A clock that stands still until it is moved: no tick is ever due of itself. */
function standingClock() {
  let now = NOON;
  return { clock: () => now, moveTo: (ms: number) => (now = ms) };
}

describe('the opening', () => {
  it('creates the topics and publishes the day-ahead prices of today and tomorrow, every hour of every node once', async () => {
    const { log, simulator } = simulation({ clock: standingClock().clock });
    await simulator.start();
    await simulator.stop();
    expect(log.topics.map((topic) => topic.topic)).toEqual([
      'prices',
      'dayahead_prices',
      'realtime_prices',
      'trades',
      'nodes',
      'forecasts',
    ]);
    const prices = log.of('dayahead_prices');
    expect(prices).toHaveLength(4 * 48);
    expect(new Set(prices.map(({ hub, ts }) => `${hub} ${ts}`)).size).toBe(4 * 48);
    const today = Date.UTC(2026, 10, 21);
    for (const { ts } of prices) expect(ts % HOUR_MS === 0 && ts >= today && ts < today + 2 * DAY_MS).toBe(true);
    expect(log.of('realtime_prices')).toEqual([]);
  });

  it('publishes the history that was asked for on the 5-minute grid, up to the present interval', async () => {
    const { log, simulator } = simulation({ clock: standingClock().clock, historyMs: 2 * HOUR_MS });
    await simulator.start();
    await simulator.stop();
    const history = log.of('realtime_prices');
    expect(history).toHaveLength(4 * 24);
    const instants = history.map(({ ts }) => ts);
    expect(instants.every((ts) => ts % (5 * MINUTE_MS) === 0)).toBe(true);
    expect([Math.min(...instants), Math.max(...instants)]).toEqual([
      Date.UTC(2026, 10, 21, 10),
      Date.UTC(2026, 10, 21, 11, 55),
    ]);
  });

  it('is the same again after a restart', async () => {
    const [first, second] = [
      simulation({ clock: standingClock().clock }),
      simulation({ clock: standingClock().clock }),
    ];
    for (const { simulator } of [first, second]) {
      await simulator.start();
      await simulator.stop();
    }
    expect(second.log.appends).toEqual(first.log.appends);
  });

  it('comes in appends of a bounded size', async () => {
    const { log, simulator } = simulation({ clock: standingClock().clock, nodes: nodesFor(300) });
    await simulator.start();
    await simulator.stop();
    expect(log.appends.map(({ records }) => records.length)).toEqual([5_000, 5_000, 4_400]);
  });

  it('fails where the log is away, and can be tried again', async () => {
    const { log, simulator } = simulation({ clock: standingClock().clock });
    log.failure = new BusbarError('UNAVAILABLE', 'no log');
    await expect(simulator.start()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    log.failure = undefined;
    await simulator.start();
    await simulator.stop();
    expect(log.of('dayahead_prices')).toHaveLength(4 * 48);
  });
});

describe('ticks', () => {
  it('arrive in the durable log, keyed and readable', async () => {
    const { url, pool, drop } = await freshDatabase();
    const log = createPostgresLog({ pool, connectionString: url, log: pino({ level: 'silent' }) });
    const { simulator } = simulation({ log });
    await simulator.start();
    const recordsOf = async (topic: string) =>
      (await log.partitions(topic)).reduce((sum, { low, end }) => sum + end - low, 0);
    expect(await recordsOf('dayahead_prices')).toBe(4 * 48);
    await expect.poll(() => recordsOf('realtime_prices'), { timeout: 15_000 }).toBeGreaterThan(20);
    await simulator.stop();
    await log.close();
    await drop();
  });

  it('go to both topics and all nodes in turn, keyed by hub, each hub and ts once, at the time of the clock', async () => {
    const { log, simulator } = simulation();
    await simulator.start();
    await log.until(() => log.of('realtime_prices').length >= 100 && log.of('prices').length >= 100);
    await simulator.stop();
    for (const topic of ['realtime_prices', 'prices']) {
      const ticks = log.of(topic);
      expect(new Set(ticks.map(({ hub, ts }) => `${hub} ${ts}`)).size).toBe(ticks.length);
      const shares = nodesFor(4).map((node) => ticks.filter(({ hub }) => node.endsWith(`:${hub}`)).length);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      for (const { key, hub, ts } of ticks) {
        expect(key).toBe(hub);
        expect(ts).toBeGreaterThan(NOON);
        expect(ts).toBeLessThan(NOON + MINUTE_MS);
      }
    }
  });

  it('come in batches and not one by one', async () => {
    const { log, simulator } = simulation({ ratePerSecond: 4_000 });
    await simulator.start();
    await log.until(() => log.of('prices').length >= 500);
    await simulator.stop();
    const sizes = log.appends.filter(({ topic }) => topic === 'prices').map(({ records }) => records.length);
    expect(sizes.reduce((sum, size) => sum + size, 0) / sizes.length).toBeGreaterThan(50);
  });

  it('end with stop: nothing is appended after it', async () => {
    const { log, simulator } = simulation();
    await simulator.start();
    await log.until(() => log.of('prices').length > 0);
    await simulator.stop();
    const appends = log.appends.length;
    // Another one shows that the time of several batches has passed.
    const other = simulation();
    await other.simulator.start();
    await other.log.until(() => other.log.appends.length >= 6);
    await other.simulator.stop();
    expect(log.appends).toHaveLength(appends);
  });

  it('bring the day-ahead prices of the next day with each new day', async () => {
    const { clock, moveTo } = standingClock();
    const { log, simulator } = simulation({ clock });
    await simulator.start();
    moveTo(NOON + DAY_MS);
    await log.until(() => log.of('dayahead_prices').length > 4 * 48);
    await simulator.stop();
    const last = Math.max(...log.of('dayahead_prices').map(({ ts }) => ts));
    expect(last).toBe(Date.UTC(2026, 10, 22) + 2 * DAY_MS - HOUR_MS);
  });
});

describe('trades', () => {
  const trades = { accounts: 5, perSecond: 200 };

  it('are none unless asked for', async () => {
    const { log, simulator } = simulation({ historyMs: HOUR_MS });
    await simulator.start();
    await log.until(() => log.of('prices').length > 0);
    await simulator.stop();
    expect(log.of('trades')).toEqual([]);
  });

  it('go back as far as the history, and are the same again after a restart', async () => {
    const clock = standingClock().clock;
    const [first, second] = [0, 1].map(() => simulation({ clock, trades, historyMs: 6 * HOUR_MS }));
    for (const each of [first, second]) {
      await each?.simulator.start();
      await each?.simulator.stop();
    }
    const published = first?.log.of('trades') ?? [];
    expect(Math.min(...published.map(({ ts }) => ts))).toBeLessThan(NOON - 5 * HOUR_MS);
    expect(Math.max(...published.map(({ ts }) => ts))).toBeLessThanOrEqual(NOON);
    expect(second?.log.values('trades')).toEqual(first?.log.values('trades'));
  });

  it('go on with the clock, keyed by account, as many a second as asked', async () => {
    const { clock, moveTo } = standingClock();
    const { log, simulator } = simulation({ clock, trades });
    await simulator.start();
    const opened = log.of('trades').length;
    for (let second = 1; second <= 10; second += 1) {
      const told = log.of('trades').length;
      moveTo(NOON + second * 1_000);
      await log.until(() => log.of('trades').length > told);
    }
    await simulator.stop();
    const told = log.values('trades').map((value) => JSON.parse(value));
    expect((told.length - opened) / 10).toBeGreaterThan(150);
    expect((told.length - opened) / 10).toBeLessThan(250);
    for (const [place, { key }] of log.of('trades').entries()) expect(key).toBe(told[place]?.account);
  });

  it('that the log did not take are published when it is back, each at least once', async () => {
    const { clock, moveTo } = standingClock();
    const away = simulation({ clock, trades });
    await away.simulator.start();
    away.log.failure = new BusbarError('UNAVAILABLE', 'no log');
    moveTo(NOON + 250);
    await away.log.until(() => away.log.failures >= 2);
    away.log.failure = undefined;
    const before = away.log.of('trades').length;
    await away.log.until(() => away.log.of('trades').length > before);
    await away.simulator.stop();

    const steady = simulation({ clock: () => NOON + 250, trades });
    await steady.simulator.start();
    await steady.simulator.stop();
    expect(away.log.values('trades')).toEqual(expect.arrayContaining(steady.log.values('trades')));
  });
});

describe('a log that goes away', () => {
  it('loses the ticks of that time, says so once, and gets ticks again when it is back', async () => {
    const { log, simulator, events } = simulation();
    await simulator.start();
    log.failure = new BusbarError('UNAVAILABLE', 'no log');
    await log.until(() => log.failures >= 3);
    log.failure = undefined;
    const ticks = log.of('prices').length;
    await log.until(() => log.of('prices').length > ticks);
    await log.until(() => events().includes('simulator sees the log again'));
    await simulator.stop();
    expect(events()).toEqual(['simulator opened', 'simulator lost the log', 'simulator sees the log again']);
  });

  it('and any other error is not taken for that', async () => {
    const { log, simulator } = simulation();
    const { ended } = await simulator.start();
    log.failure = new TypeError('a bug');
    await expect(ended).rejects.toThrow('a bug');
    await expect(simulator.stop()).rejects.toThrow('a bug');
  });
});

describe('the life of a simulator', () => {
  it('is started once at a time', async () => {
    const { simulator } = simulation();
    await simulator.start();
    await expect(simulator.start()).rejects.toThrow(TypeError);
    await simulator.stop();
    await simulator.stop();
  });

  it('can be stopped while it opens', async () => {
    const { log, simulator } = simulation({ nodes: nodesFor(300) });
    const started = simulator.start();
    await log.until(() => log.appends.length === 1);
    await simulator.stop();
    await started;
    expect(log.appends.length).toBeLessThan(3);
  });

  it('refuses a rate that its nodes cannot carry, no nodes, and trades of nobody', () => {
    expect(() => simulation({ ratePerSecond: 4_001 })).toThrow(RangeError);
    expect(() => simulation({ nodes: [] })).toThrow(RangeError);
    expect(() => simulation({ trades: { accounts: 0, perSecond: 1 } })).toThrow(RangeError);
  });
});
