import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../prisma/pool.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { sourceCall } from '../../tests/support/source-calls.ts';
import { startTcpProxy, type TcpProxy } from '../../tests/support/tcp-proxy.ts';
import { type CallLog, type CallLogParts, createCallLog } from './call-log.ts';
import { writeCalls } from './write-calls.ts';

const AT = Date.parse('2025-07-08T12:00:00.123Z');
const AN_HOUR_MS = 3_600_000;

let db: TestDatabase;
/** The way to the store, which a test can cut. */
let proxy: TcpProxy;
let pool: TestDatabase['pool'];
let logs: CallLog[];
let lines: { readonly level: string; readonly msg: string }[];
beforeEach(async () => {
  db = await freshDatabase();
  const url = new URL(db.url);
  proxy = await startTcpProxy(Number(url.port));
  url.port = String(proxy.port);
  pool = createPool({ url: url.href, max: 2 });
  logs = [];
  lines = [];
});
afterEach(async () => {
  await Promise.all(logs.map((log) => log.stop()));
  await pool.end();
  await proxy.close();
  await db.drop();
});

function start(other: Partial<CallLogParts> = {}) {
  const metrics = createMetrics();
  const log = pino(
    { level: 'info', formatters: { level: (level) => ({ level }) } },
    { write: (line: string) => lines.push(JSON.parse(line)) },
  );
  const calls = createCallLog({ pool, metrics, log, everyMs: 5, ...other });
  logs.push(calls);
  return { calls, metrics };
}

const stored = async () =>
  (await db.pool.query<{ endpoint: string }>('SELECT endpoint FROM api_health_logs ORDER BY seq')).rows.map(
    ({ endpoint }) => endpoint,
  );
const endpoints = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, place) => `e${from + place}`);
const dropped = async ({ sourceCallsDropped }: ReturnType<typeof createMetrics>) =>
  (await sourceCallsDropped.get()).values[0]?.value;

describe('a call to a source', () => {
  it('is in the store a little later, with all that is known of it', async () => {
    const { calls } = start();
    calls.made(sourceCall({ at: AT, latencyMs: 12.5, bytes: 2 ** 33 }));
    calls.made(sourceCall({ at: AT + 1, outcome: 'NETWORK', status: undefined, error: 'ECONNRESET' }));
    await expect.poll(stored).toHaveLength(2);
    const { rows } = await db.pool.query('SELECT * FROM api_health_logs ORDER BY called_at');
    const common = { source: 'PJM', endpoint: 'da_hrl_lmps', process: expect.stringContaining(`/${process.pid}/`) };
    expect(rows).toEqual([
      {
        ...common,
        called_at: new Date(AT),
        seq: 1,
        outcome: 'OK',
        status: 200,
        latency_ms: 12.5,
        bytes: 2 ** 33,
        error: null,
      },
      {
        ...common,
        called_at: new Date(AT + 1),
        seq: 2,
        outcome: 'NETWORK',
        status: null,
        latency_ms: 100,
        bytes: 1_000,
        error: 'ECONNRESET',
      },
    ]);
  });

  it('is counted and timed by source and endpoint', async () => {
    const { calls, metrics } = start();
    calls.made(sourceCall({ latencyMs: 250 }));
    calls.made(sourceCall({ latencyMs: 750 }));
    calls.made(sourceCall({ outcome: 'THROTTLED' }));
    const text = await metrics.registry.metrics();
    const labels = 'source="PJM",endpoint="da_hrl_lmps"';
    expect(text).toContain(`busbar_source_calls_total{${labels},outcome="OK"} 2`);
    expect(text).toContain(`busbar_source_calls_total{${labels},outcome="THROTTLED"} 1`);
    expect(text).toContain(`busbar_source_call_seconds_sum{${labels}} 1.1`);
    expect(text).toContain(`busbar_source_call_seconds_bucket{le="0.25",${labels}} 2`);
  });

  it('is told in text that the store can hold, and no page of it', async () => {
    const { calls } = start();
    calls.made(sourceCall({ outcome: 'MALFORMED', error: `a\0b \ud800 ${'x'.repeat(5_000)}` }));
    await expect.poll(stored).toHaveLength(1);
    const { rows } = await db.pool.query<{ error: string }>('SELECT error FROM api_health_logs');
    expect(rows[0]?.error).toMatch(/^a\u2400b \ufffd x{490,}$/);
    expect(rows[0]?.error.length).toBe(500);
  });

  it('that makes no sense throws nothing, and does not hold up those after it', async () => {
    const { calls, metrics } = start();
    calls.made(sourceCall({ endpoint: 'nonsense', status: 100_000, latencyMs: Number.NaN }));
    await expect.poll(() => dropped(metrics)).toBe(1);
    calls.made(sourceCall({ endpoint: 'sound' }));
    await expect.poll(stored).toEqual(['sound']);
  });
});

