import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../domain/instant.ts';
import { CALL_OUTCOMES, type SourceCall } from '../../domain/source-call.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { storeCalls } from '../../tests/support/source-calls.ts';
import { type StoreGateway, startStoreGateway, statementsDuring } from '../../tests/support/store-gateway.ts';

const NOW = Date.parse('2025-07-08T12:00:00Z');
const ago = (minutes: number) => NOW - minutes * MINUTE_MS;
const isoAgo = (minutes: number) => isoFromInstant(ago(minutes));

let db: TestDatabase;
let gateway: StoreGateway;
beforeAll(async () => {
  db = await freshDatabase();
  gateway = await startStoreGateway({ db, clock: () => NOW });
});
afterAll(async () => {
  await gateway.close();
  await db.drop();
});
beforeEach(() => db.pool.query('TRUNCATE api_health_logs, api_alert RESTART IDENTITY'));

interface StoredAlert {
  readonly source: string;
  readonly endpoint?: string;
  readonly kind: 'DOWN' | 'SLOW' | 'AUTH';
  readonly closed?: boolean;
}

async function storeAlert({ source, endpoint, kind, closed = false }: StoredAlert): Promise<void> {
  await db.pool.query(
    `INSERT INTO api_alert (source, endpoint, kind, opened_at, closed_at, detail) VALUES ($1, $2, $3, $4, $5, $6)`,
    [source, endpoint ?? null, kind, new Date(ago(10)), closed ? new Date(ago(5)) : null, `${source} ${kind}`],
  );
}

const SCORES = `query ($window: Int, $source: String) {
  apiHealth(window: $window, source: $source) { source score calls lastCallAt lastSuccessAt }
}`;
const ENDPOINTS = `{
  apiHealth { source endpoints { endpoint calls score outcomes { outcome count } p50Ms p95Ms p99Ms lastError } }
}`;
const WHOLE = `{
  apiHealth {
    source up score calls lastCallAt lastSuccessAt alerts { id kind }
    endpoints { endpoint calls score outcomes { outcome count } p50Ms p95Ms p99Ms lastError }
  }
}`;

