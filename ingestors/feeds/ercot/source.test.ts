import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import { localNameOf, parseNodeName } from '../../../domain/market.ts';
import { readConfig } from '../../../runtime/config.ts';
import { sourcePartsOn, TURNS_AT_ONCE } from '../../../tests/support/source-parts.ts';
import type { Clock, Fetched, Turns } from '../../feed.ts';
import { createReportPoller, reportChunks } from '../../sources/report-poller.ts';
import { systemClock } from '../../sources/system-clock.ts';
import { type ErcotFault, type ErcotOptions, startErcot } from '../../stand-ins/ercot.ts';
import { ercotPrice } from '../../stand-ins/ercot-reports.ts';
import { decodeErcotLmp } from './decode.ts';
import { REPORT_NAMES } from './reports.ts';
import { ERCOT_ENV } from './settings.ts';
import { createErcotSource, ercotPlan } from './source.ts';

const at = (iso: string) => Date.parse(iso);
const never = new AbortController().signal;
const NODES = ['HB_NORTH', 'LZ_WEST', 'X_RN'];
const SECRETS = { ERCOT_PASSWORD: 'correct horse', ERCOT_SUBSCRIPTION_KEY: 'stand-in-key' };

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe('a poll', () => {
  test.each([
    ['np4-190-cd', 3 * 24 * 3, '2026-07-04T05:00:00.000Z'],
    ['np6-905-cd', (24 * 4 + 14 * 4 + 1) * 4, '2026-07-02T18:30:00.000Z'],
    ['np6-788-cd', (24 * 12 + 7) * 3, '2026-07-02T18:30:00.000Z'],
  ] as const)('of %s begins a day back and brings every price that there is', async (report, prices, position) => {
    const { poll, ercot } = await begin({ now: '2026-07-02T19:30:59Z' });
    const fetched = await poll(report);
    const facts = await factsIn(fetched);
    expect(facts).toHaveLength(prices);
    expect(new Set(facts.map(({ node, startAt }) => `${node} ${startAt}`)).size).toBe(facts.length);
    for (const { node, startAt, lmp, energy } of facts) {
      expect(lmp).toBe(ercotPrice(1, report.toUpperCase(), localNameOf(node), startAt));
      expect(energy).toBeNull();
    }
    expect(fetched.map(({ payload }) => payload.name)).toEqual(fetched.map(() => report));
    expect(isoFromInstant(fetched.at(-1)?.next ?? 0)).toBe(position);
    expect(ercot.requests.every(({ status }) => status === 200)).toBe(true);
  });

  test('says what it asked, in words that hold no secret', async () => {
    const { poll, ercot } = await begin({ now: '2026-07-02T19:30Z' });
    const [fetched] = await poll('np6-788-cd', at('2026-07-02T18:30Z'));
    expect(fetched?.request).toBe(
      'np6-788-cd/lmp_node_zone_hub?SCEDTimestampFrom=2026-07-02T13:00:00&SCEDTimestampTo=2026-07-02T14:59:59&settlementPoint=HB_NORTH,LZ_WEST,X_RN',
    );
    expect(ercot.requests.map(({ path, parameters }) => [path, parameters.settlementPoint])).toEqual([
      ['token', undefined],
      ['np6-788-cd/lmp_node_zone_hub', 'HB_NORTH'],
      ['np6-788-cd/lmp_node_zone_hub', 'LZ_WEST'],
      ['np6-788-cd/lmp_node_zone_hub', 'X_RN'],
    ]);
  });

  test('asks for tomorrow from noon on, and again until it is there', async () => {
    const { poll, ercot, clock } = await begin({ now: '2026-07-02T16:59Z' });
    const today = at('2026-07-03T05:00Z');
    expect(await poll('np4-190-cd', today)).toEqual([]);
    expect(ercot.requests).toEqual([]);
    clock.set('2026-07-02T17:30Z');
    expect(await poll('np4-190-cd', today)).toEqual([]);
    expect(ercot.requests.length).toBeGreaterThan(0);
    clock.set('2026-07-02T18:00Z');
    const fetched = await poll('np4-190-cd', today);
    expect(fetched.map(({ next }) => isoFromInstant(next))).toEqual(['2026-07-04T05:00:00.000Z']);
    expect(await poll('np4-190-cd', at('2026-07-04T05:00Z'))).toEqual([]);
  });

  test('of no data passes a settled range, and says so, but not what may yet come', async () => {
    const { poll, clock } = await begin({ now: '2026-07-02T19:30Z', points: [] });
    const [fetched, ...others] = await poll('np6-905-cd', at('2026-07-02T10:00Z'));
    expect([isoFromInstant(fetched?.next ?? 0), others]).toEqual(['2026-07-02T18:30:00.000Z', []]);
    await expect(factsIn(fetched ? [fetched] : [])).rejects.toMatchObject({ code: 'NO_DATA' });
    expect(await poll('np6-905-cd', clock.now() - HOUR_MS)).toEqual([]);
  });

  test.each(REPORT_NAMES)('of %s over the night of autumn has every interval once', async (report) => {
    const { poll } = await begin({ now: '2025-11-03T08:00Z' });
    const facts = (await factsIn(await poll(report, at('2025-11-02T05:00Z')))).filter(
      ({ node, startAt }) => node === 'ERCOT:X_RN' && startAt < at('2025-11-03T06:00Z'),
    );
    const perHour = { 'np4-190-cd': 1, 'np6-905-cd': 4, 'np6-788-cd': 12 }[report];
    const slotMs = HOUR_MS / perHour;
    expect(facts.map(({ startAt }) => Math.floor(startAt / slotMs) * slotMs)).toEqual(
      Array.from({ length: 25 * perHour }, (_, i) => at('2025-11-02T05:00Z') + i * slotMs),
    );
  });

  test('of many pages joins them, whatever the order of their fields', async () => {
    const { poll, ercot } = await begin({ now: '2026-07-02T19:30Z', limits: { pageRows: 7 } });
    ercot.failNext('COLUMN_ORDER', 24);
    const facts = await factsIn(await poll('np4-190-cd', at('2026-07-02T05:00Z')));
    expect(facts).toHaveLength(2 * 24 * 3);
    const pages = ercot.requests.filter(({ parameters }) => parameters.settlementPoint === 'X_RN');
    expect(pages.map(({ parameters }) => parameters.page)).toEqual(['1', '2', '3', '4', '1', '2', '3', '4']);
  });

  test('stays within thirty requests a minute, and waits where it is told to', async () => {
    const { poll, ercot } = await begin({ now: '2026-07-02T19:30Z', limits: { pageRows: 2 } });
    await poll('np4-190-cd', at('2026-07-02T05:00Z'));
    expect(ercot.requests.length).toBeGreaterThan(60);
    expect(ercot.requests.filter(({ status }) => status !== 200)).toEqual([]);
    const hasty = await begin({ now: '2026-07-02T19:30Z', limits: { pageRows: 2 }, spacingMs: 0 });
    expect(await factsIn(await hasty.poll('np4-190-cd', at('2026-07-02T05:00Z')))).toHaveLength(2 * 24 * 3);
    expect(hasty.ercot.requests.some(({ status }) => status === 429)).toBe(true);
  });

  test('of more pages than any range of a node has is given up', async () => {
    const { poll } = await begin({ now: '2026-07-02T19:30Z', limits: { pageRows: 1 } });
    await expect(poll('np6-905-cd')).rejects.toMatchObject({
      code: 'MALFORMED',
      message: expect.stringContaining('192 pages'),
    });
  });

  test('whose pages do not have the rows that they tell of fails', async () => {
    const { poll, ercot, clock } = await begin({
      now: '2026-07-02T19:30Z',
      limits: { pageRows: 4 },
      spacingMs: 10 * MINUTE_MS,
    });
    const failed = poll('np6-788-cd', clock.now() - 30 * MINUTE_MS);
    await expect(failed).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringMatching(/ERCOT has .* rows of/),
    });
    expect(ercot.requests.length).toBeGreaterThan(2);
  });
});

