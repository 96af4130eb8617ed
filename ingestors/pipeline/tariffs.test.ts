import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isoFromInstant, MINUTE_MS } from '../../domain/instant.ts';
import { createRingBus } from '../../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import type { Feed } from '../feed.ts';
import { ckwControlSignals, ckwPlantStatus, ckwTariffs } from '../feeds/ckw/feed.ts';
import { createAnnouncer } from './announcer.ts';
import { archivesOf } from './families/families.ts';
import { createPipeline } from './pipeline.ts';
import { createRollups } from './rollups.ts';
import type { UnitKind } from './store/ledger.ts';
import { claimPartition } from './store/positions.ts';

const log = pino({ level: 'silent' });
const NOW = Date.parse('2026-09-28T12:00:00Z');
const START = Date.parse('2026-09-27T22:00:00Z');
const clock = () => NOW;

describe('facts without a pricing node', () => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await freshDatabase();
  });
  afterEach(() => db.drop());

  const pipeline = () =>
    createPipeline({
      pool: db.pool,
      announcer: undefined,
      rollups: createRollups({ pool: db.pool, log, clock }),
      keepRaw: false,
      metrics: createMetrics(),
      log,
      clock,
    });
  const ingest = async (feed: Feed, name: string, answer: unknown, publishedAt: string, kind: UnitKind = 'FETCH') => {
    const claim = await claimPartition(db.pool, feed.id, name, 'test');
    const bytes = Buffer.from(JSON.stringify(answer));
    const items = [{ payload: { bytes, name }, publishedAt: Date.parse(publishedAt), publishedSeq: 0 }];
    return pipeline().ingest(feed, claim, { kind, next: NOW, request: name, items, lag: null });
  };
  const tariffs = (values: readonly (number | null)[], publishedAt: string, kind: UnitKind = 'FETCH') =>
    ingest(ckwTariffs, 'home_dynamic', answerOf(values, publishedAt), publishedAt, kind);
  const stored = async (table: string) =>
    (
      await db.pool.query(
        `SELECT tariff_name, tariff_type, interval_start AS start, value::text, unit, revision, published_at AS published
         FROM ${table} ORDER BY interval_start, tariff_type, revision`,
      )
    ).rows.map(({ start, published, ...row }) => [
      row.tariff_name,
      row.tariff_type,
      start.toISOString(),
      row.value,
      row.unit,
      row.revision,
      published.toISOString(),
    ]);
  const row = (place: number, value: string, revision: number, published: string) => [
    'home_dynamic',
    'grid',
    isoFromInstant(START + place * 15 * MINUTE_MS),
    value,
    'CHF_kWh',
    revision,
    isoFromInstant(Date.parse(published)),
  ];

  const FIRST = '2026-09-27T11:00:00Z';
  const LATER = '2026-09-28T07:00:00Z';

  it('are stored, with what they came from', async () => {
    const outcome = await tariffs([0.1, -0.02], FIRST);
    expect(outcome).toMatchObject({ rowsIn: 2, written: 2, revised: 0, unchanged: 0, rejected: 0 });
    expect(await stored('energy_prices')).toEqual([row(0, '0.1', 1, FIRST), row(1, '-0.02', 1, FIRST)]);
    const { rows } = await db.pool.query(
      `SELECT e.event_from AS "from", e.event_to AS "to", p.watermark FROM energy_prices t
       JOIN ledger_entry e ON e.id = t.ledger_id JOIN feed_position p ON p.feed_id = e.feed_id LIMIT 1`,
    );
    const end = new Date(START + 30 * MINUTE_MS);
    expect(rows).toEqual([{ from: new Date(START), to: end, watermark: end }]);
  });

  it('are superseded by a newer publication, and what it superseded stays', async () => {
    await tariffs([0.1, 0.2], FIRST);
    expect(await tariffs([0.1, 0.25], LATER)).toMatchObject({ written: 0, revised: 1, unchanged: 1 });
    expect(await stored('energy_prices')).toEqual([row(0, '0.1', 1, FIRST), row(1, '0.25', 2, LATER)]);
    expect(await stored('energy_prices_revision')).toEqual([row(1, '0.2', 1, FIRST)]);
  });

  it('are confirmed by a repeat, after which nothing from before can win', async () => {
    const between = '2026-09-27T18:00:00Z';
    await tariffs([0.1], FIRST);
    expect(await tariffs([0.1], LATER)).toMatchObject({ written: 0, revised: 0, unchanged: 1 });
    expect(await tariffs([0.3], between)).toMatchObject({ written: 0, revised: 0, unchanged: 1 });
    expect(await stored('energy_prices')).toEqual([row(0, '0.1', 1, FIRST)]);
    expect(await stored('energy_prices_revision')).toEqual([row(0, '0.3', 0, between)]);
  });

  it('that come late are kept once, and not at all in a replay', async () => {
    await tariffs([0.2], LATER);
    await tariffs([0.1], FIRST, 'REPLAY');
    expect(await stored('energy_prices_revision')).toEqual([]);
    await tariffs([0.1], FIRST, 'BATCH');
    await tariffs([0.1], FIRST, 'BATCH');
    expect(await stored('energy_prices_revision')).toEqual([row(0, '0.1', 0, FIRST)]);
    expect(await stored('energy_prices')).toEqual([row(0, '0.2', 1, LATER)]);
  });

  it('that come twice in one unit are written once, and a later version among them supersedes', async () => {
    const claim = await claimPartition(db.pool, ckwTariffs.id, 'home_dynamic', 'test');
    const item = (value: number, publishedAt: string) => ({
      payload: { bytes: Buffer.from(JSON.stringify(answerOf([value], publishedAt))), name: 'home_dynamic' },
      publishedAt: Date.parse(publishedAt),
      publishedSeq: 0,
    });
    const items = [item(0.1, FIRST), item(0.1, FIRST), item(0.2, LATER), item(0.2, LATER)];
    const outcome = await pipeline().ingest(ckwTariffs, claim, {
      kind: 'BATCH',
      next: 1,
      request: null,
      items,
      lag: null,
    });
    expect(outcome).toMatchObject({ rowsIn: 4, written: 1, revised: 1, unchanged: 2 });
    expect(await stored('energy_prices_revision')).toEqual([row(0, '0.1', 1, FIRST)]);
  });

  it('leave what is impossible to the dead letters, each by itself', async () => {
    const outcome = await tariffs([0.1, null, 4_000], FIRST);
    expect(outcome).toMatchObject({ rowsIn: 3, written: 1, rejected: 2 });
    const { rows } = await db.pool.query('SELECT code, form, reason FROM dead_letter ORDER BY id');
    expect(rows).toEqual([
      { code: 'MISSING_FIELD', form: 'PAYLOAD', reason: 'grid: expected a price, got none' },
      { code: 'BAD_VALUE', form: 'FACT', reason: expect.stringContaining('4000 is not a price') },
    ]);
  });

  it.each([
    ['from another century', '1970-01-01T00:00:00Z', FIRST],
    ['of next month', '2026-11-01T00:00:00Z', FIRST],
    ['published tomorrow', '2026-09-28T00:00:00Z', '2026-10-01T00:00:00Z'],
  ])('are refused where they are %s', async (_, start, published) => {
    const answer = answerOf([0.1], published, Date.parse(start));
    const outcome = await ingest(ckwTariffs, 'home_dynamic', answer, published);
    expect(outcome).toMatchObject({ written: 0, rejected: 1 });
    expect((await db.pool.query('SELECT code FROM dead_letter')).rows).toEqual([{ code: 'BAD_TIME' }]);
  });

  it('are counted as announced, although they are told to nobody', async () => {
    const bus = createRingBus({ window: { entriesMax: 10, ageMsMax: 3_600_000 }, clock });
    const feed = ckwTariffs;
    await tariffs([0.1], FIRST);
    const announcer = createAnnouncer({
      bus,
      pool: db.pool,
      archiveOf: archivesOf([feed]),
      metrics: createMetrics(),
      log,
    });
    await announcer.catchUp(feed.id, 'home_dynamic');
    const { rows } = await db.pool.query(
      'SELECT last_ledger_id AS last, announced_ledger_id AS announced FROM feed_position',
    );
    expect(rows[0].last).toBeGreaterThan(0);
    expect(rows[0].announced).toBe(rows[0].last);
    await bus.close();
  });

  it('may be the status of a plant, whose second account of an instant supersedes the first', async () => {
    const status = (wirkleistung: string, publishedAt: string) =>
      ingest(
        ckwPlantStatus,
        'lutersarni',
        { zeitstempel: '2026-09-28T13:00+02:00', betriebsstatus: 'in Betrieb', wirkleistung, spannung: null },
        publishedAt,
      );
    expect(await status('0.5', FIRST)).toMatchObject({ written: 1 });
    expect(await status('0.75', LATER)).toMatchObject({ revised: 1 });
    const columns = 'plant, at, state, raw_state, voltage_kv, active_mw, revision';
    const read = async (table: string) => (await db.pool.query(`SELECT ${columns} FROM ${table}`)).rows;
    const reading = {
      plant: 'lutersarni',
      at: new Date('2026-09-28T11:00:00Z'),
      state: 'RUNNING',
      raw_state: 'in Betrieb',
    };
    expect(await read('plant_status')).toEqual([{ ...reading, voltage_kv: null, active_mw: 0.75, revision: 2 }]);
    expect(await read('plant_status_revision')).toEqual([
      { ...reading, voltage_kv: null, active_mw: 0.5, revision: 1 },
    ]);
  });

  it('may be control signals, whose end may be corrected', async () => {
    const signals = (End: string, publishedAt: string) =>
      ingest(
        ckwControlSignals,
        'TRA 2026-09-26',
        [{ Name: '000R', Description: 'Boiler 4 h', Date: '2026-09-26', Start: '2026-09-26T03:25:00+02:00', End }],
        publishedAt,
      );
    await signals('2026-09-26T06:56:00+02:00', FIRST);
    expect(await signals('2026-09-26T07:00:00+02:00', LATER)).toMatchObject({ revised: 1 });
    const read = async (table: string) =>
      (await db.pool.query(`SELECT name, description, date::text, interval_end AS "end", revision FROM ${table}`)).rows;
    const signal = { name: '000R', description: 'Boiler 4 h', date: '2026-09-26' };
    expect(await read('control_signals')).toEqual([{ ...signal, end: new Date('2026-09-26T05:00:00Z'), revision: 2 }]);
    expect(await read('control_signals_revision')).toEqual([
      { ...signal, end: new Date('2026-09-26T04:56:00Z'), revision: 1 },
    ]);
  });
});

function answerOf(values: readonly (number | null)[], published: string, start = START) {
  const prices = values.map((value, place) => ({
    start_timestamp: isoFromInstant(start + place * 15 * MINUTE_MS),
    end_timestamp: isoFromInstant(start + (place + 1) * 15 * MINUTE_MS),
    grid: [{ unit: 'CHF_kWh', value }],
  }));
  return { publication_timestamp: published, prices };
}
