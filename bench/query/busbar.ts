/** Busbar's gateway with its real schema and reads. `ordinary`: without the plans of hot queries. */
import { pino } from 'pino';
import { MARK_RUNS } from '../../domain/mark-price.ts';
import { createLiveHub } from '../../gateway/live/hub.ts';
import { createWatches } from '../../gateway/live/watches.ts';
import { createOperations } from '../../gateway/operations.ts';
import { createReads } from '../../gateway/reads/index.ts';
import { createPositionsSource } from '../../gateway/reads/positions.ts';
import { rollupsOf } from '../../gateway/reads/rollups.ts';
import { createContext } from '../../gateway/rights/scoped-context.ts';
import { createGateway } from '../../gateway/server.ts';
import { createPrisma } from '../../prisma/client.ts';
import { createHealth } from '../../runtime/health.ts';
import { createRingBus } from '../../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { schema } from '../../schema/schema.ts';
import { benchPool, tellPort } from './serve.ts';

const pool = benchPool();
const log = pino({ level: 'warn' });
const metrics = createMetrics();
const health = createHealth();
const clock = Date.now;
const bus = createRingBus({ window: { entriesMax: 100, ageMsMax: 1_000 }, clock });
const source = createPositionsSource(pool, { markRuns: MARK_RUNS, clock });
const hub = createLiveHub({ bus, log, metrics, health, source, runs: MARK_RUNS, clock });
const reads = createReads({ pool, prisma: createPrisma(pool), clock });
const live = { ...hub, ...createWatches({ reads }) };
const operations = createOperations({ pool, clock });
const gateway = createGateway({
  schema,
  makeContext: (caller) => createContext({ reads, operations: operations(caller), live }, caller.identity.rights),
  log,
  metrics,
  health,
  host: '127.0.0.1',
  port: 0,
  ...(process.argv[2] !== 'ordinary' && { hot: { db: pool, rollups: rollupsOf(pool), clock } }),
});
tellPort((await gateway.listen()).port);