describe('the score of a source', () => {
  it('is the share of its calls that were answered: "no data" is an answer, throttling is none', async () => {
    await storeCalls(db.pool, [
      { at: ago(5), outcome: 'OK' },
      { at: ago(4), outcome: 'NO_DATA' },
      { at: ago(3), outcome: 'THROTTLED', status: 429 },
      { at: ago(2), outcome: 'OK', endpoint: 'rt_hrl_lmps' },
      { at: ago(1), outcome: 'TIMEOUT', status: undefined, endpoint: 'rt_hrl_lmps' },
      { at: ago(1), outcome: 'SERVER_ERROR', status: 503, endpoint: 'rt_hrl_lmps' },
      { at: ago(30), outcome: 'OK', source: 'ERCOT', endpoint: 'np4-190-cd' },
    ]);
    expect((await gateway.answer(SCORES)).apiHealth).toEqual([
      { source: 'ERCOT', score: 1, calls: 1, lastCallAt: isoAgo(30), lastSuccessAt: isoAgo(30) },
      { source: 'PJM', score: 0.5, calls: 6, lastCallAt: isoAgo(1), lastSuccessAt: isoAgo(2) },
    ]);
  });

  it('is of the window, whose start is in it; a source that was not asked in it has none, and is there', async () => {
    await storeCalls(db.pool, [{ at: ago(60) }, { at: ago(60) - 1, outcome: 'NETWORK' }]);
    const [ofAnHour] = (await gateway.answer(SCORES)).apiHealth;
    expect(ofAnHour).toMatchObject({ score: 1, calls: 1 });
    const [ofMinutes] = (await gateway.answer(SCORES, { window: 5 })).apiHealth;
    expect(ofMinutes).toEqual({
      source: 'PJM',
      score: null,
      calls: 0,
      lastCallAt: isoAgo(60),
      lastSuccessAt: isoAgo(60),
    });
    const [ofMore] = (await gateway.answer(SCORES, { window: 61 })).apiHealth;
    expect(ofMore).toMatchObject({ score: 0.5, calls: 2 });
  });

  it('is asked for of one source', async () => {
    await storeCalls(db.pool, [{ at: ago(1) }, { at: ago(1), source: 'PJM2' }, { at: ago(1), source: 'CAISO' }]);
    const sources = async (source: string) => (await gateway.answer(SCORES, { source })).apiHealth;
    expect(await sources('PJM')).toMatchObject([{ source: 'PJM' }]);
    expect(await sources('pjm')).toMatchObject([{ source: 'PJM' }]);
  });

  it('is told that there is no such source, and which there are: those of feeds, and those that were called', async () => {
    await storeCalls(db.pool, [{ at: ago(100), source: 'OTHER' }]);
    const { errors } = await gateway.ask(SCORES, { source: 'NOPE' });
    expect(errors).toMatchObject([
      {
        extensions: { code: 'BAD_USER_INPUT' },
        message: 'there is no source "NOPE"; there are CAISO, CKW, ERCOT, ISO-NE, MISO, NYISO, OTHER, PJM, SPP',
      },
    ]);
    expect((await gateway.answer(SCORES, { source: 'iso-ne' })).apiHealth).toEqual([]);
    expect((await gateway.answer(SCORES, { source: 'other' })).apiHealth).toMatchObject([{ source: 'OTHER' }]);
  });

  it('takes a window of a minute to a week', async () => {
    const refusal = async (window: number) => (await gateway.ask(SCORES, { window })).errors?.[0]?.extensions;
    expect(await refusal(0)).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await refusal(10_081)).toMatchObject({ code: 'LIMIT_EXCEEDED', limit: 'healthMinutes', max: 10_080 });
    expect(await refusal(1)).toBeUndefined();
    expect(await refusal(10_080)).toBeUndefined();
  });
});

describe('an endpoint', () => {
  it('has the percentiles of its answered calls, interpolated between them', async () => {
    // 100, 200, … 1,000 ms: the median lies between the fifth and the sixth.
    const answered = Array.from({ length: 10 }, (_, place) => ({ at: ago(10 - place), latencyMs: 100 * (place + 1) }));
    await storeCalls(db.pool, [
      ...answered,
      { at: ago(1), outcome: 'TIMEOUT', latencyMs: 60_000, status: undefined, error: 'nothing within 60 s' },
      { at: ago(61), latencyMs: 9_999 },
    ]);
    const [{ endpoints }] = (await gateway.answer(ENDPOINTS)).apiHealth;
    expect(endpoints).toEqual([
      {
        endpoint: 'da_hrl_lmps',
        calls: 11,
        score: 10 / 11,
        outcomes: [
          { outcome: 'OK', count: 10 },
          { outcome: 'TIMEOUT', count: 1 },
        ],
        // At 4.5, 8.55 and 8.91 steps of 100 ms from the lowest.
        p50Ms: 550,
        p95Ms: expect.closeTo(955, 6),
        p99Ms: expect.closeTo(991, 6),
        lastError: 'nothing within 60 s',
      },
    ]);
  });

  it('that answered nothing has no percentile, and says how it ended where nothing was said', async () => {
    await storeCalls(db.pool, [
      { at: ago(2), outcome: 'REFUSED', status: 404, error: 'status 404' },
      { at: ago(1), outcome: 'NETWORK', status: undefined },
    ]);
    const [{ endpoints }] = (await gateway.answer(ENDPOINTS)).apiHealth;
    expect(endpoints).toMatchObject([{ score: 0, p50Ms: null, p95Ms: null, p99Ms: null, lastError: 'NETWORK' }]);
  });

  it('counts every way a call can end', async () => {
    await storeCalls(
      db.pool,
      CALL_OUTCOMES.map((outcome) => ({ at: ago(1), outcome })),
    );
    const [{ endpoints }] = (await gateway.answer(ENDPOINTS)).apiHealth;
    expect(endpoints[0].outcomes).toEqual(CALL_OUTCOMES.map((outcome) => ({ outcome, count: 1 })));
    expect(endpoints[0].score).toBe(2 / 9);
  });
});

