import { afterEach, describe, expect, test } from 'vitest';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import { checkIdentity, type LmpFact } from '../../../domain/lmp.ts';
import { readConfig } from '../../../runtime/config.ts';
import { skippingClock, sourcePartsOn } from '../../../tests/support/source-parts.ts';
import type { Fetched, Poller } from '../../feed.ts';
import { createReportPoller } from '../../sources/report-poller.ts';
import { type Spp, type SppFault, type SppOptions, startSpp } from '../../stand-ins/spp.ts';
import { simulatedSppPrices } from '../../stand-ins/spp-files.ts';
import { decodeSppLmp } from './decode.ts';
import type { ReportName } from './reports.ts';
import { sppRequests } from './requests.ts';
import { SPP_ENV } from './settings.ts';
import { createSppSource } from './source.ts';

const LOCATIONS = [
  { name: 'SPPNORTH_HUB', area: 'SPP' },
  { name: 'SPPSOUTH_HUB', area: 'SPP' },
  { name: 'SWPW_HUB', area: 'SWPW' },
] as const;
const DA = 'da-lmp-by-settlement-location';
const RT = 'rtbm-lmp-by-location';
const at = (iso: string) => Date.parse(iso);
const never = new AbortController().signal;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe('a poll of real-time prices', () => {
  test('brings every interval that is published, with the prices of both markets', async () => {
    const { poller, clock } = await begin('2026-06-01T17:07Z');
    const fetched = await all(poller, RT, at('2026-06-01T15:00Z'), clock.now());
    const facts = await factsIn(fetched);
    expect(facts).toHaveLength(3 * 25);
    for (const { node, run, startAt, endAt, lmp, energy, congestion, loss } of facts) {
      const location = LOCATIONS.find(({ name }) => node.endsWith(name));
      if (!location) throw new Error(node);
      const prices = simulatedSppPrices(1, 5 * MINUTE_MS, location, endAt);
      expect({ run, length: endAt - startAt, lmp, energy, congestion, loss }).toEqual({
        run: 'REAL_TIME_5_MIN',
        length: 5 * MINUTE_MS,
        lmp: prices.LMP,
        energy: prices.MEC,
        congestion: prices.MCC,
        loss: prices.MLC,
      });
    }
    expect(facts.flatMap(checkIdentity)).toEqual([]);
    expect(new Set(facts.map(({ node }) => node))).toEqual(
      new Set(['SPP:SPPNORTH_HUB', 'SPP:SPPSOUTH_HUB', 'SPP:SWPW/SWPW_HUB']),
    );
    expect(isoFromInstant(fetched.at(-1)?.next ?? 0)).toBe('2026-06-01T16:45:00.000Z');
  });

  test('goes on past a gap once that is settled, and asks for it until then', async () => {
    const { poller, clock, spp } = await begin('2026-06-01T17:03Z');
    spp.lose('RTBM-LMP-SL-202606011200.csv');
    const first = await all(poller, RT, at('2026-06-01T16:50Z'), clock.now());
    expect(first.at(-1)?.next).toBe(at('2026-06-01T16:50Z'));
    expect(startsOf(await factsIn(first))).toEqual(['16:50']);
    await clock.sleep(20 * MINUTE_MS);
    const second = await all(poller, RT, first.at(-1)?.next, clock.now());
    expect(startsOf(await factsIn(second))).toEqual(['16:50', '17:00', '17:05', '17:10', '17:15']);
    expect(isoFromInstant(second.at(-1)?.next ?? 0)).toBe('2026-06-01T17:00:00.000Z');
    await all(poller, RT, second.at(-1)?.next, clock.now());
    expect(spp.requests.filter(({ file }) => file.endsWith('1200.csv')).map(({ answer }) => answer)).toEqual([
      '404',
      '404',
    ]);
  });

  test('of hours without any file is no data, and moves on where they are settled', async () => {
    const { poller, clock, spp } = await begin('2026-06-01T17:30Z');
    for (let minute = 5; minute < 60; minute += 5)
      spp.lose(`RTBM-LMP-SL-2026060110${String(minute).padStart(2, '0')}.csv`);
    spp.lose('RTBM-LMP-SL-202606011100.csv');
    const [gap, next] = await all(poller, RT, at('2026-06-01T15:00Z'), clock.now());
    expect(gap).toMatchObject({ next: at('2026-06-01T16:00Z'), payload: { bytes: Buffer.alloc(0) } });
    await expect(decodeSppLmp(gap?.payload ?? { bytes: Buffer.from('x'), name: RT })).rejects.toMatchObject({
      code: 'NO_DATA',
    });
    expect(next?.next).toBe(at('2026-06-01T17:00Z'));
  });

  test.each(['start', 'end'] as const)(
    'brings the 25 hours of autumn and the 23 of spring, each interval once, whatever SPP calls them (by %s)',
    async (naming) => {
      for (const [from, to] of [
        ['2026-11-01T05:00Z', '2026-11-02T06:00Z'],
        ['2026-03-08T06:00Z', '2026-03-09T05:00Z'],
      ] as const) {
        const { poller, clock } = await begin(to, { style: { naming } });
        await clock.sleep(HOUR_MS);
        const facts = await factsIn(await all(poller, RT, at(from), at(to)));
        const north = facts.filter(({ node }) => node === 'SPP:SPPNORTH_HUB').map(({ startAt }) => startAt);
        const expected = Array.from(
          { length: (at(to) - at(from)) / (5 * MINUTE_MS) },
          (_, i) => at(from) + i * 5 * MINUTE_MS,
        );
        // The last interval of the repeated hour may come with the hour before, by the name that could be its own.
        expect([...new Set(north)].sort((a, b) => a - b)).toEqual(expected);
      }
    },
  );

  test('begins as far back as the settings say', async () => {
    const { poller, clock } = await begin('2026-06-01T17:00Z', {}, { SPP_LOOKBACK_HOURS: '2' });
    const [first] = await all(poller, RT, undefined, clock.now());
    expect(first?.asked).toEqual({ from: at('2026-06-01T15:00Z'), to: at('2026-06-01T16:00Z') });
  });
});

