import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import { checkIdentity, type LmpFact } from '../../../domain/lmp.ts';
import { readConfig } from '../../../runtime/config.ts';
import { skippingClock, sourcePartsOn } from '../../../tests/support/source-parts.ts';
import type { Answer, Fetched, Poller } from '../../feed.ts';
import { createReportPoller } from '../../sources/report-poller.ts';
import { type PjmOptions, startPjm } from '../../stand-ins/pjm.ts';
import { pjmPrices, STAND_IN_REPORTS } from '../../stand-ins/pjm-report.ts';
import { decodePjmLmp } from './decode.ts';
import { pjmLmp } from './feed.ts';
import type { ReportName } from './reports.ts';
import { PJM_ENV } from './settings.ts';
import { createPjmSource } from './source.ts';

const at = (iso: string) => Date.parse(iso);
const NODES = [
  { id: 51288, name: 'WESTERN HUB', type: 'HUB' },
  { id: 1, name: 'PJM-RTO', type: 'ZONE' },
  { id: 33092371, name: 'COMED', type: 'ZONE' },
];
const POLLED = '51288=WESTERN HUB,1';
const never = new AbortController().signal;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe('a poll', () => {
  // Tuesday, 10:30 Eastern.
  test.each([
    ['da_hrl_lmps', '2024-07-01T14:30Z', 48, '2024-07-03T04:00:00.000Z'],
    ['rt_hrl_lmps', '2024-06-28T04:00Z', 24 * 3, '2024-06-28T04:00:00.000Z'],
    ['rt_fivemin_hrl_lmps', '2024-06-28T04:00Z', 288 * 3, '2024-06-28T04:00:00.000Z'],
    ['rt_unverified_fivemin_lmps', '2024-07-02T04:00Z', 10.5 * 12 - 1, '2024-07-02T13:30:00.000Z'],
  ] as const)('of %s brings every price that is published', async (report, from, intervals, position) => {
    const { poller, clock } = await begin({ now: '2024-07-02T14:30:30Z' });
    const fetched = await all(poller, report, at(from), clock.now());
    const facts = await factsIn(fetched);
    expect(facts).toHaveLength(intervals * 2);
    expect(new Set(facts.map(({ node, startAt }) => `${node}@${startAt}`)).size).toBe(facts.length);
    expect(facts.map(pricesOf)).toEqual(facts.map((fact) => simulated(report, fact)));
    expect(facts.flatMap(checkIdentity)).toEqual([]);
    expect(isoFromInstant(fetched.at(-1)?.next ?? 0)).toBe(position);
  });

  test('says what it asked, without the key, and when', async () => {
    const { poller, clock } = await begin({ now: '2024-07-02T14:30Z' });
    const [fetched] = await all(poller, 'rt_unverified_fivemin_lmps', at('2024-07-02T14:00Z'), clock.now());
    expect(fetched).toMatchObject({
      request:
        'rt_unverified_fivemin_lmps?startRow=1&rowCount=50000&datetime_beginning_ept=07/02/2024%2010:00to07/02/2024%2010:25&pnode_id=51288;1',
      payload: { name: 'rt_unverified_fivemin_lmps' },
      publishedAt: clock.now(),
      asked: { from: at('2024-07-02T14:00Z'), to: at('2024-07-02T14:30Z') },
    });
    expect(JSON.stringify(fetched)).not.toContain('sesame');
  });

  test('of day-ahead prices asks for tomorrow from noon, and passes it only when it is there', async () => {
    const { poller, clock, pjm } = await begin({ now: '2024-07-02T15:59Z' });
    const outcomes: unknown[] = [];
    let position = at('2024-07-03T04:00Z');
    for (const minutes of [2, 100, 100]) {
      const fetched = await all(poller, 'da_hrl_lmps', position, clock.now());
      position = fetched.at(-1)?.next ?? position;
      outcomes.push([pjm.requests.length, isoFromInstant(position).slice(0, 10)]);
      await clock.sleep(minutes * MINUTE_MS);
    }
    await all(poller, 'da_hrl_lmps', position, clock.now());
    expect([...outcomes, pjm.requests.length]).toEqual([[0, '2024-07-03'], [1, '2024-07-03'], [2, '2024-07-04'], 2]);
  });

  test('of a report that comes once a day is not asked for each minute', async () => {
    const { poller, clock, pjm } = await begin({ now: '2024-07-02T14:30Z' });
    const asked: number[] = [];
    for (const minutes of [1, 170, 30]) {
      await all(poller, 'rt_hrl_lmps', at('2024-07-01T04:00Z'), clock.now());
      asked.push(pjm.requests.length);
      await clock.sleep(minutes * MINUTE_MS);
    }
    expect(asked).toEqual([2, 2, 2]);
    await all(poller, 'rt_hrl_lmps', at('2024-07-01T04:00Z'), clock.now());
    expect(pjm.requests.length).toBe(4);
  });

  test('is not put off by a backfill of the same report', async () => {
    const { poller, clock, pjm, settings } = await begin({ now: '2024-07-02T14:30Z' });
    const range = { from: at('2024-06-01T04:00Z'), to: at('2024-06-02T04:00Z'), nodes: undefined };
    for (const { request } of pjmLmp.source.chunks(settings, 'rt_hrl_lmps', range, clock.now())) {
      await poller.fetch('rt_hrl_lmps', request, never);
    }
    await all(poller, 'rt_hrl_lmps', at('2024-07-02T04:00Z'), clock.now());
    expect(pjm.requests).toHaveLength(2);
  });

  test('that failed is due again at once', async () => {
    const { poller, clock, pjm } = await begin({ now: '2024-07-02T14:30Z' });
    pjm.failNext({ status: 404 });
    await expect(all(poller, 'rt_hrl_lmps', at('2024-07-02T04:00Z'), clock.now())).rejects.toThrow();
    await all(poller, 'rt_hrl_lmps', at('2024-07-02T04:00Z'), clock.now());
    expect(pjm.requests.map(({ answer }) => answer)).toEqual(['404', '200 0']);
  });

  test('asks verified reports again for the days that may still come, and finds a price that was corrected', async () => {
    const { poller, clock, pjm } = await begin({ now: '2024-07-02T17:00Z' });
    const position = at('2024-07-01T04:00Z');
    const before = await all(poller, 'rt_hrl_lmps', position, clock.now());
    pjm.correct({ report: 'rt_hrl_lmps', nodeId: 51288, start: at('2024-07-01T15:00Z'), delta: 7 });
    await clock.sleep(3 * HOUR_MS);
    const after = await all(poller, 'rt_hrl_lmps', before.at(-1)?.next, clock.now());
    const [old, now] = await Promise.all([factsIn(before), factsIn(after)]);
    const differing = now.filter((fact, i) => fact.lmp !== old[i]?.lmp);
    expect(differing.map(({ node, startAt, lmp }) => [node, isoFromInstant(startAt), lmp])).toEqual([
      ['PJM:WESTERN HUB', '2024-07-01T15:00:00.000Z', expect.closeTo((old.find(isCorrected)?.lmp ?? 0) + 7, 5)],
    ]);
    // The request of a day stays the same, so that what is stored of it does too.
    expect(after[0]?.request).toBe(before[0]?.request);

    function isCorrected({ node, startAt }: LmpFact): boolean {
      return node === 'PJM:WESTERN HUB' && startAt === at('2024-07-01T15:00Z');
    }
  });

  test('keeps to six requests a minute', async () => {
    const { poller, clock, pjm } = await begin({ now: '2024-07-02T14:30Z' });
    await all(poller, 'rt_fivemin_hrl_lmps', clock.now() - 7 * DAY_MS, clock.now());
    expect(pjm.requests.filter(({ answer }) => answer === '429')).toEqual([]);
    const spacings = pjm.requests.slice(1).map(({ at }, i) => at - (pjm.requests[i]?.at ?? 0));
    expect(Math.min(...spacings)).toBeGreaterThanOrEqual(10_000);
  });
});

