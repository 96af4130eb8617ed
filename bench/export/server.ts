/** The serving side of the bench `export`: exports at `/export/`, the baseline at `/copy`. Tells its parent where, and its memory. */
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { pino } from 'pino';
import { OPEN_IDENTITY } from '../../gateway/auth/identity.ts';
import { admit } from '../../gateway/caller.ts';
import { createExports } from '../../gateway/export/exports.ts';
import { createPool } from '../../prisma/pool.ts';
import { listenHttp } from '../../runtime/http-service.ts';
import { createMetrics } from '../../runtime/metrics.ts';

const COPY = `COPY (
  SELECT n.market_id || ':' || n.name AS node, l.run, l.interval_start, l.interval_end, l.lmp, l.energy, l.congestion, l.loss, l.ghg,
    l.revision, l.quality, l.published_at
  FROM pricing_node AS n JOIN lmp AS l ON l.node_id = n.id
  WHERE n.name LIKE 'BENCH-%' AND l.run = 'DAY_AHEAD_HOURLY'
) TO STDOUT (FORMAT csv, HEADER)`;

const url = process.argv[2] ?? '';
const metrics = createMetrics();
const pool = createPool({ url, max: 3 });
// On a pool of its own: Busbar's pipelines, which COPY cannot.
const copyPool = new pg.Pool({ connectionString: url, max: 1 });
const exports = createExports({
  pool,
  auditPool: pool,
  exportsMax: 2,
  log: pino({ level: 'warn' }),
  metrics,
  clock: Date.now,
});

const service = await listenHttp({
  host: '127.0.0.1',
  port: 0,
  metrics,
  handle: async (request, response) => {
    if (request.url !== '/copy') {
      admit(request, OPEN_IDENTITY);
      return exports(request, response);
    }
    const client = await copyPool.connect();
    try {
      await pipeline(client.query(copyTo(COPY)), response);
    } finally {
      client.release();
    }
  },
});

let rssBytes = 0;
setInterval(() => {
  rssBytes = Math.max(rssBytes, process.memoryUsage.rss());
}, 5).unref();
process.on('message', (what) => {
  if (what === 'begin') rssBytes = process.memoryUsage.rss();
  process.send?.({ rssBytes });
});
process.send?.({ url: service.url });