describe('calls that the store refuses', () => {
  it('are dropped by themselves: those that came with them are written', async () => {
    const { calls, metrics } = start({ everyMs: AN_HOUR_MS });
    for (const endpoint of endpoints(1, 1_000)) {
      const isRefused = endpoint === 'e1' || endpoint === 'e500' || endpoint === 'e1000';
      calls.made(sourceCall({ endpoint, ...(isRefused && { status: 100_000 }) }));
    }
    await calls.stop();
    expect(await stored()).toEqual([...endpoints(2, 499), ...endpoints(501, 999)]);
    expect(await dropped(metrics)).toBe(3);
    expect(lines).toMatchObject([{ msg: 'calls to sources were refused by the store', calls: 3 }]);
  });

  it('are counted once where the store goes away in between', async () => {
    const { calls, metrics } = start({ everyMs: 20 });
    const hold = proxy.holdAt('INSERT INTO api_health_logs');
    calls.made(sourceCall({ endpoint: 'refused', status: 100_000 }));
    for (const endpoint of endpoints(1, 3)) calls.made(sourceCall({ endpoint }));
    await hold.reached;
    proxy.refuse(true);
    proxy.cut();
    hold.release();
    await expect.poll(() => lines.length).toBe(1);
    proxy.refuse(false);
    await expect.poll(stored).toEqual(endpoints(1, 3));
    expect(await dropped(metrics)).toBe(1);
  });
});

describe('while the store is away', () => {
  it('calls wait, and are written once it is back', async () => {
    const { calls, metrics } = start();
    calls.made(sourceCall({ endpoint: 'e1' }));
    await expect.poll(stored).toEqual(['e1']);
    proxy.refuse(true);
    proxy.cut();
    for (const endpoint of endpoints(2, 40)) calls.made(sourceCall({ endpoint }));
    await expect
      .poll(() => lines)
      .toContainEqual(expect.objectContaining({ msg: 'calls to sources wait for the store' }));
    expect(await stored()).toEqual(['e1']);
    proxy.refuse(false);
    await expect.poll(stored).toEqual(endpoints(1, 40));
    expect(await dropped(metrics)).toBe(0);
    await expect
      .poll(() => lines.map(({ level, msg }) => `${level}: ${msg}`))
      .toEqual(['warn: calls to sources wait for the store', 'info: calls to sources are written again']);
  });

  it('only so many wait: the oldest are dropped, and counted', async () => {
    proxy.refuse(true);
    const { calls, metrics } = start({ waitingMax: 10 });
    for (const endpoint of endpoints(1, 25)) calls.made(sourceCall({ endpoint }));
    await expect.poll(() => dropped(metrics)).toBe(15);
    await expect.poll(() => lines).toHaveLength(1);
    proxy.refuse(false);
    await expect.poll(stored).toEqual(endpoints(16, 25));
    expect(await dropped(metrics)).toBe(15);
  });

  it('what is being written is not dropped for what comes meanwhile', async () => {
    const { calls, metrics } = start({ waitingMax: 3 });
    const hold = proxy.holdAt('INSERT INTO api_health_logs');
    for (const endpoint of endpoints(1, 3)) calls.made(sourceCall({ endpoint }));
    await hold.reached;
    for (const endpoint of endpoints(4, 8)) calls.made(sourceCall({ endpoint }));
    hold.release();
    await expect.poll(stored).toEqual([...endpoints(1, 3), ...endpoints(6, 8)]);
    expect(await dropped(metrics)).toBe(2);
  });

  it('the end of the process does not wait for it', async () => {
    proxy.freezeNew(true);
    const { calls } = start();
    calls.made(sourceCall({}));
    const began = performance.now();
    await calls.stop();
    expect(performance.now() - began).toBeLessThan(4_000);
    proxy.freezeNew(false);
    proxy.cut();
  });
});

it('a batch whose commit nobody heard of is there once', async () => {
  const batch = endpoints(1, 5).map((endpoint, place) => ({ ...sourceCall({ endpoint }), seq: place + 1 }));
  await writeCalls(db.pool, 'a process', batch);
  await writeCalls(db.pool, 'a process', batch);
  await writeCalls(db.pool, 'another process', batch.slice(0, 1));
  expect(await stored()).toHaveLength(6);
});

it('what is left when the process ends is written, in as few statements as it takes', async () => {
  const { calls } = start({ everyMs: AN_HOUR_MS });
  for (const endpoint of endpoints(1, 2_500)) calls.made(sourceCall({ endpoint }));
  let statements = 0;
  pool.on('acquire', () => {
    statements += 1;
  });
  await calls.stop();
  expect(await stored()).toEqual(endpoints(1, 2_500));
  expect(statements).toBe(3);
});