describe('a backfill', () => {
  test.each([
    ['2024-03-10T05:00Z', '2024-03-11T04:00Z', 23],
    ['2024-11-03T04:00Z', '2024-11-04T05:00Z', 25],
  ])('of the day from %s to %s brings its %i hours', async (from, to, hours) => {
    const { answers } = await backfill({ now: '2024-12-01T12:00Z' }, 'da_hrl_lmps', from, to);
    const facts = await factsIn(answers);
    expect(facts.map(({ startAt }) => startAt)).toEqual(
      Array.from({ length: hours }, (_, hour) => at(from) + hour * HOUR_MS).flatMap((start) => [start, start]),
    );
  });

  test('of a part of the repeated hour brings it, whichever of the two it is', async () => {
    const now = '2024-11-03T12:00Z';
    const { answers } = await backfill({ now }, 'rt_unverified_fivemin_lmps', '2024-11-03T05:40Z', '2024-11-03T06:20Z');
    const starts = new Set((await factsIn(answers)).map(({ startAt }) => startAt));
    for (let start = at('2024-11-03T05:40Z'); start < at('2024-11-03T06:20Z'); start += 5 * MINUTE_MS) {
      expect(starts.has(start)).toBe(true);
    }
  });

  test('follows the pages, and hands on their bytes as they came', async () => {
    const options = { now: '2024-07-02T12:00Z', pageRowsMax: 20 };
    const { answers, pjm } = await backfill(options, 'da_hrl_lmps', '2024-07-01T04:00Z', '2024-07-02T04:00Z');
    expect(pjm.requests.map(({ parameters }) => parameters.startRow)).toEqual(['1', '21', '41']);
    const pages = answers[0]?.payload.bytes
      .toString()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(pages?.map(({ items, totalRows }) => [items.length, totalRows])).toEqual([
      [20, 48],
      [20, 48],
      [8, 48],
    ]);
    expect(await factsIn(answers)).toHaveLength(48);
  });

  test('of what is archived keeps the nodes that were asked for, though PJM answers with all', async () => {
    const options = { now: '2024-07-02T12:00Z', pageRowsMax: 20 };
    const { answers, pjm } = await backfill(options, 'rt_hrl_lmps', '2022-07-01T04:00Z', '2022-07-03T04:00Z', [
      'PJM:1',
    ]);
    expect(pjm.requests.map(({ parameters }) => parameters.pnode_id)).toEqual([...Array(4).fill(undefined), '1', '1']);
    const facts = await factsIn(answers);
    expect([facts.length, new Set(facts.map(({ node }) => node))]).toEqual([48, new Set(['PJM:PJM-RTO'])]);
    expect(answers.every(({ payload }) => payload.name === 'rt_hrl_lmps')).toBe(true);
  });

  test('of an archived day on which the nodes have no rows says that there is no data', async () => {
    const options = { now: '2024-07-02T12:00Z' };
    const { answers } = await backfill(options, 'rt_hrl_lmps', '2020-07-01T04:00Z', '2020-07-02T04:00Z', ['PJM:77']);
    await expect(decodePjmLmp(answers[0]?.payload ?? { bytes: Buffer.alloc(0), name: '' })).rejects.toMatchObject({
      code: 'NO_DATA',
    });
  });

  test('takes no request that this feed would not make', async () => {
    const { poller, pjm } = await begin({ now: '2024-07-02T12:00Z' });
    const fetching = poller.fetch('da_hrl_lmps', 'da_hrl_lmps?startRow=1&rowCount=50000', never);
    await expect(fetching).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(pjm.requests).toEqual([]);
  });
});

