/** From the utility's answer to ours: recorded and simulated days through the pipeline, asked for by GraphQL. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOfDay } from '../domain/calendar.ts';
import { DAY_MS, HOUR_MS, isoFromInstant, MINUTE_MS } from '../domain/instant.ts';
import { readPlantHistory } from '../gateway/reads/plant-status.ts';
import { readTariffs } from '../gateway/reads/tariffs.ts';
import { createUtilityReads } from '../gateway/reads/utility.ts';
import type { Feed } from '../ingestors/feed.ts';
import { ckwControlSignals, ckwPlantStatus, ckwTariffs } from '../ingestors/feeds/ckw/feed.ts';
import { ingestFile } from '../ingestors/ingest-file.ts';
import { createPipeline } from '../ingestors/pipeline/pipeline.ts';
import { createRollups } from '../ingestors/pipeline/rollups.ts';
import { unowned } from '../ingestors/pipeline/store/positions.ts';
import { type Ckw, startCkw } from '../ingestors/stand-ins/ckw.ts';
import { simulatedTariff } from '../ingestors/stand-ins/ckw-prices.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { freshDatabase, type TestDatabase } from './support/postgres.ts';
import { RECORDED_DATA, requireOrSkip } from './support/services.ts';
import { type StoreGateway, startStoreGateway, statementsDuring } from './support/store-gateway.ts';
import { startTimescale } from './support/timescale.ts';

const ZURICH = 'Europe/Zurich';
const NOW = Date.parse('2026-10-27T12:00:00+01:00');
const PATHS = 'netzinformationen/energie/dynamische-preise';

let db: TestDatabase;
let gateway: StoreGateway;
let ckw: Ckw;
let now = NOW;

beforeAll(async () => {
  db = await freshDatabase();
  gateway = await startStoreGateway({ db, clock: () => now });
  ckw = await startCkw({ now: () => now, limit: { requests: 1_000, windowMs: DAY_MS } });
  for (const name of ['home_dynamic', 'business_dynamic']) {
    for (const day of ['2026-03-29', '2026-10-24', '2026-10-25', '2026-10-26']) await bring(db, name, day);
  }
});
afterAll(async () => {
  await ckw.close();
  await gateway.close();
  await db.drop();
});

describe('tariffs', () => {
  const ASKED = `query ($from: DateTime!, $to: DateTime!, $name: String, $type: TariffType, $asOf: DateTime) {
    tariffs(from: $from, to: $to, tariffName: $name, type: $type, asOf: $asOf) {
      provider tariffName type start end value valueExact unit quality revision publishedAt ledgerEntry { feed request } } }`;
  const ask = async (day: string, more: object = {}) =>
    (await gateway.answer(ASKED, { ...rangeOf(day), ...more })).tariffs;

  it.each([
    ['2026-03-29', 92],
    ['2026-10-24', 96],
    ['2026-10-25', 100],
  ])('of %s are as many quarter hours as the day has, one after the other', async (day, quarters) => {
    const prices = await ask(day, { name: 'home_dynamic', type: 'INTEGRATED' });
    expect(prices).toHaveLength(quarters);
    let expected: string = rangeOf(day).from;
    for (const { start, end, value } of prices) {
      expect(start).toBe(expected);
      expect(Date.parse(end) - Date.parse(start)).toBe(15 * MINUTE_MS);
      expect(value).toBe(simulatedTariff('home_dynamic', Date.parse(start)).integrated / 10_000);
      expected = end;
    }
    expect(expected).toBe(rangeOf(day).to);
  });

  it('are every tariff and part where none is named, and say where they came from', async () => {
    const prices = await ask('2026-10-24');
    expect(prices).toHaveLength(96 * 2 * 4);
    expect(prices.slice(0, 8).map(({ tariffName, type }: Record<string, string>) => `${tariffName} ${type}`)).toEqual(
      ['business_dynamic', 'home_dynamic'].flatMap((name) =>
        ['GRID', 'ELECTRICITY', 'INTEGRATED', 'GRID_USAGE'].map((type) => `${name} ${type}`),
      ),
    );
    expect(prices[0]).toMatchObject({
      provider: 'CKW',
      unit: 'CHF_kWh',
      quality: [],
      revision: 1,
      publishedAt: '2026-10-23T09:00:00.000Z',
      ledgerEntry: { feed: 'ckw-tariffs', request: 'business_dynamic 2026-10-24' },
    });
  });

  it('are asked for in as many statements however many there are', async () => {
    const few = await statementsDuring(db, () => ask('2026-10-24', { name: 'home_dynamic', type: 'GRID' }));
    const many = await statementsDuring(db, () => ask('2026-10-25'));
    expect(many).toBe(few);
  });

  it('keep what a correction superseded', async () => {
    const start = Date.parse(rangeOf('2026-10-26').from) + 18 * HOUR_MS;
    const asked = { name: 'home_dynamic', type: 'INTEGRATED' };
    const before = (await ask('2026-10-26', asked))[72];
    now = NOW + HOUR_MS;
    ckw.correct('home_dynamic', start, 25);
    expect(await bring(db, 'home_dynamic', '2026-10-26')).toMatchObject({
      written: 0,
      revised: 3,
      unchanged: 96 * 4 - 3,
    });
    const after = (await ask('2026-10-26', asked))[72];
    expect([after.revision, Math.round((after.value - before.value) * 1e4)]).toEqual([2, 25]);
    const then = await ask('2026-10-26', { ...asked, asOf: isoFromInstant(NOW + 1) });
    expect(then[72]).toEqual(before);
    expect(then).toHaveLength(96);
    expect(await ask('2026-10-26', { ...asked, asOf: isoFromInstant(NOW - 1) })).toEqual([]);
    now = NOW;
  });

  it('are refused where the range is empty, or too many', async () => {
    const { errors } = await gateway.ask(ASKED, { from: isoFromInstant(NOW), to: isoFromInstant(NOW) });
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    const all = { provider: 'CKW', from: 0, to: NOW };
    await expect(readTariffs(db.pool, all, 10)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});

describe('a comparison of tariffs', () => {
  const ASKED = `query ($from: DateTime!, $to: DateTime!, $other: String, $hours: Int) {
    tariffComparison(from: $from, to: $to, other: $other, cheapestHours: $hours) {
      provider type from to
      base { ...summary } other { ...summary } difference { count average min max cheaperShare } } }
    fragment summary on TariffSummary { tariffName count average min max cheapestHours { start end average } }`;

  it('is what the prices themselves give, on a day of 25 hours', async () => {
    const range = rangeOf('2026-10-25');
    const { tariffComparison } = await gateway.answer(ASKED, { ...range, hours: 25 });
    const starts = Array.from({ length: 100 }, (_, place) => Date.parse(range.from) + place * 15 * MINUTE_MS);
    const values = (name: string) => starts.map((start) => simulatedTariff(name, start).integrated / 10_000);
    const home = values('home_dynamic');
    const business = values('business_dynamic');
    const differences = business.map((value, place) => value - (home[place] ?? 0));
    for (const [summary, name, expected] of [
      [tariffComparison.base, 'home_dynamic', home],
      [tariffComparison.other, 'business_dynamic', business],
    ] as const) {
      const hours = Array.from({ length: 25 }, (_, hour) => ({
        start: isoFromInstant(Date.parse(range.from) + hour * HOUR_MS),
        end: isoFromInstant(Date.parse(range.from) + (hour + 1) * HOUR_MS),
        average: expect.closeTo(mean(expected.slice(hour * 4, hour * 4 + 4)), 9),
        place: mean(expected.slice(hour * 4, hour * 4 + 4)).toFixed(9),
      }));
      hours.sort((one, two) => one.place.localeCompare(two.place) || one.start.localeCompare(two.start));
      expect(summary).toEqual({
        tariffName: name,
        count: 100,
        average: expect.closeTo(mean(expected), 9),
        min: Math.min(...expected),
        max: Math.max(...expected),
        cheapestHours: hours.map(({ place: _, ...hour }) => hour),
      });
    }
    expect(tariffComparison.difference).toEqual({
      count: 100,
      average: expect.closeTo(mean(differences), 9),
      min: expect.closeTo(Math.min(...differences), 9),
      max: expect.closeTo(Math.max(...differences), 9),
      cheaperShare: 1,
    });
  });

  it('counts no hour of which a quarter is missing', async () => {
    const from = Date.parse(rangeOf('2026-10-24').from) + 15 * MINUTE_MS;
    const range = { from: isoFromInstant(from), to: isoFromInstant(from + 2 * HOUR_MS) };
    const { tariffComparison } = await gateway.answer(ASKED, { ...range, hours: 10 });
    expect(tariffComparison.base.count).toBe(8);
    expect(tariffComparison.base.cheapestHours).toMatchObject([{ start: isoFromInstant(from + 45 * MINUTE_MS) }]);
  });

  it('has nulls where there is nothing to compare', async () => {
    const range = rangeOf('2026-10-24');
    const alone = await gateway.answer(ASKED, { ...range, other: 'garden_dynamic', hours: 0 });
    expect(alone.tariffComparison).toMatchObject({
      base: { count: 96, cheapestHours: [] },
      other: null,
      difference: null,
    });
    const nothing = await gateway.answer(ASKED, rangeOf('2026-05-05'));
    expect(nothing.tariffComparison).toMatchObject({ base: null, other: null, difference: null });
  });

  it.each([
    ['a tariff with itself', { other: 'home_dynamic' }, 'BAD_USER_INPUT'],
    ['more hours than there may be', { hours: 101 }, 'BAD_USER_INPUT'],
    ['decades', { from: '1998-01-01T00:00:00Z' }, 'LIMIT_EXCEEDED'],
  ])('is refused for %s', async (_, more, code) => {
    const { errors } = await gateway.ask(ASKED, { ...rangeOf('2026-10-24'), ...more });
    expect(errors?.[0]?.extensions.code).toBe(code);
  });
});

describe('plants', () => {
  const READING = 'plant at state rawState voltageKv activeMw reactiveMvar windKmh revision ledgerEntry { id }';
  beforeAll(async () => {
    for (const minutes of [0, 10, 20]) {
      now = NOW + minutes * MINUTE_MS;
      await ingest(db, ckwPlantStatus, 'lutersarni', await asked('netzinformationen/kraftwerke/lutersarni/live'), now);
    }
    now = NOW;
  });

  it('say how they were last, and how they were', async () => {
    const { plantHistory } = await gateway.answer(
      `query ($from: DateTime!, $to: DateTime!) { plantHistory(from: $from, to: $to) { ${READING} } }`,
      { from: isoFromInstant(NOW), to: isoFromInstant(NOW + 20 * MINUTE_MS) },
    );
    expect(plantHistory.map(({ at }: { at: string }) => at)).toEqual([NOW, NOW + 10 * MINUTE_MS].map(isoFromInstant));
    const { plantStatus, named, unknown } = await gateway.answer(
      `{ plantStatus { ${READING} } named: plantStatus(plant: "lutersarni") { at } unknown: plantStatus(plant: "x") { at } }`,
    );
    expect(plantStatus).toMatchObject([
      { plant: 'lutersarni', at: isoFromInstant(NOW + 20 * MINUTE_MS), voltageKv: 20.697998, reactiveMvar: -0.02 },
    ]);
    expect(named).toEqual([{ at: plantStatus[0].at }]);
    expect(unknown).toEqual([]);
  });

  it('have a limit for one answer', async () => {
    const all = { plant: 'lutersarni', from: 0, to: NOW + DAY_MS };
    await expect(readPlantHistory(db.pool, all, 2)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});

describe('control signals', () => {
  const ASKED = `query ($date: String) { controlSignals(date: $date) { name description date start end revision } }`;
  beforeAll(async () => {
    for (const day of ['2026-10-23', '2026-10-24']) {
      await ingest(db, ckwControlSignals, `TRA ${day}`, await asked(`netzinformationen/trasignale/${day}`), NOW);
    }
  });

  it('are those of a day, and of the last one that has any', async () => {
    const { controlSignals } = await gateway.answer(ASKED, { date: '2026-10-23' });
    expect(controlSignals).toEqual([
      {
        name: '001R',
        description: 'Boiler 4 h 1',
        date: '2026-10-23',
        start: '2026-10-23T00:23:00.000Z',
        end: '2026-10-23T04:28:00.000Z',
        revision: 1,
      },
      {
        name: '000R',
        description: 'Boiler 4 h',
        date: '2026-10-23',
        start: '2026-10-23T01:25:00.000Z',
        end: '2026-10-23T04:56:00.000Z',
        revision: 1,
      },
    ]);
    const last = await gateway.answer(ASKED);
    expect(last.controlSignals.map(({ date }: { date: string }) => date)).toEqual(['2026-10-24', '2026-10-24']);
    expect((await gateway.answer(ASKED, { date: '2026-10-01' })).controlSignals).toEqual([]);
  });

  it.each(['2026-02-30', '23.10.2026', '2026-10-23T00:00:00Z', ''])(
    'are refused for "%s", which is no day',
    async (date) => {
      const { errors } = await gateway.ask(ASKED, { date });
      expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    },
  );
});

describe.skipIf(!requireOrSkip('recorded-data'))('the recorded day', () => {
  it('is in our answer what it is in the file', async () => {
    const path = join(RECORDED_DATA, 'ckw/dynamische-preise_2026-09-28.json');
    const outcome = await ingestFile(ckwTariffs, { path, now: NOW }, pipelineOf(db.pool));
    expect(outcome).toMatchObject({ rowsIn: 384, written: 384, rejected: 0 });
    const recorded = JSON.parse(readFileSync(path, 'utf8'));
    const { tariffs } = await gateway.answer(
      `{ tariffs(type: INTEGRATED, tariffName: "home_dynamic", from: "2026-09-27T22:00:00Z", to: "2026-09-28T22:00:00Z") { start end value quality publishedAt } }`,
    );
    expect(tariffs).toEqual(
      recorded.prices.map((slot: Record<string, string> & { integrated: { value: number }[] }) => ({
        start: new Date(slot.start_timestamp ?? '').toISOString(),
        end: new Date(slot.end_timestamp ?? '').toISOString(),
        value: slot.integrated[0]?.value,
        quality: [],
        publishedAt: '2026-09-27T09:19:17.128Z',
      })),
    );
  });
});

describe.skipIf(!requireOrSkip('timescale'))('on TimescaleDB', () => {
  it('the facts are hypertables that keep what is superseded, and answer the same', async () => {
    const timescale = await startTimescale();
    try {
      const reads = createUtilityReads(timescale.pool);
      const day = rangeOf('2026-10-26');
      const bytes = await asked(requestOf('home_dynamic', '2026-10-26'));
      await ingest(timescale, ckwTariffs, 'home_dynamic', bytes, NOW - HOUR_MS);
      const dearer = Buffer.from(
        bytes.toString().replace(/"grid":\[\{"unit":"CHF_kWh","value":([\d.]+)/, '"grid":[{"unit":"CHF_kWh","value":1'),
      );
      expect(await ingest(timescale, ckwTariffs, 'home_dynamic', dearer, NOW)).toMatchObject({ revised: 1 });
      const range = { from: Date.parse(day.from), to: Date.parse(day.to) };
      const prices = await reads.tariffs({ provider: 'CKW', type: 'grid', ...range });
      expect(prices).toHaveLength(96);
      expect(prices[0]).toMatchObject({ value: '1', revision: 2 });
      const hypertables = await timescale.pool.query(
        `SELECT hypertable_name::text AS name FROM timescaledb_information.hypertables
         WHERE hypertable_name ~ '^(energy_prices|plant_status)' ORDER BY 1`,
      );
      expect(hypertables.rows.map(({ name }) => name)).toEqual([
        'energy_prices',
        'energy_prices_revision',
        'plant_status',
        'plant_status_revision',
      ]);
      const { rows } = await timescale.pool.query('SELECT count(*)::int AS count FROM energy_prices_revision');
      expect(rows).toEqual([{ count: 1 }]);
    } finally {
      await timescale.stop();
    }
  });
});

/** A day as the stand-in has it, into the store. */
async function bring(store: { readonly pool: TestDatabase['pool'] }, name: string, day: string) {
  const bytes = await asked(requestOf(name, day));
  const publishedAt = (await ckwTariffs.publishedAt?.({ bytes, name })) ?? now;
  return ingest(store, ckwTariffs, `${name} ${day}`, bytes, publishedAt);
}