describe('errors of late', () => {
  const ERRORS = `query ($first: Int) {
    apiHealth { source recentErrors(first: $first) { at endpoint outcome status error } }
  }`;

  it('are the newest calls of the window that were not answered', async () => {
    const failed: Partial<SourceCall> = { outcome: 'SERVER_ERROR', status: 503, error: 'status 503' };
    await storeCalls(db.pool, [
      { at: ago(70), ...failed },
      { at: ago(4), ...failed },
      { at: ago(3) },
      { at: ago(2), outcome: 'NETWORK', status: undefined, error: 'ECONNRESET', endpoint: 'login' },
      { at: ago(1), outcome: 'NO_DATA' },
      { at: ago(1), source: 'ERCOT' },
    ]);
    const { apiHealth } = await gateway.answer(ERRORS);
    const [newest, older] = [
      { at: isoAgo(2), endpoint: 'login', outcome: 'NETWORK', status: null, error: 'ECONNRESET' },
      { at: isoAgo(4), endpoint: 'da_hrl_lmps', outcome: 'SERVER_ERROR', status: 503, error: 'status 503' },
    ];
    expect(apiHealth).toEqual([
      { source: 'ERCOT', recentErrors: [] },
      { source: 'PJM', recentErrors: [newest, older] },
    ]);
    const { apiHealth: one } = await gateway.answer(ERRORS, { first: 1 });
    expect(one[1].recentErrors).toEqual([newest]);
  });

  it('are refused where there are to be none, or too many in one answer', async () => {
    await storeCalls(db.pool, [{ at: ago(1) }, { at: ago(1), source: 'ERCOT' }]);
    const refusal = async (first: number) => (await gateway.ask(ERRORS, { first })).errors?.[0]?.extensions;
    expect(await refusal(0)).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await refusal(5_001)).toMatchObject({ code: 'LIMIT_EXCEEDED', limit: 'sourceErrors', asked: 10_002 });
    expect(await refusal(5_000)).toBeUndefined();
  });
});

it('the whole is one statement however many sources there are, and one more for the errors', async () => {
  const withErrors = WHOLE.replace('alerts', 'recentErrors(first: 5) { at } alerts');
  await storeCalls(db.pool, [{ at: ago(1) }]);
  expect(await statementsDuring(db, () => gateway.answer(WHOLE))).toBe(1);
  expect(await statementsDuring(db, () => gateway.answer(withErrors))).toBe(2);
  const many = Array.from({ length: 30 }, (_, place) => [
    { at: ago(1), source: `S${place}`, outcome: 'NETWORK' as const },
    { at: ago(2), source: `S${place}`, endpoint: 'other' },
  ]);
  await storeCalls(db.pool, many.flat());
  expect(await statementsDuring(db, () => gateway.answer(WHOLE))).toBe(1);
  expect(await statementsDuring(db, () => gateway.answer(withErrors))).toBe(2);
  expect((await gateway.answer(WHOLE)).apiHealth).toHaveLength(31);
});