describe('an answer that goes wrong', () => {
  test.each([
    ['a page of HTML with status 200', 'PAGE'],
    ['half a page', 'TRUNCATED'],
    ['trouble at ERCOT', 'SERVER_ERROR'],
    ['asked too often', 'THROTTLED'],
    ['a connection that ends', 'CUT'],
  ] satisfies [string, ErcotFault][])('for once is asked again: %s', async (_, fault) => {
    const { poll, ercot } = await begin({ now: '2026-07-02T19:30Z' });
    ercot.failNext(fault);
    const facts = await factsIn(await poll('np4-190-cd', at('2026-07-02T05:00Z')));
    expect(facts).toHaveLength(2 * 24 * 3);
  });

  test.each([
    ['a page of HTML with status 200', 'PAGE', 'SOURCE_FAILED', /^ERCOT answered with an HTML page/],
    ['half a page', 'TRUNCATED', 'SOURCE_FAILED', /cannot be read: .* cut off/],
    ['trouble at ERCOT', 'SERVER_ERROR', 'SOURCE_FAILED', /status 503$/],
    ['asked too often', 'THROTTLED', 'THROTTLED', /status 429$/],
    [
      'asked too often, with another status',
      { throttled: 403 },
      'THROTTLED',
      /ERCOT says throttled: Too Many Requests$/,
    ],
    ['a refusal', { status: 403 }, 'SOURCE_REFUSED', /ERCOT says 403: try again later$/],
    ['a refusal with status 200', { throttled: 200 }, 'THROTTLED', /Too Many Requests$/],
    ['a connection that ends', 'CUT', 'SOURCE_FAILED', /^ERCOT np4-190-cd lost the connection to http/],
  ] satisfies [string, ErcotFault, string, RegExp][])(
    'for good fails the poll with one clear line, and nothing is brought: %s',
    async (_, fault, code, message) => {
      const { poll, ercot } = await begin({ now: '2026-07-02T19:30Z' });
      ercot.failNext(fault, 10);
      const error: unknown = await poll('np4-190-cd', at('2026-07-02T05:00Z')).catch((each: unknown) => each);
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/correct horse|stand-in-key|id-token/);
    },
  );
});

