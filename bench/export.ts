/**
 * A year of hourly prices of 50 nodes (438,000 rows) by `GET /export/lmp` in each format, read to the end over HTTP. Each format is
 * served by a process of its own, so that the memory is its alone.
 *
 * The baseline: `COPY … TO STDOUT` of the same rows and columns as CSV, piped through node:http by a process that does nothing
 * else.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import type pg from 'pg';
import { FORMATS } from '../gateway/export/formats.ts';
import { openBenchStore } from './bench-store.ts';
import { median } from './summary.ts';

const NODES = 50;
const HOURS = 8_760;
const ROWS = NODES * HOURS;
const ROUNDS = 3;
const FROM = '2025-01-01T00:00:00Z';
const TO = '2026-01-01T00:00:00Z';
const MB = 2 ** 20;

export async function run() {
  const store = await openBenchStore();
  try {
    const { pool, url } = await store.fresh('export');
    const nodes = await storeYear(pool);
    const query = new URLSearchParams({ nodes: nodes.join(), run: 'DAY_AHEAD_HOURLY', from: FROM, to: TO });
    const exported = async (name: string, format: string, coding: string): Promise<Question> => {
      return { name, path: `/export/lmp?${query}&format=${format}`, coding, server: await startServer('busbar', url) };
    };
    const questions: Question[] = [
      { name: 'copy', path: '/', coding: 'identity', server: await startServer('copy', url) },
    ];
    for (const format of FORMATS) questions.push(await exported(format, format, 'identity'));
    questions.push(await exported('csvGzip', 'csv', 'gzip'), await exported('csvBrotli', 'csv', 'br'));
    const figures = new Map<string, Reading[]>(questions.map(({ name }) => [name, []]));
    // In turns, so that what the machine does beside falls on all.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const { name, path, coding, server } of questions) {
        const reading = await server.measure(() => readAll(`${server.url}${path}`, coding));
        // The first round warms the code and the store's pages up.
        if (round > 0) figures.get(name)?.push(reading);
      }
    }
    for (const { server } of questions) server.stop();
    const rates = [...figures].map(([name, readings]) => [name, summaryOf(readings)] as const);
    const copy = rates.find(([name]) => name === 'copy')?.[1].rowsPerSecond ?? Number.NaN;
    return {
      load: { rows: ROWS, nodes: NODES },
      baseline: 'COPY TO STDOUT as CSV, piped through node:http',
      ...Object.fromEntries(
        rates.map(([name, figure]) => [name, { ...figure, ratio: figure.rowsPerSecond / copy }] as const),
      ),
    };
  } finally {
    await store.close();
  }
}

interface Question {
  readonly name: string;
  readonly path: string;
  readonly coding: string;
  readonly server: Server;
}

interface Reading {
  readonly seconds: number;
  readonly bytes: number;
  /** Of the serving process, at most. */
  readonly rssBytes: number;
}

function summaryOf(readings: readonly Reading[]) {
  const seconds = median(readings.map((reading) => reading.seconds));
  return {
    seconds: Math.round(seconds * 1_000) / 1_000,
    rowsPerSecond: Math.round(ROWS / seconds),
    megabytes: Math.round((readings[0]?.bytes ?? 0) / MB),
    peakMemoryMb: Math.round(Math.max(...readings.map(({ rssBytes }) => rssBytes)) / MB),
  };
}

async function storeYear(pool: pg.Pool): Promise<string[]> {
  const names = Array.from({ length: NODES }, (_, at) => `BENCH-${String(at).padStart(2, '0')}`);
  await pool.query(`INSERT INTO pricing_node (market_id, name) SELECT 'PJM', unnest($1::text[])`, [names]);
  await pool.query(
    `INSERT INTO lmp (node_id, run, interval_start, interval_end, operating_day, lmp, energy, congestion, loss, quality,
                      published_at, published_seq, recorded_at, ledger_id)
     SELECT n.id, 'DAY_AHEAD_HOURLY', at, at + INTERVAL '1 hour', (at AT TIME ZONE 'America/New_York')::date,
            e + c + l, e, c, l, 0, at - INTERVAL '1 day', 0, at - INTERVAL '1 day', 1
     FROM generate_series(0, $2::int - 1) AS hour
     CROSS JOIN unnest($1::text[]) AS asked (name)
     JOIN pricing_node AS n ON n.market_id = 'PJM' AND n.name = asked.name
     CROSS JOIN LATERAL (SELECT $3::timestamptz + hour * INTERVAL '1 hour' AS at,
       round((30 + 20 * sin(hour / 24.0 + n.id))::numeric, 2)::float8 AS e,
       round((5 * cos(hour / 7.0 * n.id))::numeric, 6)::float8 AS c, round((hour % 31 / 20.0)::numeric, 6)::float8 AS l) AS made`,
    [names, HOURS, FROM],
  );
  await pool.query('VACUUM ANALYZE lmp');
  return names.map((name) => `PJM:${name}`);
}

interface Server {
  readonly url: string;
  measure(work: () => Promise<number>): Promise<Reading>;
  stop(): void;
}

async function startServer(name: 'busbar' | 'copy', databaseUrl: string): Promise<Server> {
  const child = fork(new URL(`export/${name}.ts`, import.meta.url), [databaseUrl], { execArgv: ['--import', 'tsx'] });
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  const ask = async (what: 'begin' | 'end') => {
    child.send(what);
    const [answer] = (await once(child, 'message')) as [{ rssBytes: number }];
    return answer.rssBytes;
  };
  return {
    url,
    measure: async (work) => {
      await ask('begin');
      const startedAt = performance.now();
      const bytes = await work();
      const seconds = (performance.now() - startedAt) / 1_000;
      return { seconds, bytes, rssBytes: await ask('end') };
    },
    stop: () => child.kill(),
  };
}

function readAll(asked: string, coding: string): Promise<number> {
  return new Promise((read, failed) => {
    get(asked, { headers: { 'accept-encoding': coding } }, async (response) => {
      let bytes = 0;
      try {
        if (response.statusCode !== 200) throw new Error(`answered with ${response.statusCode}`);
        for await (const chunk of response) bytes += chunk.length;
        read(bytes);
      } catch (error) {
        failed(error);
      }
    }).on('error', failed);
  });
}
