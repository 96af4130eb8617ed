/**
 * PostGraphile 5, which needs Node 22. It and that Node are a package folder of its own (half a gigabyte), installed the first time
 * that the bench asks for it, so that nobody else has to.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';

export interface Postgraphile {
  readonly pid: number;
  readonly url: string;
  /** Of Node: another than everybody else's. */
  readonly node: string;
  kill(): Promise<void>;
}

const FOLDER = fileURLToPath(new URL('postgraphile/', import.meta.url));

/**
 * Its field is made of a function of the store, which Postgres inlines: the same rows by the same way as everybody else's.
 * @throws Error where it cannot be had.
 */
export async function startPostgraphile(pool: pg.Pool, databaseUrl: string): Promise<Postgraphile> {
  await install();
  await pool.query(SCHEMA);
  const child = spawn(`${FOLDER}node_modules/.bin/node`, ['server.js'], {
    cwd: FOLDER,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DATABASE_URL: databaseUrl, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').catch(() => {});
  const { node, port } = await said(child);
  return {
    pid: child.pid ?? Number.NaN,
    url: `http://127.0.0.1:${port}/graphql`,
    node,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const SCHEMA = `
  CREATE SCHEMA peer;
  CREATE TYPE peer.price AS (start timestamptz, lmp float8, energy float8, congestion float8, loss float8);
  CREATE FUNCTION peer.prices(node text, starts timestamptz, ends timestamptz) RETURNS SETOF peer.price
  LANGUAGE sql STABLE AS $$
    SELECT l.interval_start, l.lmp, l.energy, l.congestion, l.loss
    FROM public.pricing_node AS n JOIN public.lmp AS l ON l.node_id = n.id
    WHERE n.market_id = split_part(node, ':', 1) AND n.name = split_part(node, ':', 2) AND l.run = 'REAL_TIME_5_MIN'
      AND l.interval_start >= starts AND l.interval_start < ends
    ORDER BY l.interval_start
  $$`;

/** By the lock; npm notes in the folder what it has installed. */
async function install(): Promise<void> {
  const [wanted, installed] = await Promise.all(
    ['package-lock.json', 'node_modules/.package-lock.json'].map((file) => stat(`${FOLDER}${file}`).catch(() => null)),
  );
  if (wanted && installed && installed.mtimeMs >= wanted.mtimeMs) return;
  const npm = spawn('npm', ['ci', '--loglevel=error'], { cwd: FOLDER, stdio: ['ignore', 2, 2] });
  const [code] = await once(npm, 'exit');
  if (code !== 0) throw new Error(`npm ci ended with ${code}`);
}

async function said(child: ChildProcess): Promise<{ node: string; port: string }> {
  let node = '';
  for await (const line of child.stdout ? createInterface({ input: child.stdout }) : []) {
    node ||= /^node (v\S+)/.exec(line)?.[1] ?? '';
    const port = /listening on port (\d+)/.exec(line)?.[1];
    if (port) return { node, port };
  }
  throw new Error('it ended before it listened');
}
