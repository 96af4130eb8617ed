import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, MINUTE_MS } from '../../domain/instant.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { createJobBench } from '../../tests/support/job-bench.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { storeCalls } from '../../tests/support/source-calls.ts';
import { alertsOfSources, watchSources } from './alerts.ts';
import { readStandings } from './endpoint-standings.ts';
import { tellSourcesUp } from './source-up.ts';

const NOW = Date.parse('2025-07-08T12:00:00Z');
const ago = (minutes: number) => NOW - minutes * MINUTE_MS;

let db: TestDatabase;
let lines: Record<string, unknown>[];
let now: number;
beforeEach(async () => {
  db = await freshDatabase();
  lines = [];
  now = NOW;
});
afterEach(() => db.drop());

const parts = () => ({
  pool: db.pool,
  log: pino(
    { base: null, timestamp: false, formatters: { level: (level) => ({ level }) } },
    { write: (line: string) => lines.push(JSON.parse(line)) },
  ),
  clock: () => now,
});
const alerts = async () =>
  (await db.pool.query('SELECT source, endpoint, kind, opened_at, closed_at, detail FROM api_alert ORDER BY id')).rows;
const fail = (from: number, count: number) =>
  storeCalls(
    db.pool,
    Array.from({ length: count }, (_, place) => ({ at: ago(from - place), outcome: 'NETWORK', error: 'ECONNRESET' })),
  );
const DOWN = {
  source: 'PJM',
  endpoint: 'da_hrl_lmps',
  kind: 'DOWN',
  detail: 'the last 5 calls of da_hrl_lmps failed: ECONNRESET',
};

describe('an alert', () => {
  it('is opened once and closed once, with a line each, however often it is looked', async () => {
    await fail(10, 5);
    for (let look = 0; look < 3; look += 1) await watchSources(parts());
    expect(await alerts()).toEqual([{ ...DOWN, opened_at: new Date(NOW), closed_at: null }]);
    expect(lines).toEqual([{ level: 'warn', msg: 'alert opened', ...DOWN }]);

    now += 2 * MINUTE_MS;
    await storeCalls(db.pool, [{ at: now - 2_000 }, { at: now - 1_000 }]);
    for (let look = 0; look < 3; look += 1) await watchSources(parts());
    expect(await alerts()).toEqual([{ ...DOWN, opened_at: new Date(NOW), closed_at: new Date(now) }]);
    const { detail: _, ...place } = DOWN;
    expect(lines.slice(1)).toEqual([{ level: 'info', msg: 'alert closed', ...place, openMs: 2 * MINUTE_MS }]);
  });

  it('is opened once where two look at the same time', async () => {
    await fail(10, 5);
    await Promise.all(Array.from({ length: 5 }, () => watchSources(parts())));
    expect(await alerts()).toHaveLength(1);
    expect(lines).toHaveLength(1);
  });

  it('is none where all goes well, or the source only throttles', async () => {
    const minutes = [1, 2, 3, 4, 5, 6];
    await storeCalls(
      db.pool,
      minutes.flatMap((each) => [
        { at: ago(each), outcome: 'THROTTLED' as const, endpoint: 'throttling' },
        { at: ago(each), outcome: 'NO_DATA' as const, endpoint: 'nothing yet' },
        { at: ago(each) },
      ]),
    );
    await watchSources(parts());
    expect(await alerts()).toEqual([]);
  });

  it('of slow answers is by the percentiles of the store', async () => {
    const minutes = (count: number) => Array.from({ length: count }, (_, place) => place + 1);
    await storeCalls(db.pool, [
      ...minutes(30).map((each) => ({ at: ago(15 + each), latencyMs: 1_000 })),
      ...minutes(10).map((each) => ({ at: ago(each), latencyMs: 5_100 })),
      { at: ago(1), outcome: 'TIMEOUT' as const, latencyMs: 99_000 },
    ]);
    await watchSources(parts());
    const detail = '95 of 100 answers of da_hrl_lmps take up to 5100 ms, usually half of them within 1000 ms';
    expect(await alerts()).toMatchObject([{ source: 'PJM', endpoint: 'da_hrl_lmps', kind: 'SLOW', detail }]);
  });

  it('of refused credentials is of the whole source', async () => {
    const refused = { outcome: 'AUTH', status: 401, error: 'status 401' } as const;
    await storeCalls(db.pool, [
      { at: ago(2), ...refused },
      { at: ago(1), ...refused },
    ]);
    await watchSources(parts());
    const detail = 'the credentials are refused at da_hrl_lmps: status 401';
    expect(await alerts()).toMatchObject([{ source: 'PJM', endpoint: null, kind: 'AUTH', detail }]);
  });

  it('closes when nobody has asked for a day', async () => {
    await fail(10, 5);
    await watchSources(parts());
    now += DAY_MS - 7 * MINUTE_MS;
    await watchSources(parts());
    expect(await alerts()).toMatchObject([{ closed_at: null }]);
    now += 2 * MINUTE_MS;
    await watchSources(parts());
    expect(await alerts()).toMatchObject([{ closed_at: new Date(now) }]);
  });
});