describe('an answer that goes wrong once is asked for again', () => {
  test.each([
    ['a failure', 'SERVER_ERROR'],
    ['too many requests', 'THROTTLED'],
    ['a page of HTML with status 200', 'PAGE'],
    ['half a page', 'TRUNCATED'],
    ['a connection that is closed', 'CUT'],
  ] as const)('%s', async (_, fault) => {
    const { poller, clock, pjm } = await begin({ now: '2024-07-02T12:00Z' });
    pjm.failNext(fault);
    const fetched = await all(poller, 'rt_unverified_fivemin_lmps', at('2024-07-02T11:00Z'), clock.now());
    expect(await factsIn(fetched)).not.toEqual([]);
    expect(pjm.requests).toHaveLength(2);
  });
});

describe('an answer that stays wrong is one clear error, and no row', () => {
  test.each([
    ['a page of HTML', 'PAGE', 'SOURCE_FAILED', /HTML/, 5],
    ['too many requests', 'THROTTLED', 'THROTTLED', /429/, 5],
    ['an error of PJM', { error: 'Date range cannot exceed 366 days.' }, 'SOURCE_REFUSED', /Filters: Date range/, 1],
    ['rows that are missing', { rowsLost: 3 }, 'SOURCE_FAILED', /with 19 of 22 rows/, 1],
    ['a next page elsewhere', { next: 'https://example.com/api/v1/x?startRow=2' }, 'SOURCE_REFUSED', /example\.com/, 1],
    [
      'a next page of something else',
      { next: '/api/v1/da_hrl_lmps?startRow=2' },
      'SOURCE_REFUSED',
      /da_hrl_lmps, not/,
      1,
    ],
    ['a next page that is no address', { next: 'http://' }, 'SOURCE_REFUSED', /next page/, 1],
    ['what is not there', { status: 404 }, 'SOURCE_REFUSED', /404: an injected fault/, 1],
  ] as const)('%s', async (_, fault, code, message, tries) => {
    const { poller, clock, pjm } = await begin({ now: '2024-07-02T12:00Z' });
    pjm.failNext(fault, tries);
    const polling = all(poller, 'rt_unverified_fivemin_lmps', at('2024-07-02T11:00Z'), clock.now());
    await expect(polling).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(pjm.requests).toHaveLength(tries);
  });

  test.each([
    ['half a page', 'TRUNCATED', /cut off/],
    ['a column that is missing', 'OTHER_COLUMNS', /no column total_lmp_da/],
  ] as const)(
    '%s: it is handed on for the decoder to say so, and what it owes is asked for again',
    async (_, fault, message) => {
      const { poller, clock, pjm } = await begin({ now: '2024-07-02T18:00Z' });
      pjm.failNext(fault, 5);
      const fetched = await all(poller, 'da_hrl_lmps', at('2024-07-03T04:00Z'), clock.now());
      await expect(factsIn(fetched)).rejects.toMatchObject({
        code: 'MALFORMED',
        message: expect.stringMatching(message),
      });
      expect(fetched.map(({ next }) => isoFromInstant(next))).toEqual(['2024-07-03T04:00:00.000Z']);
      expect(pjm.requests).toHaveLength(5);
    },
  );

  test('a next page that leads round in a circle', async () => {
    const { poller, clock, pjm } = await begin({ now: '2024-07-02T12:00Z' });
    const next = { next: '?startRow=1&rowCount=50000&datetime_beginning_ept=07/02/2024%2007:00to07/02/2024%2007:55' };
    pjm.failNext(next, 60);
    const polling = all(poller, 'rt_unverified_fivemin_lmps', at('2024-07-02T11:00Z'), clock.now());
    await expect(polling).rejects.toThrow(/more than 50 pages/);
    expect(pjm.requests).toHaveLength(50);
  });
});