describe('a poll of day-ahead prices', () => {
  test('asks for tomorrow from noon on until it is there, and then no more', async () => {
    const { poller, clock, spp } = await begin('2026-06-01T16:59Z');
    let position: number | undefined = at('2026-06-02T05:00Z');
    const asked: number[] = [];
    for (const minutes of [2, 61, 1, 1]) {
      const fetched: Fetched[] = await all(poller, DA, position, clock.now());
      position = fetched.at(-1)?.next ?? position;
      asked.push(spp.requests.length);
      await clock.sleep(minutes * MINUTE_MS);
    }
    expect(asked).toEqual([0, 1, 2, 2]);
    expect(isoFromInstant(position ?? 0)).toBe('2026-06-03T05:00:00.000Z');
  });

  test('does not take a file that has no rows yet for the prices of tomorrow', async () => {
    const { poller, clock } = await begin('2026-06-01T18:00Z', { locations: [] });
    expect(await all(poller, DA, at('2026-06-02T05:00Z'), clock.now())).toEqual([]);
  });

  test('brings days of 23 and of 25 hours whole', async () => {
    for (const [day, hours] of [
      ['2026-11-01T05:00Z', 25],
      ['2026-03-08T06:00Z', 23],
    ] as const) {
      const { poller } = await begin(day, { style: { areas: false, drifted: true } });
      const facts = await factsIn(await all(poller, DA, at(day), at(day)));
      expect(facts).toHaveLength(2 * hours);
      expect(new Set(facts.map(({ startAt }) => startAt)).size).toBe(hours);
    }
  });
});