function requestOf(name: string, day: string): string {
  const { from, to } = rangeOf(day);
  const last = isoFromInstant(Date.parse(to) - 15 * MINUTE_MS);
  return `${PATHS}?tariff_name=${name}&start_timestamp=${from}&end_timestamp=${last}`;
}

async function asked(request: string): Promise<Buffer> {
  const response = await fetch(`${ckw.url}/${request}`);
  return Buffer.from(await response.arrayBuffer());
}

async function ingest(
  { pool }: { readonly pool: TestDatabase['pool'] },
  feed: Feed,
  name: string,
  bytes: Buffer,
  publishedAt: number,
) {
  const items = [{ payload: { bytes, name }, publishedAt, publishedSeq: 0 }];
  const unit = { kind: 'FILE', next: undefined, request: name, items, lag: null } as const;
  return pipelineOf(pool).ingest(feed, unowned(feed.id, 'file'), unit);
}

function pipelineOf(pool: TestDatabase['pool']) {
  const log = pino({ level: 'silent' });
  const clock = () => now;
  const rollups = createRollups({ pool, log, clock });
  return createPipeline({ pool, announcer: undefined, rollups, keepRaw: false, metrics: createMetrics(), log, clock });
}

/** A day of Zurich. */
function rangeOf(day: string) {
  const noon = Date.parse(`${day}T12:00:00Z`);
  return { from: isoFromInstant(startOfDay(ZURICH, noon)), to: isoFromInstant(startOfDay(ZURICH, noon, 1)) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