describe('a source is up', () => {
  const UPS = '{ apiHealth { source up alerts { source endpoint kind closedAt detail } } }';

  it('unless an open alert says that a part of it is down, or that it does not know us', async () => {
    await storeCalls(
      db.pool,
      ['A', 'B', 'C', 'D'].map((source) => ({ at: ago(1), source })),
    );
    await storeAlert({ source: 'A', endpoint: 'da_hrl_lmps', kind: 'DOWN' });
    await storeAlert({ source: 'B', kind: 'AUTH' });
    await storeAlert({ source: 'C', endpoint: 'da_hrl_lmps', kind: 'SLOW' });
    await storeAlert({ source: 'D', endpoint: 'da_hrl_lmps', kind: 'DOWN', closed: true });
    const open = { closedAt: null };
    expect((await gateway.answer(UPS)).apiHealth).toEqual([
      {
        source: 'A',
        up: false,
        alerts: [{ ...open, source: 'A', endpoint: 'da_hrl_lmps', kind: 'DOWN', detail: 'A DOWN' }],
      },
      { source: 'B', up: false, alerts: [{ ...open, source: 'B', endpoint: null, kind: 'AUTH', detail: 'B AUTH' }] },
      {
        source: 'C',
        up: true,
        alerts: [{ ...open, source: 'C', endpoint: 'da_hrl_lmps', kind: 'SLOW', detail: 'C SLOW' }],
      },
      { source: 'D', up: true, alerts: [] },
    ]);
  });
});

describe('a source without any alert', () => {
  const UP = 'query ($window: Int) { apiHealth(window: $window) { up score } }';

  it('is not up where the window has calls and none was answered, unless there is one call only', async () => {
    const throttled = { outcome: 'THROTTLED', status: 429 } as const;
    await storeCalls(db.pool, [
      { at: ago(10), ...throttled },
      { at: ago(5), endpoint: 'other', ...throttled },
      { at: ago(40), outcome: 'NO_DATA' },
    ]);
    const ups = async (window: number) => (await gateway.answer(UP, { window })).apiHealth;
    expect(await ups(30)).toEqual([{ up: false, score: 0 }]);
    expect(await ups(7)).toEqual([{ up: true, score: 0 }]);
    expect(await ups(60)).toEqual([{ up: true, score: 1 / 3 }]);
    expect(await ups(1)).toEqual([{ up: true, score: null }]);
  });
});

describe('alerts', () => {
  const ALERTS = `query ($open: Boolean, $first: Int, $after: String) {
    apiAlerts(open: $open, first: $first, after: $after) {
      edges { node { id source kind openedAt closedAt } } pageInfo { endCursor hasNextPage }
    }
  }`;
  const sources = async (variables: Record<string, unknown>) =>
    (await gateway.answer(ALERTS, variables)).apiAlerts.edges.map(
      ({ node }: { readonly node: { readonly source: string } }) => node.source,
    );
  beforeEach(async () => {
    await storeAlert({ source: 'A', kind: 'DOWN' });
    await storeAlert({ source: 'B', kind: 'DOWN', closed: true });
    await storeAlert({ source: 'C', kind: 'AUTH' });
  });

  it('are listed newest first: all, the open ones, those that have passed', async () => {
    expect(await sources({})).toEqual(['C', 'B', 'A']);
    expect(await sources({ open: true })).toEqual(['C', 'A']);
    expect(await sources({ open: false })).toEqual(['B']);
  });

  it('are paged through', async () => {
    const first = (await gateway.answer(ALERTS, { open: true, first: 1 })).apiAlerts;
    expect(first).toEqual({
      edges: [{ node: { id: '3', source: 'C', kind: 'AUTH', openedAt: isoAgo(10), closedAt: null } }],
      pageInfo: { endCursor: expect.any(String), hasNextPage: true },
    });
    const second = (await gateway.answer(ALERTS, { open: true, first: 1, after: first.pageInfo.endCursor })).apiAlerts;
    expect(second.edges).toMatchObject([{ node: { source: 'A' } }]);
    expect(second.pageInfo.hasNextPage).toBe(false);
  });
});

describe('calls of a week', () => {
  it('are all looked at where that is the window', async () => {
    const hourly = Array.from({ length: 7 * 24 }, (_, hours) => ({ at: NOW - hours * HOUR_MS, latencyMs: 1 }));
    await storeCalls(db.pool, hourly);
    const [week] = (await gateway.answer(SCORES, { window: 10_080 })).apiHealth;
    expect(week).toMatchObject({ calls: 7 * 24, score: 1 });
  });
});