describe('the standing of an endpoint', () => {
  it('is its newest calls of a day, what it takes now, and what it took before', async () => {
    await storeCalls(db.pool, [
      { at: ago(24 * 60), outcome: 'NETWORK' },
      { at: ago(20), latencyMs: 40 },
      { at: ago(15), latencyMs: 60 },
      { at: ago(14), latencyMs: 3_000, outcome: 'NO_DATA' },
      { at: ago(1), latencyMs: 2_000 },
      { at: ago(1), latencyMs: 9_000, outcome: 'NETWORK', error: 'gone' },
      { at: ago(3 * 24 * 60), endpoint: 'old' },
    ]);
    const call = (minutes: number, outcome = 'OK', error: string | null = null) => ({
      at: ago(minutes),
      outcome,
      error,
    });
    const [da, old] = await readStandings(db.pool, NOW);
    expect(da).toEqual({
      source: 'PJM',
      endpoint: 'da_hrl_lmps',
      newest: [call(1, 'NETWORK', 'gone'), call(1), call(14, 'NO_DATA'), call(15), call(20)],
      answers: 2,
      p95Ms: 2_950,
      usualAnswers: 2,
      usualMs: 50,
    });
    expect(old).toMatchObject({ endpoint: 'old', newest: [], answers: 0, p95Ms: null, usualAnswers: 0, usualMs: null });
  });
});

describe('the gauge of sources that are up', () => {
  it('follows the alerts in the store, whoever opened them', async () => {
    const metrics = createMetrics();
    const told = async () => {
      await tellSourcesUp(db.pool, metrics, NOW);
      return (await metrics.sourceUp.get()).values.map(({ labels, value }) => `${labels.source} ${value}`).sort();
    };
    await storeCalls(db.pool, [
      { at: ago(1), source: 'ERCOT' },
      { at: ago(1), source: 'ERCOT', endpoint: 'login' },
      { at: ago(30) },
    ]);
    await fail(10, 5);
    expect(await told()).toEqual(['ERCOT 1', 'PJM 1']);
    await watchSources(parts());
    expect(await told()).toEqual(['ERCOT 1', 'PJM 0']);
  });

  it('is 0 where two calls of the hour were made and none was answered, whatever the alerts say', async () => {
    const metrics = createMetrics();
    const throttled = { outcome: 'THROTTLED' } as const;
    await storeCalls(db.pool, [
      { at: ago(1), source: 'A', endpoint: 'a', ...throttled },
      { at: ago(59), source: 'A', endpoint: 'b', ...throttled },
      { at: ago(1), source: 'B', ...throttled },
      { at: ago(61), source: 'B', ...throttled },
      { at: ago(1), source: 'C', ...throttled },
      { at: ago(59), source: 'C', outcome: 'NO_DATA' },
    ]);
    await tellSourcesUp(db.pool, metrics, NOW);
    const { values } = await metrics.sourceUp.get();
    expect(values.map(({ labels, value }) => `${labels.source} ${value}`).sort()).toEqual(['A 0', 'B 1', 'C 1']);
  });

  it('tells nothing while the store is away', async () => {
    const metrics = createMetrics();
    await storeCalls(db.pool, [{ at: ago(1) }]);
    await tellSourcesUp(db.pool, metrics, NOW);
    const away = await freshDatabase();
    await away.drop();
    await tellSourcesUp(away.pool, metrics, NOW);
    expect((await metrics.sourceUp.get()).values).toEqual([]);
  });
});

it('the store is looked at again and again by whoever takes part in all there is', async () => {
  await fail(10, 5);
  const bench = await createJobBench(db, []);
  await bench.startWorkers({ recurring: [alertsOfSources(parts())] });
  await expect.poll(alerts, { timeout: 10_000 }).toHaveLength(1);
  await expect
    .poll(async () => {
      const { rows } = await db.pool.query(
        `SELECT run_at > now() AS later FROM graphile_worker.jobs WHERE task_identifier = 'monitor/alerts' AND locked_at IS NULL`,
      );
      return rows;
    })
    .toEqual([{ later: true }]);
  await bench.close();
});
