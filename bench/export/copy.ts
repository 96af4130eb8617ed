/** The baseline of the bench `export`: COPY, piped through node:http. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { portOf } from '../port-of.ts';
import { tellMemory } from './memory.ts';

const COPY = `COPY (
  SELECT n.market_id || ':' || n.name AS node, l.run, l.interval_start, l.interval_end, l.lmp, l.energy, l.congestion, l.loss, l.ghg,
    l.revision, l.quality, l.published_at
  FROM pricing_node AS n JOIN lmp AS l ON l.node_id = n.id
  WHERE n.name LIKE 'BENCH-%' AND l.run = 'DAY_AHEAD_HOURLY'
) TO STDOUT (FORMAT csv, HEADER)`;

const pool = new pg.Pool({ connectionString: process.argv[2] ?? '', max: 1 });
const server = createServer(async (_, response) => {
  const client = await pool.connect();
  try {
    await pipeline(client.query(copyTo(COPY)), response);
  } finally {
    client.release();
  }
});
await once(server.listen(0, '127.0.0.1'), 'listening');
tellMemory(`http://127.0.0.1:${portOf(server)}`);