describe('the key', () => {
  test('that is no longer taken is named by its setting and not by its value', async () => {
    const { poller, clock, pjm } = await begin({ now: '2024-07-02T12:00Z', pageRowsMax: 10 });
    const ask = () => all(poller, 'rt_unverified_fivemin_lmps', at('2024-07-02T11:00Z'), clock.now());
    await ask();
    pjm.changeKey('other');
    const error: unknown = await ask().catch((failed: unknown) => failed);
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED', message: expect.stringMatching(/401.*see PJM_API_KEY/) });
    expect(JSON.stringify(error)).not.toContain('sesame');
  });

  test('goes to no other origin, not even for a next page', async () => {
    const seen: unknown[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers);
      response.end('{}');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    cleanups.push(async () => other.close());
    const address = other.address();
    const { poller, clock, pjm } = await begin({ now: '2024-07-02T12:00Z' });
    pjm.failNext({ next: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/api/v1/da_hrl_lmps` });
    await expect(all(poller, 'da_hrl_lmps', at('2024-07-02T04:00Z'), clock.now())).rejects.toThrow(/next page/);
    expect(seen).toEqual([]);
  });
});

test('a poll that is aborted ends quietly, a request that stalls with it', async () => {
  const { poller, clock, pjm } = await begin({ now: '2024-07-02T12:00Z' });
  pjm.failNext('STALL');
  const aborting = new AbortController();
  const polling = all(poller, 'da_hrl_lmps', undefined, clock.now(), aborting.signal);
  await expect.poll(() => pjm.requests.length).toBe(1);
  aborting.abort();
  expect(await polling).toEqual([]);
});

type Beginning = Omit<Partial<PjmOptions>, 'now'> & { readonly now: string };

async function begin({ now, ...options }: Beginning) {
  const clock = skippingClock(at(now));
  const pjm = await startPjm({ nodes: NODES, key: 'sesame', ...options, now: clock.now });
  cleanups.push(() => pjm.close());
  const env = { PJM_NODES: POLLED, PJM_API_KEY: 'sesame', PJM_URL: pjm.url };
  const settings = readConfig(env, [PJM_ENV]).settings(PJM_ENV);
  const poller = createReportPoller(createPjmSource(settings, sourcePartsOn(clock)));
  cleanups.push(() => poller.close());
  return { clock, pjm, poller, settings };
}

async function backfill(beginning: Beginning, report: ReportName, from: string, to: string, nodes?: readonly string[]) {
  const { poller, settings, clock, pjm } = await begin(beginning);
  const asked = { from: at(from), to: at(to), nodes: nodes?.map((node) => node as LmpFact['node']) };
  const answers: Answer[] = [];
  for (const { request } of pjmLmp.source.chunks(settings, report, asked, clock.now())) {
    answers.push(await poller.fetch(report, request, never));
  }
  return { answers, pjm };
}

async function all(
  poller: Poller,
  report: ReportName,
  position: number | undefined,
  now: number,
  signal = never,
): Promise<Fetched[]> {
  const fetched: Fetched[] = [];
  for await (const each of poller.poll(report, position, now, signal)) fetched.push(each);
  return fetched;
}

async function factsIn(answers: readonly Answer[]): Promise<LmpFact[]> {
  const decoded = await Promise.all(answers.map(({ payload }) => decodePjmLmp(payload)));
  expect(decoded.flatMap(({ rejects }) => rejects)).toEqual([]);
  return decoded.flatMap(({ facts }) => facts);
}

function pricesOf({ lmp, energy, congestion, loss }: LmpFact) {
  return { lmp, energy, congestion, loss };
}

function simulated(name: ReportName, { node, startAt }: LmpFact) {
  const report = STAND_IN_REPORTS.find((each) => each.name === name);
  const id = NODES.find((each) => `PJM:${each.name}` === node)?.id;
  if (!report || id === undefined) throw new TypeError(`${name} ${node}`);
  const { energy, total, congestion, loss } = pjmPrices(report, id, startAt);
  const published = report.verified ? energy : expect.closeTo(total - congestion - loss, 6);
  return { lmp: total, energy: published, congestion, loss };
}