describe('an answer', () => {
  test.each<[string, SppFault[], string[]]>([
    ['a page with status 200', ['PAGE'], ['200', '200']],
    ['nothing with status 200', [{ status: 200, body: '' }], ['200', '200']],
    ['a failure', ['SERVER_ERROR', { status: 500 }], ['503', '500', '200']],
    ['a throttle', ['THROTTLED'], ['429', '200']],
    ['a connection that is cut', ['CUT'], ['cut', '200']],
  ])('that is %s is asked for again', async (_, faults, answers) => {
    const { poller, spp } = await begin('2026-06-01T18:00Z');
    for (const fault of faults) spp.failNext(fault);
    const { payload } = await poller.fetch(DA, dayRequest(), never);
    expect((await decodeSppLmp(payload)).facts).toHaveLength(72);
    expect(spp.requests.map(({ answer }) => answer)).toEqual(answers);
  });

  test.each<[string, SppFault, string, number]>([
    ['SOURCE_FAILED', 'PAGE', 'page', 5],
    ['SOURCE_FAILED', { status: 200, body: '' }, 'nothing', 5],
    ['THROTTLED', 'THROTTLED', '429', 5],
    ['SOURCE_REFUSED', { status: 403 }, '403', 1],
    ['SOURCE_REFUSED', { status: 404, body: '<html>not found</html>' }, '404', 1],
  ])('that stays %s is so: %o', async (code, fault, message, tries) => {
    const { poller, spp } = await begin('2026-06-01T18:00Z');
    spp.failNext(fault, 9);
    await expect(poller.fetch(DA, dayRequest(), never)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(spp.requests).toHaveLength(tries);
  });

  test('that is half a file gives what is whole of it, and says what is not', async () => {
    const { poller, spp } = await begin('2026-06-01T18:00Z');
    spp.failNext('TRUNCATED');
    const { payload } = await poller.fetch(DA, dayRequest(), never);
    const { facts, rejects } = await decodeSppLmp(payload);
    expect(facts.length).toBeGreaterThan(30);
    expect(rejects).toMatchObject([{ code: 'NOT_THE_FORMAT' }]);
  });

  test('says what was asked, in words that a person can repeat', async () => {
    const { poller, clock } = await begin('2026-06-01T17:00Z');
    const [fetched] = await all(poller, RT, at('2026-06-01T16:50Z'), clock.now());
    expect(fetched?.request).toBe(
      'rtbm-lmp-by-location?path=/2026/06/By_Interval/01/RTBM-LMP-SL-{202606011155,202606011200}.csv',
    );
    expect(fetched?.payload.name).toBe(RT);
  });
});

test('a text that is no request is not asked', async () => {
  const { poller, spp } = await begin('2026-06-01T18:00Z');
  await expect(poller.fetch(RT, dayRequest(), never)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  expect(spp.requests).toEqual([]);
});

test('requests are as far apart as the settings say, each file for itself', async () => {
  const { poller, clock, spp } = await begin('2026-06-01T17:00Z');
  await all(poller, RT, at('2026-06-01T16:30Z'), clock.now());
  expect(spp.requests.slice(1).map(({ at: asked }, i) => asked - (spp.requests[i]?.at ?? 0))).toEqual(
    Array(5).fill(1000),
  );
});

async function begin(now: string, options: Partial<SppOptions> = {}, env: Readonly<Record<string, string>> = {}) {
  const clock = skippingClock(at(now));
  const spp: Spp = await startSpp({ now: clock.now, locations: LOCATIONS, ...options });
  const settings = readConfig({ SPP_NODES: 'ALL', SPP_URL: spp.url, ...env }, [SPP_ENV]).settings(SPP_ENV);
  const poller = createReportPoller(createSppSource(settings, sourcePartsOn(clock)));
  cleanups.push(
    () => poller.close(),
    () => spp.close(),
  );
  return { clock, spp, poller };
}

function dayRequest(): string {
  const from = at('2026-06-02T05:00Z');
  return sppRequests(DA, { from, to: from + HOUR_MS, nodes: undefined })[0]?.request ?? '';
}

async function all(poller: Poller, report: ReportName, position: number | undefined, now: number): Promise<Fetched[]> {
  const fetched: Fetched[] = [];
  for await (const each of poller.poll(report, position, now, never)) fetched.push(each);
  return fetched;
}

async function factsIn(fetched: readonly Fetched[]): Promise<readonly LmpFact[]> {
  const decoded = await Promise.all(fetched.map((each) => decodeSppLmp(each.payload)));
  expect(decoded.flatMap((each) => each.rejects)).toEqual([]);
  return decoded.flatMap((each) => each.facts);
}

function startsOf(facts: readonly LmpFact[]): string[] {
  return [...new Set(facts.map(({ startAt }) => isoFromInstant(startAt).slice(11, 16)))];
}