describe('a token', () => {
  test('is asked for once, and serves all reports', async () => {
    const { poll, ercot } = await begin({ now: '2026-07-02T19:30Z' });
    for (const report of REPORT_NAMES) await poll(report);
    expect(tokensAsked(ercot.requests)).toBe(1);
  });

  test('that ends in the middle of a poll is renewed, and nothing is lost', async () => {
    const { poll, ercot } = await begin({ now: '2026-07-02T19:30Z', limits: { tokenSeconds: 5 } });
    const facts = await factsIn(await poll('np4-190-cd', at('2026-07-02T05:00Z')));
    expect(facts).toHaveLength(2 * 24 * 3);
    expect(tokensAsked(ercot.requests)).toBeGreaterThan(1);
  });

  test('that is revoked is replaced once the API refuses it', async () => {
    const { poll, ercot } = await begin({ now: '2026-07-02T19:30Z' });
    await poll('np4-190-cd', at('2026-07-02T05:00Z'));
    ercot.revokeTokens();
    const before = ercot.requests.length;
    expect(await factsIn(await poll('np4-190-cd', at('2026-07-02T05:00Z')))).toHaveLength(2 * 24 * 3);
    expect(ercot.requests.slice(before, before + 3).map(({ path, status }) => [path.slice(0, 10), status])).toEqual([
      ['np4-190-cd', 401],
      ['token', 200],
      ['np4-190-cd', 200],
    ]);
  });

  test.each([
    [
      'password',
      { ERCOT_PASSWORD: 'wrong battery' },
      /^no token was given: ERCOT login answered with status 400: access_denied$/,
      1,
    ],
    [
      'subscription key',
      { ERCOT_SUBSCRIPTION_KEY: 'wrong-key' },
      /ERCOT says 401: Access denied due to invalid subscription key/,
      4,
    ],
  ])('is no use with a wrong %s: the poll says so, and no secret', async (_, env, message, requests) => {
    const { poll, ercot } = await begin({ now: '2026-07-02T19:30Z', env });
    const error: unknown = await poll('np4-190-cd').catch((each: unknown) => each);
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED', message: expect.stringMatching(message) });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(
      /wrong battery|correct horse|wrong-key|id-token|trader/,
    );
    expect(ercot.requests).toHaveLength(requests);
  });
});

