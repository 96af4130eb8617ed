import { Ajv2020 } from 'ajv/dist/2020.js';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addPrice, type ForecastState, forecastsOf } from '../../../domain/forecast.ts';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import type { ForecastEvent, LiveBus } from '../../../runtime/live-bus/live-bus.ts';
import { createRingBus } from '../../../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../../../runtime/metrics.ts';
import { FORECASTS_SCHEMA } from '../../../schema/events/forecasts.ts';
import { freshDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { silentPipeline } from '../../../tests/support/silent-pipeline.ts';
import type { Feed } from '../../feed.ts';
import { JSON_TOPIC_FEEDS } from '../../feeds/json-topics/feed.ts';
import { createAnnouncer } from '../../pipeline/announcer.ts';
import { archivesOf } from '../../pipeline/families/families.ts';
import { unowned } from '../../pipeline/store/positions.ts';
import { FORECASTS_FEED, followPrices } from './forecast-prices.ts';
import { publishForecasts } from './publish-forecasts.ts';

const log = pino({ level: 'silent' });
const FROM = Date.UTC(2026, 0, 9);
const clock = () => FROM + 12 * HOUR_MS;
const realtime = JSON_TOPIC_FEEDS.find(({ id }) => id === 'realtime_prices') as Feed;

describe('forecasts follow prices', () => {
  let db: TestDatabase;
  let bus: LiveBus;
  beforeEach(async () => {
    db = await freshDatabase();
    bus = createRingBus({ window: { entriesMax: 1_000, ageMsMax: HOUR_MS }, clock });
  });
  afterEach(async () => {
    await bus.close();
    await db.drop();
  });

  const announcer = () =>
    createAnnouncer({ bus, pool: db.pool, archiveOf: archivesOf([realtime]), metrics: createMetrics(), log });
  const processor = () => ({ pool: db.pool, announcer: announcer(), clock, feeds: [realtime.id], log });
  /** Prices of 5-minute intervals, by their number. */
  const publish = (prices: Readonly<Record<number, number>>, hub = 'PJM-WEST') => {
    const records = Object.entries(prices).map(([interval, lmp_rt]) =>
      JSON.stringify({ ts: isoFromInstant(FROM + Number(interval) * 5 * MINUTE_MS), hub, lmp_rt }),
    );
    published += 1;
    return silentPipeline(db.pool, clock).ingest(realtime, unowned(realtime.id, 'test'), {
      kind: 'FILE',
      next: undefined,
      request: null,
      items: records.map((record) => ({
        payload: { bytes: Buffer.from(record), name: realtime.id },
        publishedAt: FROM + published,
        publishedSeq: 0,
      })),
      lag: null,
    });
  };
  let published = 0;
  const series = (prices: readonly number[]) => Object.fromEntries(prices.map((price, place) => [place, price]));
  const expected = (prices: readonly number[]) => {
    let state: ForecastState | undefined;
    for (const [place, price] of prices.entries()) state = addPrice(state, price, FROM + place * 5 * MINUTE_MS);
    return forecastsOf(state ?? expect.unreachable());
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
    await publish({ 3: late ?? 0, 5: 99 });
    expect(await followPrices(processor())).toBe('all');
    expect(await followPrices(processor())).toBe('nothing');
    const { rows } = await db.pool.query('SELECT count(*)::int AS entries FROM ledger_entry WHERE feed_id = $1', [
      FORECASTS_FEED,
    ]);
    expect(rows[0]?.entries).toBe(1);
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
