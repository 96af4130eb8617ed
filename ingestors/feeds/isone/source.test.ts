import { afterEach, describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import { checkIdentity } from '../../../domain/lmp.ts';
import { readConfig } from '../../../runtime/config.ts';
import { skippingClock, sourcePartsOn, TURNS_AT_ONCE } from '../../../tests/support/source-parts.ts';
import type { Fetched, Poller } from '../../feed.ts';
import { createReportPoller } from '../../sources/report-poller.ts';
import { type IsoneOptions, startIsone } from '../../stand-ins/isone.ts';
import { STAND_IN_LOCATIONS, STAND_IN_REPORTS, simulatedPrices } from '../../stand-ins/isone-report.ts';
import { decodeIsoneLmp } from './decode.ts';
import type { ReportName } from './reports.ts';
import { ISONE_ENV } from './settings.ts';
import { createIsoneSource } from './source.ts';

const at = (iso: string) => Date.parse(iso);
const never = new AbortController().signal;
const USER = { ISONE_USERNAME: 'trader', ISONE_PASSWORD: 'correct horse' };
const HUB_REQUEST = 'hourlylmp/da/final/day/20240702/location/4000';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe('a poll', () => {
  test.each([
    ['hourlylmp-da-final', 'hourlylmp/da/final', 60, '2024-07-01T04:00Z', '2024-07-03T04:00Z'],
    ['hourlylmp-rt-prelim', 'hourlylmp/rt/prelim', 60, '2024-07-01T04:00Z', '2024-07-02T15:00Z'],
    ['hourlylmp-rt-final', 'hourlylmp/rt/final', 60, '2024-06-25T04:00Z', '2024-06-30T04:00Z'],
    ['fiveminutelmp-prelim', 'fiveminutelmp/prelim', 5, '2024-07-01T04:00Z', '2024-07-02T15:15Z'],
    ['fiveminutelmp-final', 'fiveminutelmp/final', 5, '2024-06-25T04:00Z', '2024-06-30T04:00Z'],
  ] as const)('of %s brings every price there is', async (report, path, minutes, from, to) => {
    const { poller } = await begin({ now: '2024-07-02T15:19Z', nodes: ['4000', '321'] });
    const facts = await factsIn(await all(poller, report, undefined, at('2024-07-02T15:19Z')));
    const intervals = (at(to) - at(from)) / (minutes * MINUTE_MS);
    const found = (id: string) => STAND_IN_LOCATIONS.find((each) => each.id === id);
    const expected = ['4000', '321'].flatMap((id) =>
      Array.from({ length: intervals }, (_, i) => {
        const startAt = at(from) + i * minutes * MINUTE_MS;
        const standIn = STAND_IN_REPORTS[path] ?? { market: '', final: false };
        const { LmpTotal, EnergyComponent, CongestionComponent, LossComponent } = simulatedPrices(
          1,
          standIn,
          id,
          startAt,
        );
        return [`ISONE:${found(id)?.name}`, startAt, LmpTotal, EnergyComponent, CongestionComponent, LossComponent];
      }),
    );
    const read = facts.map(({ node, startAt, lmp, energy, congestion, loss }) => [
      node,
      startAt,
      lmp,
      energy,
      congestion,
      loss,
    ]);
    expect(read.sort(byText)).toEqual(expected.sort(byText));
    expect(facts.flatMap(checkIdentity)).toEqual([]);
  });

  test('asks each location of each day by itself, as JSON and by name and password', async () => {
    const { poller, isone } = await begin({ now: '2024-07-02T15:19Z', nodes: ['4000', '4001'] });
    const fetched = await all(poller, 'hourlylmp-rt-prelim', at('2024-07-02T03:00Z'), at('2024-07-02T15:19Z'));
    expect(isone.requests).toEqual(
      fetched.map(({ request, publishedAt }) => ({ at: publishedAt, path: request, answer: '200' })),
    );
    expect(
      fetched.map(({ request, payload, asked }) => [request, payload.name, asked && isoFromInstant(asked.from)]),
    ).toEqual([
      ['hourlylmp/rt/prelim/day/20240701/location/4000', 'hourlylmp-rt-prelim', '2024-07-02T03:00:00.000Z'],
      ['hourlylmp/rt/prelim/day/20240701/location/4001', 'hourlylmp-rt-prelim', '2024-07-02T03:00:00.000Z'],
      ['hourlylmp/rt/prelim/day/20240702/location/4000', 'hourlylmp-rt-prelim', '2024-07-02T04:00:00.000Z'],
      ['hourlylmp/rt/prelim/day/20240702/location/4001', 'hourlylmp-rt-prelim', '2024-07-02T04:00:00.000Z'],
    ]);
  });

  test('passes an interval only once every location has been asked for it', async () => {
    const { poller } = await begin({ now: '2024-07-02T15:19Z', nodes: ['4000', '4001'] });
    const fetched = await all(poller, 'hourlylmp-rt-prelim', at('2024-07-01T10:00Z'), at('2024-07-02T15:19Z'));
    expect(fetched.map(({ next }) => isoFromInstant(next).slice(5, 16))).toEqual([
      '07-01T10:00',
      '07-02T04:00',
      '07-02T04:00',
      '07-02T12:00',
    ]);
  });

  test('that fails at the second location leaves the first to be asked again', async () => {
    const { poller, isone } = await begin({ now: '2024-07-02T18:00Z', nodes: ['4000', '4001'] });
    const answers = poller.poll('hourlylmp-da-final', at('2024-07-03T04:00Z'), at('2024-07-02T18:00Z'), never);
    const first = await answers[Symbol.asyncIterator]().next();
    isone.failNext({ status: 403 });
    expect(first.value).toMatchObject({ next: at('2024-07-03T04:00Z') });
    await expect(answers[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
  });

  test('of day-ahead prices asks for tomorrow from noon on, until it is there, and then no more', async () => {
    const { poller, isone, clock } = await begin({ now: '2024-07-02T15:59Z' });
    const today = at('2024-07-03T04:00Z');
    expect(await all(poller, 'hourlylmp-da-final', today, clock.now())).toEqual([]);
    expect(isone.requests).toEqual([]);
    await clock.sleep(2 * MINUTE_MS);
    expect(await all(poller, 'hourlylmp-da-final', today, clock.now())).toEqual([]);
    expect(isone.requests.map(({ path }) => path)).toEqual(['hourlylmp/da/final/day/20240703/location/4000']);
    await clock.sleep(HOUR_MS);
    const [tomorrow] = await all(poller, 'hourlylmp-da-final', today, clock.now());
    expect(tomorrow?.next).toBe(at('2024-07-04T04:00Z'));
    expect(await all(poller, 'hourlylmp-da-final', tomorrow?.next, clock.now())).toEqual([]);
    expect(isone.requests).toHaveLength(2);
  });

  test('of final prices waits at a day that is late, though the next is there, and gives it up after a week', async () => {
    const { poller, clock } = await begin({
      now: '2024-07-08T16:30Z',
      missing: ['hourlylmp/rt/final/day/20240704'],
    });
    const fetched = await all(poller, 'hourlylmp-rt-final', at('2024-07-04T04:00Z'), clock.now());
    expect(fetched.map(({ request, next }) => [request.slice(23, 31), next])).toEqual([
      ['20240705', at('2024-07-04T04:00Z')],
      ['20240706', at('2024-07-04T04:00Z')],
    ]);
    await clock.sleep(5 * DAY_MS);
    const later = await all(poller, 'hourlylmp-rt-final', at('2024-07-04T04:00Z'), clock.now());
    expect(isoFromInstant(later.at(-1)?.next ?? 0)).toBe('2024-07-06T16:00:00.000Z');
  });

  test('of final prices does not ask for a day that has them once more', async () => {
    const { poller, isone, clock } = await begin({ now: '2024-07-08T16:30Z' });
    const [first] = await all(poller, 'fiveminutelmp-final', at('2024-07-06T04:00Z'), clock.now());
    expect(first?.next).toBe(at('2024-07-07T04:00Z'));
    await all(poller, 'fiveminutelmp-final', first?.next, clock.now());
    expect(isone.requests.map(({ path }) => path)).toEqual([
      'fiveminutelmp/final/day/20240706/location/4000',
      'fiveminutelmp/final/day/20240707/location/4000',
      'fiveminutelmp/final/day/20240707/location/4000',
    ]);
  });

  test.each([
    ['20241103', '2024-11-03T04:00Z', 25],
    ['20240310', '2024-03-10T05:00Z', 23],
  ])('of %s brings each of its hours once', async (day, start, hours) => {
    const { poller } = await begin({ now: '2024-12-01T12:00Z' });
    const { payload } = await poller.fetch('hourlylmp-rt-final', `hourlylmp/rt/final/day/${day}/location/4000`, never);
    const { facts } = await decodeIsoneLmp(payload);
    expect(facts.map(({ startAt }) => startAt)).toEqual(
      Array.from({ length: hours }, (_, i) => at(start) + i * HOUR_MS),
    );
  });

  test('in the first hour of the day, when one price is all there is, reads it without its list', async () => {
    const { poller } = await begin({ now: '2024-07-02T05:11Z' });
    const fetched = await all(poller, 'hourlylmp-rt-prelim', at('2024-07-02T04:00Z'), at('2024-07-02T05:11Z'));
    expect(fetched[0]?.payload.bytes.toString()).toMatch(/^\{"HourlyLmps":\{"HourlyLmp":\{/);
    expect(await factsIn(fetched)).toMatchObject([{ startAt: at('2024-07-02T04:00Z'), preliminary: true }]);
  });
});

describe('what goes wrong', () => {
  test.each([
    ['a page with 200', 'PAGE'],
    ['half an answer', 'TRUNCATED'],
    ['an empty body', { status: 200, body: '' }],
    ['429', 'THROTTLED'],
    ['503', 'SERVER_ERROR'],
    ['a connection that is closed', 'CUT'],
  ] as const)('%s is tried again', async (_, fault) => {
    const { poller, isone } = await begin({ now: '2024-07-02T18:00Z' });
    isone.failNext(fault, 2);
    const { payload } = await poller.fetch('hourlylmp-da-final', HUB_REQUEST, never);
    expect((await decodeIsoneLmp(payload)).facts).toHaveLength(24);
    expect(isone.requests).toHaveLength(3);
  });

  test.each([
    ['a page', 'PAGE', 'SOURCE_FAILED'],
    ['503', 'SERVER_ERROR', 'SOURCE_FAILED'],
    ['429', 'THROTTLED', 'THROTTLED'],
  ] as const)('%s five times in a row is a failure', async (_, fault, code) => {
    const { poller, isone } = await begin({ now: '2024-07-02T18:00Z' });
    isone.failNext(fault, 5);
    await expect(poller.fetch('hourlylmp-da-final', HUB_REQUEST, never)).rejects.toMatchObject({ code });
    expect(isone.requests).toHaveLength(5);
  });

  test.each([
    ['JSON of another format at once', { status: 200, body: '{"error":"no such thing"}' }, 1],
    ['an answer that stays cut off after five tries', 'TRUNCATED', 5],
  ] as const)('%s is handed on, so that its bytes are kept', async (_, fault, tries) => {
    const { poller, isone } = await begin({ now: '2024-07-02T18:00Z' });
    isone.failNext(fault, tries);
    const { payload } = await poller.fetch('hourlylmp-da-final', HUB_REQUEST, never);
    await expect(decodeIsoneLmp(payload)).rejects.toMatchObject({ code: 'MALFORMED' });
    expect(isone.requests).toHaveLength(tries);
  });

  test('a poll does not pass what it could not read', async () => {
    const { poller, isone } = await begin({ now: '2024-07-02T18:00Z' });
    isone.failNext({ status: 200, body: '{"HourlyLmps":{"Lmp":[]}}' });
    const fetched = await all(poller, 'hourlylmp-da-final', at('2024-07-03T04:00Z'), at('2024-07-02T18:00Z'));
    expect(fetched.map(({ next }) => isoFromInstant(next))).toEqual(['2024-07-03T04:00:00.000Z']);
  });

  test('"no data" is an answer', async () => {
    const { poller } = await begin({ now: '2024-07-02T18:00Z' });
    const { payload } = await poller.fetch('hourlylmp-da-final', HUB_REQUEST.replace('0702', '0705'), never);
    expect(payload.bytes.toString()).toBe('{"HourlyLmps":""}');
    await expect(decodeIsoneLmp(payload)).rejects.toMatchObject({ code: 'NO_DATA' });
  });

  test('a wrong password is refused once, and named without being shown', async () => {
    const { poller, isone } = await begin({ now: '2024-07-02T18:00Z', env: { ISONE_PASSWORD: 'battery staple' } });
    const failure = await poller.fetch('hourlylmp-da-final', HUB_REQUEST, never).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'SOURCE_REFUSED', message: expect.stringContaining('ISONE_PASSWORD') });
    const secrets = /battery staple|dHJhZGVyOmJ/;
    expect(`${failure} ${JSON.stringify(failure)} ${String(failure instanceof Error && failure.cause)}`).not.toMatch(
      secrets,
    );
    expect(isone.requests).toHaveLength(1);
  });

  test.each([
    'hourlylmp/da/final/day/20240702/location/4000/../../..',
    'hourlylmp/da/final/day/20240732/location/4000',
    'hourlylmp/rt/final/day/20240702/location/4000',
    'hourlylmp/da/final/day/20240702/location/0',
    'hourlylmp/da/final/day/20240702',
    'https://example.org/hourlylmp/da/final/day/20240702/location/4000',
  ])('"%s" is no request for day-ahead prices', async (request) => {
    const { poller, isone } = await begin({ now: '2024-07-02T18:00Z' });
    await expect(poller.fetch('hourlylmp-da-final', request, never)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(isone.requests).toEqual([]);
  });
});

interface Beginning {
  readonly now: string;
  readonly nodes?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly missing?: IsoneOptions['missing'];
}

async function begin({ now, nodes = ['4000'], env = {}, missing = [] }: Beginning) {
  const clock = skippingClock(at(now));
  const isone = await startIsone({ now: clock.now, username: 'trader', password: 'correct horse', missing });
  cleanups.push(() => isone.close());
  const all = { ...USER, ISONE_NODES: nodes.join(','), ISONE_URL: isone.url, ...env };
  const settings = readConfig(all, [ISONE_ENV]).settings(ISONE_ENV);
  const poller = createReportPoller(createIsoneSource(settings, sourcePartsOn(clock, TURNS_AT_ONCE)));
  cleanups.push(() => poller.close());
  return { poller, isone, clock };
}

async function all(poller: Poller, report: ReportName, position: number | undefined, now: number): Promise<Fetched[]> {
  const fetched: Fetched[] = [];
  for await (const each of poller.poll(report, position, now, never)) fetched.push(each);
  return fetched;
}

async function factsIn(fetched: readonly Fetched[]) {
  const decoded = await Promise.all(fetched.map(({ payload }) => decodeIsoneLmp(payload)));
  expect(decoded.flatMap(({ rejects }) => rejects)).toEqual([]);
  return decoded.flatMap(({ facts }) => facts);
}

function byText(a: readonly unknown[], b: readonly unknown[]): number {
  return a.join().localeCompare(b.join());
}
