import { createMetrics } from '../../runtime/metrics.ts';
import { FEEDS } from '../feeds/index.ts';
import { startJobWorkers, type Workers } from '../jobs/index.ts';
import { createCallLog } from '../monitor/call-log.ts';
import { createPipeline, type Pipeline } from '../pipeline/pipeline.ts';
import { createRollups } from '../pipeline/rollups.ts';
import { openEventLog } from '../sources/open-log.ts';
import { createSourceParts } from '../sources/source-parts.ts';
import { createNotes } from './notes.ts';
import type { Session } from './session.ts';

/** Works on jobs in this process, beside whoever else does. */
export async function startWorkers(session: Session): Promise<Workers> {
  const { config, store, terminal } = session;
  const { pool, url } = store;
  const log = createNotes(terminal.stderr);
  const { pipeline, settled } = openPipeline(session);
  const eventLog = await openEventLog(config.core, store, log);
  const calls = createCallLog({ pool, metrics: createMetrics(), log });
  const sourceParts = createSourceParts(pool, calls);
  const parts = { config, pool, databaseUrl: url, eventLog, feeds: FEEDS, pipeline, sourceParts, log };
  const workers = await startJobWorkers(parts);
  return {
    stop: async () => {
      await workers.stop();
      await Promise.all([settled(), eventLog.close(), calls.stop()]);
    },
  };
}

/** @returns `settled`: when the rollups of what was written are true again. */
export function openPipeline({ config, store: { pool }, terminal }: Session): {
  pipeline: Pipeline;
  settled: () => Promise<void>;
} {
  const log = createNotes(terminal.stderr);
  const rollups = createRollups({ pool, log, clock: Date.now });
  const pipeline = createPipeline({
    pool,
    // Whoever serves live finds what is committed here, and announces it.
    announcer: undefined,
    rollups,
    keepRaw: config.core.RAW_PAYLOAD_DAYS > 0,
    metrics: createMetrics(),
    log,
  });
  return { pipeline, settled: () => rollups.settled() };
}
