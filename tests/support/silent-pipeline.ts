import type pg from 'pg';
import { pino } from 'pino';
import { createPipeline, type Pipeline } from '../../ingestors/pipeline/pipeline.ts';
import { createRollups } from '../../ingestors/pipeline/rollups.ts';
import { createMetrics } from '../../runtime/metrics.ts';

/** The pipeline of a process that has no bus: it commits and tells nobody. */
export function silentPipeline(pool: pg.Pool, clock = Date.now): Pipeline {
  const log = pino({ level: 'silent' });
  const rollups = createRollups({ pool, log, clock });
  return createPipeline({ pool, announcer: undefined, rollups, keepRaw: false, metrics: createMetrics(), log, clock });
}
