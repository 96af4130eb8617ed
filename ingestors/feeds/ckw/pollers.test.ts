import { afterEach, describe, expect, test } from 'vitest';
import { startOfDate } from '../../../domain/calendar.ts';
import { isBusbarError } from '../../../domain/errors.ts';
import { DAY_MS, HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import { readConfig } from '../../../runtime/config.ts';
import { type SkippingClock, skippingClock, sourcePartsOn } from '../../../tests/support/source-parts.ts';
import type { Fetched, Poller, SourceParts } from '../../feed.ts';
import { type Ckw, type CkwFault, type CkwOptions, startCkw } from '../../stand-ins/ckw.ts';
import { simulatedTariff } from '../../stand-ins/ckw-prices.ts';
import { createControlSignalsPoller } from './control-signals-poller.ts';
import { decodeControlSignals } from './decode-control-signals.ts';
import { decodePlantStatus } from './decode-plant-status.ts';
import { decodeTariffs } from './decode-tariffs.ts';
import { ckwPlantStatus, ckwTariffs } from './feed.ts';
import { createPlantStatusPoller } from './plant-status-poller.ts';
import { isTariffRequest, tariffRequests } from './requests.ts';
import { CKW_ENV, type CkwSettings } from './settings.ts';
import { createTariffsPoller } from './tariffs-poller.ts';

const at = (iso: string) => Date.parse(iso);
const never = new AbortController().signal;
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe('a poll of a tariff', () => {
  test('begins a day back, and brings what is published to the end of tomorrow', async () => {
    const { poller, ckw, clock } = await begin({ now: '2026-09-28T13:00+02:00' });
    const [fetched, ...more] = await all(poller, 'business_dynamic', undefined, clock.now());
    expect(more).toEqual([]);
    expect(fetched?.request).toBe(
      'netzinformationen/energie/dynamische-preise?tariff_name=business_dynamic&start_timestamp=2026-09-27T11:00:00Z&end_timestamp=2026-09-29T21:45:00Z',
    );
    const { facts } = decodeTariffs(fetched?.payload ?? { bytes: Buffer.alloc(0), name: '' });
    expect(facts).toHaveLength((11 + 24 + 24) * 4 * 4);
    for (const { tariffName, type, startAt, value, flags } of facts) {
      expect([tariffName, flags]).toEqual(['business_dynamic', []]);
      expect(value.toNumber()).toBe(simulatedTariff('business_dynamic', startAt)[type] / 10_000);
    }
    expect(iso(fetched?.next)).toBe('2026-09-29T22:00:00.000Z');
    expect(iso(fetched?.publishedAt)).toBe('2026-09-28T09:00:00.000Z');
    expect(ckw.requests.map(({ answer }) => answer)).toEqual([200]);
  });

  test('waits at the end of today until tomorrow is published, and asks for today again', async () => {
    const { poller, clock } = await begin({ now: '2026-09-28T10:00+02:00' });
    const [before] = await all(poller, 'home_dynamic', at('2026-09-28T00:00+02:00'), clock.now());
    expect(iso(before?.next)).toBe('2026-09-28T22:00:00.000Z');
    const [after] = await all(poller, 'home_dynamic', before?.next, at('2026-09-28T11:30+02:00'));
    expect(after?.request).toContain('start_timestamp=2026-09-27T22:00:00Z');
    expect(iso(after?.next)).toBe('2026-09-28T22:00:00.000Z');
    clock.advance(2 * HOUR_MS);
    const [published] = await all(poller, 'home_dynamic', before?.next, clock.now());
    expect(iso(published?.next)).toBe('2026-09-29T22:00:00.000Z');
  });

  test('after weeks of rest asks for a month at a time, no quarter hour twice', async () => {
    const { poller, clock } = await begin({ now: '2026-11-20T13:00+01:00' });
    const fetched = await all(poller, 'home_dynamic', at('2026-09-15T00:00+02:00'), clock.now());
    const starts = fetched.flatMap(({ payload }) =>
      decodeTariffs(payload).facts.flatMap(({ type, startAt }) => (type === 'grid' ? [startAt] : [])),
    );
    const from = at('2026-09-15T00:00+02:00');
    const quarters = (at('2026-11-22T00:00+01:00') - from) / (15 * MINUTE_MS);
    expect(starts).toEqual(Array.from({ length: quarters }, (_, place) => from + place * 15 * MINUTE_MS));
    expect(fetched).toHaveLength(3);
  });

  test('finds a correction of today', async () => {
    const { poller, ckw, clock } = await begin({ now: '2026-09-28T13:00+02:00' });
    const start = at('2026-09-28T18:00+02:00');
    const read = async (position: number | undefined) => {
      const [fetched] = await all(poller, 'home_dynamic', position, clock.now());
      const facts = fetched ? decodeTariffs(fetched.payload).facts : [];
      const price = facts.find(({ startAt, type }) => startAt === start && type === 'integrated');
      return { fetched, value: price?.value.toNumber() ?? 0 };
    };
    const first = await read(undefined);
    ckw.correct('home_dynamic', start, 25);
    const second = await read(first.fetched?.next);
    expect(Math.round((second.value - first.value) * 10_000)).toBe(25);
    expect(second.fetched?.publishedAt).toBeGreaterThan(first.fetched?.publishedAt ?? 0);
  });

  test.each<[string, CkwFault, number]>([
    ['a page with status 200', 'PAGE', 1],
    ['half an answer', 'TRUNCATED', 1],
    ['a failure', 'SERVER_ERROR', 1],
    ['a throttle', 'THROTTLED', 1],
    ['a connection that is cut', 'CUT', 1],
  ])('survives %s', async (_, fault, times) => {
    const { poller, ckw, clock } = await begin({ now: '2026-09-28T13:00+02:00' });
    ckw.failNext(fault, times);
    expect(await all(poller, 'home_dynamic', undefined, clock.now())).toHaveLength(1);
    expect(ckw.requests).toHaveLength(times + 1);
  });

  test.each<[string, CkwFault, string, string]>([
    ['a page', 'PAGE', 'SOURCE_FAILED', 'expected JSON, got "<html>'],
    ['half an answer', 'TRUNCATED', 'SOURCE_FAILED', 'expected JSON'],
    ['a refusal', { status: 400 }, 'SOURCE_REFUSED', 'status 400'],
  ])('ends with one clear line where %s is all that comes', async (_, fault, code, line) => {
    const { poller, ckw, clock } = await begin({ now: '2026-09-28T13:00+02:00' });
    ckw.failNext(fault, 3);
    const error = await all(poller, 'home_dynamic', undefined, clock.now()).catch((thrown: unknown) => thrown);
    expect(isBusbarError(error) && [error.code, error.message]).toEqual([code, expect.stringContaining(line)]);
  });

  test('stays within four requests of a window, over both tariffs', async () => {
    const { poller, ckw, clock } = await begin({ now: '2026-09-28T13:00+02:00' });
    for (let poll = 0; poll < 5; poll += 1) {
      await all(poller, 'home_dynamic', undefined, clock.now());
      await all(poller, 'business_dynamic', undefined, clock.now());
    }
    expect(ckw.requests).toHaveLength(10);
    expect(ckw.requests.every(({ answer }) => answer === 200)).toBe(true);
  });

  test('would be throttled without its spacing', async () => {
    const { poller, ckw, clock } = await begin({ now: '2026-09-28T13:00+02:00', env: { CKW_REQUEST_SPACING_MS: '0' } });
    const polls = async () => {
      for (let poll = 0; poll < 5; poll += 1) await all(poller, 'home_dynamic', undefined, clock.now());
    };
    await expect(polls()).rejects.toMatchObject({ code: 'THROTTLED' });
    expect(ckw.requests.filter(({ answer }) => answer === 200)).toHaveLength(4);
  });

  test('ends quietly when it is aborted, and when it is closed', async () => {
    const { poller, clock } = await begin({ now: '2026-11-20T13:00+01:00' });
    const ending = new AbortController();
    let count = 0;
    for await (const _ of poller.poll('home_dynamic', at('2026-08-01T00:00Z'), clock.now(), ending.signal)) {
      count += 1;
      ending.abort();
    }
    expect(count).toBe(1);
    await poller.close();
    expect(await all(poller, 'home_dynamic', undefined, clock.now())).toEqual([]);
  });
});

describe('a backfill of a tariff', () => {
  test.each([
    ['2026-03-29', '2026-03-30', 92],
    ['2026-10-25', '2026-10-26', 100],
  ])('of %s brings as many quarter hours as the day has', async (day, next, quarters) => {
    const { poller, settings } = await begin({ now: '2026-11-20T13:00+01:00' });
    const range = { from: dayStart(day), to: dayStart(next), nodes: undefined };
    const [chunk, ...more] =
      ckwTariffs.source.kind === 'poll' ? ckwTariffs.source.chunks(settings, 'home_dynamic', range, range.from) : [];
    expect(more).toEqual([]);
    const { payload } = await poller.fetch('home_dynamic', chunk?.request ?? '', never);
    const { facts } = decodeTariffs(payload);
    expect(new Set(facts.map(({ type, startAt }) => `${type} ${startAt}`)).size).toBe(quarters * 4);
    expect(facts).toHaveLength(quarters * 4);
  });

  test('is split into requests that stay within a month, whole quarter hours without overlap', () => {
    const range = { from: at('2026-08-20T10:05Z'), to: at('2026-12-01T00:00Z') };
    const chunks = tariffRequests('home_dynamic', range);
    expect(chunks.map(({ from }) => from)).toEqual([
      at('2026-08-20T10:00Z'),
      ...chunks.slice(0, -1).map(({ to }) => to),
    ]);
    expect(chunks.at(-1)?.to).toBe(range.to);
    for (const { from, to, request } of chunks) {
      expect(to - from).toBeLessThanOrEqual(30 * DAY_MS);
      expect(isTariffRequest('home_dynamic', request)).toBe(true);
      expect(isTariffRequest('business_dynamic', request)).toBe(false);
    }
  });

  test('refuses what is no tariff, no request of ours, or names nodes', async () => {
    const { poller, settings } = await begin({ now: '2026-09-28T13:00+02:00' });
    const { source } = ckwTariffs;
    if (source.kind !== 'poll') throw new TypeError('it is polled');
    const range = { from: 0, to: DAY_MS, nodes: undefined };
    expect(() => source.chunks(settings, 'garden_dynamic', range, range.from)).toThrow(
      'CKW has no tariff garden_dynamic',
    );
    expect(() => source.chunks(settings, 'home_dynamic', { ...range, nodes: ['PJM:X' as never] }, range.from)).toThrow(
      'no pricing nodes',
    );
    await expect(poller.fetch('home_dynamic', 'netzinformationen/strassenlampen', never)).rejects.toThrow(
      'no request to CKW',
    );
  });
});

describe('the endpoint for partners', () => {
  const tokens = { clientId: 'busbar', clientSecret: 'quite-secret', lifetimeMs: 3_600_000 };

  test('is asked with a token, and with another once that has ended', async () => {
    const { poller, clock } = await begin({ now: '2026-09-28T13:00+02:00', tokens, secret: 'quite-secret' });
    expect(await all(poller, 'home_dynamic', undefined, clock.now())).toHaveLength(1);
    clock.advance(2 * HOUR_MS);
    expect(await all(poller, 'home_dynamic', undefined, clock.now())).toHaveLength(1);
  });

  test('that refuses the client says so, without the secret', async () => {
    const { poller, clock } = await begin({ now: '2026-09-28T13:00+02:00', tokens, secret: 'wrong-secret' });
    const error = await all(poller, 'home_dynamic', undefined, clock.now()).catch((thrown: unknown) => thrown);
    expect(isBusbarError(error, 'SOURCE_REFUSED')).toBe(true);
    expect(JSON.stringify([String(error), error])).not.toContain('wrong-secret');
  });

  test('needs a client', async () => {
    await expect(
      begin({ now: '2026-09-28T13:00+02:00', env: { CKW_TOKEN_URL: 'https://ckw.example/token' } }),
    ).rejects.toThrow('CKW_CLIENT_ID');
  });
});

describe('a poll of a plant', () => {
  test('brings how it is', async () => {
    const { ckw, clock, settings, parts } = await begin({ now: '2026-09-28T13:02+02:00' });
    const poller = opened(createPlantStatusPoller(settings, parts));
    const [fetched] = await all(poller, 'lutersarni', undefined, clock.now());
    expect(decodePlantStatus(fetched?.payload ?? { bytes: Buffer.alloc(0), name: '' }).facts).toMatchObject([
      { plant: 'lutersarni', at: at('2026-09-28T13:00+02:00'), voltageKv: 20.697998 },
    ]);
    expect(ckw.requests.map(({ path }) => path)).toEqual(['/api/v1/netzinformationen/kraftwerke/lutersarni/live']);
  });

  test('has no history to backfill', async () => {
    const { settings } = await begin({ now: '2026-09-28T13:02+02:00' });
    const { source } = ckwPlantStatus;
    if (source.kind !== 'poll') throw new TypeError('it is polled');
    expect(() => source.chunks(settings, 'lutersarni', { from: 0, to: 1, nodes: undefined }, 0)).toThrow(
      'only how a plant is now',
    );
  });
});

describe('a poll of control signals', () => {
  test('asks day by day to the end of yesterday, and passes a Sunday without any once Monday has ended', async () => {
    const { clock, settings, parts } = await begin({ now: '2026-09-28T13:00+02:00' });
    const poller = opened(createControlSignalsPoller(settings, parts));
    const days = await all(poller, 'TRA', dayStart('2026-09-25'), clock.now());
    expect(days.map(({ payload, next }) => [payload.name, iso(next)])).toEqual([
      ['TRA 2026-09-25', '2026-09-25T22:00:00.000Z'],
      ['TRA 2026-09-26', '2026-09-26T22:00:00.000Z'],
    ]);
    expect(days.flatMap(({ payload }) => decodeControlSignals(payload).facts)).toHaveLength(4);
    clock.advance(DAY_MS);
    const later = await all(poller, 'TRA', days.at(-1)?.next, clock.now());
    expect(later.map(({ payload, next }) => [payload.name, iso(next)])).toEqual([
      ['TRA 2026-09-27', '2026-09-27T22:00:00.000Z'],
      ['TRA 2026-09-28', '2026-09-28T22:00:00.000Z'],
    ]);
  });
});

interface Beginning extends Pick<CkwOptions, 'tokens'> {
  readonly now: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly secret?: string;
}

interface Begun {
  readonly clock: SkippingClock;
  readonly ckw: Ckw;
  readonly poller: Poller;
  readonly settings: CkwSettings;
  readonly parts: SourceParts;
}

async function begin({ now, env = {}, tokens, secret }: Beginning): Promise<Begun> {
  const clock = skippingClock(at(now));
  const ckw = await startCkw({ now: clock.now, ...(tokens && { tokens }) });
  cleanups.push(() => ckw.close());
  const login = secret && { CKW_TOKEN_URL: ckw.tokenUrl, CKW_CLIENT_ID: 'busbar', CKW_CLIENT_SECRET: secret };
  const settings = readConfig({ CKW_URL: ckw.url, ...login, ...env }, [CKW_ENV]).settings(CKW_ENV);
  const parts = sourcePartsOn(clock);
  return { clock, ckw, settings, parts, poller: opened(createTariffsPoller(settings, parts)) };
}

function opened(poller: Poller): Poller {
  cleanups.push(() => poller.close());
  return poller;
}

async function all(poller: Poller, partition: string, position: number | undefined, now: number): Promise<Fetched[]> {
  const fetched: Fetched[] = [];
  for await (const each of poller.poll(partition, position, now, never)) fetched.push(each);
  return fetched;
}

function dayStart(day: string): number {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  return startOfDate('Europe/Zurich', { year, month, day: date });
}

function iso(instant: number | undefined): string | undefined {
  return instant === undefined ? undefined : isoFromInstant(instant);
}
