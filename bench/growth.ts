/**
 * Query latency as prices grow from 1 to 100 million rows of `lmp`: stores of one Postgres, each behind a gateway of its own,
 * asked in turns over HTTP, one question at a time. Each question is of other nodes and another time, anywhere in the history, so
 * that no part of it is warmer than another. The key of prices is read once before, as that of a store in use has been, and fits the
 * memory: a page that is in none of the caches would take what the disk takes.
 *
 * `GROWTH_ROWS=100000,1000000` for other sizes, the smallest of which the others are compared with.
 */
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { type Running, startProgram } from '../tests/support/processes.ts';
import { openBenchStore } from './bench-store.ts';
import { type Asked, askInTurns } from './growth/asking.ts';
import { fillPrices } from './growth/fill.ts';
import { planOf } from './growth/plans.ts';
import { type Case, casesOf } from './growth/questions.ts';
import { shapeOf } from './growth/shape.ts';
import { backendsOf, cpuTimesOf, usBetween } from './query/cpu.ts';
import { summary } from './summary.ts';

const ROWS = '1000000,10000000,100000000';
/** With its index: 2.27 GB at ten million rows. */
const BYTES_A_ROW = 240;
/** The log, and what is sorted for an index. */
const BYTES_BESIDE = 5e9;
const WARM_UP_SHARE = 0.2;

type Store = Awaited<ReturnType<typeof openStore>>;

export async function run() {
  const shapes = sizes().map(shapeOf);
  await requireDisk(shapes.reduce((sum, { rows }) => sum + rows, 0));
  const bench = await openBenchStore();
  const running: Running[] = [];
  const close = async () => {
    await Promise.all(running.map((program) => program.kill()));
    await bench.close();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void close().then(() => process.exit(130)));
  try {
    const stores: Store[] = [];
    for (const shape of shapes) stores.push(await openStore(bench, shape, running));
    for (const { pool } of stores) await warmKey(pool);
    const days = Math.min(31, ...shapes.map((shape) => shape.days));
    const results: Record<string, object> = {};
    for (const [name, asked] of Object.entries(casesOf(days))) {
      say(`asking ${name}`);
      results[name] = await measured(stores, asked);
    }
    return {
      load: { questionsUnderWay: 1, run: 'REAL_TIME_5_MIN', fields: 5, monthDays: days },
      stores: Object.fromEntries(stores.map(({ name, filled }) => [name, filled])),
      baseline: stores[0]?.name,
      ...results,
      atMost: 1.5,
    };
  } finally {
    await close();
  }
}

function sizes(): number[] {
  const given = (process.env.GROWTH_ROWS ?? ROWS).split(',').map(Number);
  if (given.every((rows) => Number.isSafeInteger(rows) && rows >= 100_000)) return given.sort((a, b) => a - b);
  throw new Error('GROWTH_ROWS: numbers of rows with commas in between, each 100000 or more');
}

async function requireDisk(rows: number): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir());
  const [needed, free] = [rows * BYTES_A_ROW + BYTES_BESIDE, bavail * bsize].map((bytes) => Math.ceil(bytes / 1e9));
  if (Number(free) < Number(needed)) throw new Error(`${tmpdir()} has ${free} GB free where ${needed} GB are needed`);
  say(`${needed} GB of ${free} GB free in ${tmpdir()} are needed`);
}

/** @param running takes its gateway. */
async function openStore(
  bench: Awaited<ReturnType<typeof openBenchStore>>,
  shape: ReturnType<typeof shapeOf>,
  running: Running[],
) {
  const name = `rows${shape.rows.toExponential(0).replace('+', '')}`;
  const { pool, url } = await bench.fresh(`growth_${shape.rows}`);
  const startedAt = performance.now();
  await fillPrices(url, shape, (rows) => say(`${name}: ${rows} of ${shape.rows}`));
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const { rows: sizes } = await pool.query<{ bytes: number }>(`SELECT pg_total_relation_size('lmp') AS bytes`);
  const program = startProgram('bench/query/busbar.ts', { DATABASE_URL: url, NODE_ENV: 'production' });
  running.push(program);
  const [, port] = await program.sees(/listening on port (\d+)/);
  const { rows, nodes, days } = shape;
  const filled = { rows, nodes, days, gb: Math.round((sizes[0]?.bytes ?? 0) / 1e7) / 100, fillSeconds: seconds };
  const asked: Asked = { url: `http://127.0.0.1:${port}/graphql`, shape };
  return { name, pool, filled, asked, pid: program.pid };
}

/** Into the cache of the operating system, not the few buffers of Postgres. */
async function warmKey(pool: Store['pool']): Promise<void> {
  await pool.query('CREATE EXTENSION IF NOT EXISTS pg_prewarm');
  await pool.query(`SELECT pg_prewarm('lmp_pkey', 'read')`);
}

async function measured(stores: readonly Store[], asked: Case): Promise<object> {
  const targets = stores.map((store) => store.asked);
  await askInTurns(targets, asked, Math.ceil(asked.questions * WARM_UP_SHARE));
  const before = await Promise.all(stores.map(cpuOf));
  const latencies = await askInTurns(targets, asked, asked.questions);
  const after = await Promise.all(stores.map(cpuOf));
  const figures = latencies.map(summary);
  const spent = stores.map((_, place) => ({
    server: cpuUs(before[place]?.server, after[place]?.server) / asked.questions,
    store: cpuUs(before[place]?.store, after[place]?.store) / asked.questions,
  }));
  const plans = [];
  for (const { pool, asked: target } of stores) plans.push(await planOf(pool, asked, target.shape));
  const byName = <Value>(values: readonly Value[]) =>
    Object.fromEntries(stores.map(({ name }, place) => [name, values[place]]));
  const ratios = (values: readonly number[]) => byName(values.map((value) => round(value / (values[0] ?? Number.NaN))));
  return {
    answers: asked.questions,
    latencyUs: byName(figures.map(({ p50, p99 }) => ({ p50: Math.round(p50), p99: Math.round(p99) }))),
    cpuUsPerAnswer: byName(
      spent.map(({ server, store }) => ({ server: Math.round(server), store: Math.round(store) })),
    ),
    plan: byName(plans),
    ratio: {
      p50: ratios(figures.map(({ p50 }) => p50)),
      p99: ratios(figures.map(({ p99 }) => p99)),
      cpu: ratios(spent.map(({ server, store }) => server + store)),
    },
  };
}

async function cpuOf({ pid, pool }: Store) {
  return { server: await cpuTimesOf([pid]), store: await cpuTimesOf(await backendsOf(pool)) };
}

function cpuUs(
  before: Parameters<typeof usBetween>[0] = new Map(),
  after: Parameters<typeof usBetween>[1] = new Map(),
) {
  return usBetween(before, after);
}

function round(ratio: number): number {
  return Math.round(ratio * 100) / 100;
}

function say(line: string): void {
  console.error(line);
}
