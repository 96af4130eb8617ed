import { Ajv2020 } from 'ajv/dist/2020.js';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addPrice, type ForecastState, forecastsOf } from '../../../domain/forecast.ts';
import { DAY_MS, HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import type { MarketRun } from '../../../domain/market-run.ts';
import type { ForecastEvent, LiveBus } from '../../../runtime/live-bus/live-bus.ts';
import { createRingBus } from '../../../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../../../runtime/metrics.ts';
import { FORECASTS_SCHEMA } from '../../../schema/events/forecasts.ts';
import { storeLmps } from '../../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { silentPipeline } from '../../../tests/support/silent-pipeline.ts';
import type { Feed } from '../../feed.ts';
import { JSON_TOPIC_FEEDS } from '../../feeds/json-topics/feed.ts';
import { createAnnouncer } from '../../pipeline/announcer.ts';
import { archivesOf } from '../../pipeline/families/families.ts';
import { unowned } from '../../pipeline/store/positions.ts';
import { FORECASTS_FEED, followPrices } from './forecast-prices.ts';
import { publishForecasts } from './publish-forecasts.ts';
import { type PricedSeries, pricesAfter } from './stored-forecast.ts';

const log = pino({ level: 'silent' });
const FROM = Date.UTC(2026, 0, 9);
const STEP_MS = 5 * MINUTE_MS;
let now = 0;
const clock = () => now;
const realtime = JSON_TOPIC_FEEDS.find(({ id }) => id === 'realtime_prices') as Feed;
const dayAhead = JSON_TOPIC_FEEDS.find(({ id }) => id === 'dayahead_prices') as Feed;

interface PublishedRecord {
  readonly at: number;
  readonly publishedAt: number;
  readonly body: object;
}

describe('forecasts follow prices', () => {
  let db: TestDatabase;
  let bus: LiveBus;
  beforeEach(async () => {
    now = FROM + 12 * HOUR_MS;
    db = await freshDatabase();
    bus = createRingBus({ window: { entriesMax: 1_000, ageMsMax: HOUR_MS }, clock });
  });
  afterEach(async () => {
    await bus.close();
    await db.drop();
  });

  const announcer = () =>
    createAnnouncer({ bus, pool: db.pool, archiveOf: archivesOf([realtime]), metrics: createMetrics(), log });
  const processor = () => ({ pool: db.pool, announcer: announcer(), clock, feeds: [realtime.id, dayAhead.id], log });
  const ingest = async (feed: Feed, records: readonly PublishedRecord[]) => {
    const outcome = await silentPipeline(db.pool, clock).ingest(feed, unowned(feed.id, 'test'), {
      kind: 'FILE',
      next: undefined,
      request: null,
      items: records.map(({ at, publishedAt, body }) => ({
        payload: { bytes: Buffer.from(JSON.stringify({ ts: isoFromInstant(at), ...body })), name: feed.id },
        publishedAt,
        publishedSeq: 0,
      })),
      lag: null,
    });
    expect(outcome.rejected).toBe(0);
  };
  /** Prices of 5-minute intervals, by their number. @param publishedAt each with its interval where not given. */
  const publish = (prices: Readonly<Record<number, number>>, hub = 'PJM-WEST', publishedAt?: number) =>
    ingest(
      realtime,
      Object.entries(prices).map(([interval, lmp_rt]) => {
        const at = FROM + Number(interval) * STEP_MS;
        return { at, publishedAt: publishedAt ?? at, body: { hub, lmp_rt } };
      }),
    );
  /** Prices of hours, by their number from midnight. */
  const publishDay = (prices: Readonly<Record<number, number>>, publishedAt: number) =>
    ingest(
      dayAhead,
      Object.entries(prices).map(([hour, lmp_da]) => {
        return { at: FROM + Number(hour) * HOUR_MS, publishedAt, body: { hub: 'PJM-WEST', lmp_da } };
      }),
    );
  const series = (prices: readonly number[]) => Object.fromEntries(prices.map((price, place) => [place, price]));
  const stateOf = (prices: readonly (readonly [interval: number, price: number])[]) => {
    let state: ForecastState | undefined;
    for (const [interval, price] of prices) {
      const at = FROM + interval * STEP_MS;
      state = addPrice(state, { at, price, publishedAt: at });
    }
    return state ?? expect.unreachable();
  };
  const expected = (prices: readonly number[]) => forecastsOf(stateOf([...prices.entries()]));
  const forecasts = async (run: MarketRun = 'REAL_TIME_5_MIN') => {
    const { rows } = await db.pool.query<{ at: Date } & Pick<ForecastState, 'prices' | 'ewma' | 'errors'>>(
      'SELECT last_at AS at, prices, ewma, errors FROM forecast_state WHERE run = $1',
      [run],
    );
    return rows.map(({ at, ...state }) => ({ lastAt: at.getTime(), models: forecastsOf(state) }));
  };
  const events = async (after: string): Promise<ForecastEvent[]> => {
    const seen: ForecastEvent[] = [];
    for await (const entries of bus.read('forecasts', after, AbortSignal.timeout(200))) {
      seen.push(...entries.flatMap((entry) => entry.events));
    }
    return seen;
  };
  const PRICES = Array.from({ length: 30 }, (_, place) => 30 + ((place * 7) % 11));

  it('each price counts once, however the prices are cut into commits, and the newest is told', async () => {
    const after = await bus.tail('forecasts');
    for (const [first, last] of [
      [0, 7],
      [7, 8],
      [8, 30],
    ] as const) {
      await publish(Object.fromEntries(PRICES.map((price, place) => [place, price] as const).slice(first, last)));
      if (last !== 8) await followPrices(processor());
    }
    expect(await followPrices(processor())).toBe('nothing');
    const told = await events(after);
    expect(told.at(-1)).toMatchObject({ node: 'PJM:PJM-WEST', run: 'REAL_TIME_5_MIN', lastPrice: PRICES.at(-1) });
    expect(told.at(-1)?.models).toEqual(expected(PRICES));
  });

  it('late prices and corrections of what was taken change nothing, and are not taken up again', async () => {
    const { 3: late, ...others } = series(PRICES);
    await publish(others);
    await followPrices(processor());
    await publish({ 3: late ?? 0, 5: 99 }, 'PJM-WEST', now);
    expect(await followPrices(processor())).toBe('all');
    expect(await followPrices(processor())).toBe('nothing');
    const { rows } = await db.pool.query('SELECT count(*)::int AS entries FROM ledger_entry WHERE feed_id = $1', [
      FORECASTS_FEED,
    ]);
    expect(rows[0]?.entries).toBe(1);
  });

  it('a price far ahead waits until its time has come: it freezes nothing', async () => {
    const ahead = (3 * DAY_MS) / STEP_MS;
    now = FROM + HOUR_MS;
    await publish(series(PRICES.slice(0, 10)));
    await publish({ [ahead]: 99 }, 'PJM-WEST', now);
    await followPrices(processor());
    now = FROM + 3 * HOUR_MS;
    await publish(Object.fromEntries([...PRICES.entries()].slice(10)));
    expect(await followPrices(processor())).toBe('all');
    expect(await forecasts()).toEqual([{ lastAt: FROM + (PRICES.length - 1) * STEP_MS, models: expected(PRICES) }]);
    // Its time has come; it is taken up in its order with the next price of its series.
    now = FROM + 3 * DAY_MS;
    expect(await followPrices(processor())).toBe('nothing');
    await publish({ [ahead - 1]: 31, [ahead + 1]: 32 });
    await followPrices(processor());
    const taken = stateOf([...PRICES.entries(), [ahead - 1, 31], [ahead, 99], [ahead + 1, 32]]);
    const models = (await forecasts())[0]?.models;
    expect(models?.map(({ value }) => value)).toEqual(forecastsOf(taken).map(({ value }) => value));
    // It had been published before the one before it: nobody has forecast it.
    expect(models?.at(-1)).toMatchObject({ model: 'EWMA', samples: PRICES.length - 1 + 2 });
  });

  it('a series that begins with a price far ahead has no forecast yet', async () => {
    await publish({ [(3 * DAY_MS) / STEP_MS]: 99 }, 'PJM-WEST', now);
    expect(await followPrices(processor())).toBe('all');
    expect(await forecasts()).toEqual([]);
  });

  it.each([1, 5, 24, 48])(
    'day-ahead prices of two days, followed %i at a time: only the first of the second day had a forecast',
    async (size) => {
      now = FROM;
      const hours = Array.from({ length: 48 }, (_, hour) => [hour, 20 + (hour % 24)] as const);
      for (const day of [hours.slice(0, 24), hours.slice(24)]) {
        const publishedAt = FROM - DAY_MS + (day[0]?.[0] ?? 0) * HOUR_MS;
        for (let first = 0; first < day.length; first += size) {
          await publishDay(Object.fromEntries(day.slice(first, first + size)), publishedAt);
          if (size < 48) await followPrices(processor());
        }
      }
      await followPrices(processor());
      const [{ lastAt, models } = expect.unreachable()] = await forecasts('DAY_AHEAD_HOURLY');
      expect(lastAt).toBe(FROM + 47 * HOUR_MS);
      expect(models.map(({ model, samples, mae }) => [model, samples, mae])).toEqual([
        ['SMA_5', 1, 41 - 20],
        ['SMA_20', 1, 33.5 - 20],
        ['NEXT_VALUE', 1, 44 - 20],
        ['EWMA', 1, expect.any(Number)],
      ]);
    },
  );

  it('a source whose clock is ahead is scored as what it says is recorded', async () => {
    for (const [place, price] of PRICES.entries()) {
      now = FROM + place * STEP_MS;
      await publish({ [place]: price }, 'PJM-WEST', place === 7 ? now + 20 * HOUR_MS : now);
      await followPrices(processor());
    }
    expect((await forecasts()).map(({ models }) => models)).toEqual([expected(PRICES)]);
  });

  it('after a long pause a series goes on with its newest 500 prices', async () => {
    now = FROM + 7 * DAY_MS;
    await publish({ 0: 30, 1: 40 });
    await followPrices(processor());
    const missed = Array.from({ length: 700 }, (_, place) => [place + 2, 30 + ((place * 7) % 11)] as const);
    await publish(Object.fromEntries(missed));
    await followPrices(processor());
    const taken = stateOf([[0, 30], [1, 40], ...missed.slice(-500)]);
    expect(await forecasts()).toEqual([{ lastAt: taken.lastAt, models: forecastsOf(taken) }]);
  });

  it('prices are read for some hundreds of series at a time, and each has its forecast', async () => {
    const nodes = Array.from({ length: 450 }, (_, place) => `PJM:N${place}`);
    await storeLmps(
      db.pool,
      nodes.flatMap((node) =>
        [0, 1, 2].map((place) => ({ node, run: 'SPOT' as const, start: FROM + place * STEP_MS, minutes: 0, lmp: 30 })),
      ),
    );
    const { rows } = await db.pool.query<{ id: number; name: string }>('SELECT id, name FROM pricing_node ORDER BY id');
    const asked = rows
      .filter(({ name }) => /^N\d+$/.test(name))
      .map(({ id, name }) => ({ nodeId: id, node: `PJM:${name}`, run: 'SPOT' as const, state: undefined }));
    const statements = vi.spyOn(db.pool, 'query');
    const priced: PricedSeries[] = [];
    for await (const each of pricesAfter(db.pool, asked, now)) priced.push(each);
    expect(priced.map(({ node, prices }) => [node, prices.length])).toEqual(asked.map(({ node }) => [node, 3]));
    expect(statements).toHaveBeenCalledTimes(3);
  });

  it('what is forecast goes to the log, once each where nothing breaks', async () => {
    const appended: { key?: unknown; value?: unknown }[] = [];
    const eventLog = {
      append: async (_: string, records: readonly object[]) => {
        appended.push(...records);
        return [];
      },
    };
    await publish(series(PRICES));
    await followPrices(processor());
    expect(await publishForecasts(db.pool, eventLog, FORECASTS_FEED)).toBe(true);
    expect(await publishForecasts(db.pool, eventLog, FORECASTS_FEED)).toBe(false);
    expect(appended.map(({ key }) => key)).toEqual(['PJM:PJM-WEST']);
    const record = JSON.parse(String(appended[0]?.value));
    const ajv = new Ajv2020({ allowUnionTypes: true });
    ajv.validate(FORECASTS_SCHEMA, record);
    expect(ajv.errors).toBeNull();
    expect(record).toMatchObject({ run: 'REAL_TIME_5_MIN', last_price: PRICES.at(-1) });
  });

  it('two at once: each price still counts once', async () => {
    await publish(series(PRICES));
    await Promise.all([followPrices(processor()), followPrices(processor())]);
    const { rows } = await db.pool.query(`SELECT errors -> 'EWMA' ->> 'count' AS count FROM forecast_state`);
    expect(rows).toEqual([{ count: String(PRICES.length - 1) }]);
  });

  it('what a process committed and did not tell is told by another', async () => {
    const after = await bus.tail('forecasts');
    await publish(series(PRICES));
    const mute = { ...processor(), announcer: { announce: async () => {}, announcedOf: () => 0 } };
    await followPrices(mute);
    expect(await events(after)).toEqual([]);
    await announcer().catchUp(FORECASTS_FEED, 'prices');
    expect((await events(after)).map(({ models }) => models)).toEqual([expected(PRICES)]);
  });
});
