/** The serving side of the bench `export`: exports at `/export/`. */
import { pino } from 'pino';
import { OPEN_IDENTITY } from '../../gateway/auth/identity.ts';
import { admit } from '../../gateway/caller.ts';
import { createExports } from '../../gateway/export/exports.ts';
import { createPool } from '../../prisma/pool.ts';
import { listenHttp } from '../../runtime/http-service.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { tellMemory } from './memory.ts';

const metrics = createMetrics();
const pool = createPool({ url: process.argv[2] ?? '', max: 3 });
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
  handle: (request, response) => {
    admit(request, OPEN_IDENTITY);
    return exports(request, response);
  },
});
tellMemory(service.url);