describe('a backfill', () => {
  const range = { from: at('2026-06-01T05:00Z'), to: at('2026-06-04T05:00Z') };
  const nodes = (...names: string[]) => names.map(parseNodeName).filter((node) => node !== undefined);

  test('asks for the nodes that it names, an energy-weighted price by the name of its zone', async () => {
    const { settings } = await begin({ now: '2026-07-02T19:30Z' });
    const asked = { ...range, nodes: nodes('ERCOT:LZ_WEST_EW', 'ERCOT:LZ_WEST', 'ERCOT:A_RN') };
    const chunks = reportChunks(ercotPlan(settings), 'np6-905-cd', asked);
    expect(chunks.map(({ request }) => request.replace(/^.*settlementPoint=/, ''))).toEqual([
      'LZ_WEST,A_RN',
      'LZ_WEST,A_RN',
    ]);
  });

  test('brings what it asked for', async () => {
    const { settings, poller } = await begin({ now: '2026-07-02T19:30Z' });
    const chunks = reportChunks(ercotPlan(settings), 'np4-190-cd', { ...range, nodes: undefined });
    let count = 0;
    for (const { request } of chunks) {
      const { payload } = await poller.fetch('np4-190-cd', request, never);
      count += (await decodeErcotLmp(payload)).facts.length;
    }
    expect(count).toBe(3 * 24 * 3);
  });

  test.each([
    ['a node of another market', 'np4-190-cd', nodes('PJM:X'), /no settlement point of ERCOT/],
    ['a node that ERCOT cannot have', 'np4-190-cd', nodes('ERCOT:a b'), /no settlement point of ERCOT/],
    ['a report that there is not', 'np1-1-cd', undefined, /ERCOT has no "np1-1-cd"/],
  ])('of %s is refused', async (_, partition, named, message) => {
    const { settings } = await begin({ now: '2026-07-02T19:30Z' });
    expect(() => reportChunks(ercotPlan(settings), partition, { ...range, nodes: named })).toThrow(message);
  });

  test('without any nodes is refused', async () => {
    const { settings } = await begin({ now: '2026-07-02T19:30Z', env: { ERCOT_NODES: '' } });
    expect(() => reportChunks(ercotPlan(settings), 'np4-190-cd', { ...range, nodes: undefined })).toThrow(
      /no nodes to ask for/,
    );
  });

  test('without credentials says which are missing', async () => {
    const { settings, poller } = await begin({ now: '2026-07-02T19:30Z', env: { ERCOT_PASSWORD: '' } });
    const [chunk] = reportChunks(ercotPlan(settings), 'np4-190-cd', { ...range, nodes: undefined });
    await expect(poller.fetch('np4-190-cd', chunk?.request ?? '', never)).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
      message: expect.stringContaining('ERCOT_PASSWORD'),
    });
  });
});

interface Beginning extends Partial<Pick<ErcotOptions, 'points' | 'limits'>> {
  readonly now: string;
  readonly spacingMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A poller against a stand-in; waiting takes no time and moves the clock of both on. */
async function begin({ now: start, spacingMs = 2000, env = {}, ...options }: Beginning) {
  let now = at(start);
  const clock: Clock & { set(iso: string): void } = {
    now: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      now += ms;
    },
    deadline: systemClock.deadline,
    set: (iso) => {
      now = at(iso);
    },
  };
  const ercot = await startErcot({ now: clock.now, points: NODES, ...options });
  const given = {
    ERCOT_NODES: NODES.join(','),
    ERCOT_USERNAME: 'trader@example.com',
    ...SECRETS,
    ERCOT_URL: ercot.url,
    ERCOT_TOKEN_URL: ercot.tokenUrl,
    ...env,
  };
  const settings = readConfig(given, [ERCOT_ENV]).settings(ERCOT_ENV);
  const pacer = { turn: (signal?: AbortSignal) => clock.sleep(spacingMs, signal) };
  const turns: Turns = { of: (name, ms) => (name === 'ercot-login' ? TURNS_AT_ONCE.of(name, ms) : pacer) };
  const source = createErcotSource(settings, sourcePartsOn(clock, turns));
  const poller = createReportPoller(source);
  cleanups.push(
    () => poller.close(),
    () => ercot.close(),
  );
  const poll = (partition: string, position?: number) =>
    collected(poller.poll(partition, position, clock.now(), never));
  return { poller, poll, ercot, clock, settings };
}

async function collected(fetching: AsyncIterable<Fetched>): Promise<Fetched[]> {
  const all: Fetched[] = [];
  for await (const fetched of fetching) all.push(fetched);
  return all;
}

async function factsIn(fetched: readonly Fetched[]) {
  const decoded = await Promise.all(fetched.map(({ payload }) => decodeErcotLmp(payload)));
  expect(decoded.flatMap(({ rejects }) => rejects)).toEqual([]);
  return decoded.flatMap(({ facts }) => facts);
}

function tokensAsked(requests: readonly { readonly path: string }[]): number {
  return requests.filter(({ path }) => path === 'token').length;
}
