/**
 * Busbar's gateway with its real schema and reads. `ordinary`: without the plans of hot queries. `closed`: to whoever shows an API key, of
 * one market alone, each operation counted and paid for.
 */
import { pino } from 'pino';
import { MARK_RUNS } from '../../domain/mark-price.ts';
import { ALL_RIGHTS, type Rights } from '../../domain/rights.ts';
import { openApiKeys } from '../../gateway/auth/api-keys.ts';
import { createAuthenticator } from '../../gateway/auth/create-authenticator.ts';
import { createRateLimiter } from '../../gateway/limits/rate-limiter.ts';
import { createLiveHub } from '../../gateway/live/hub.ts';
import { createWatches } from '../../gateway/live/watches.ts';
import { createOperations } from '../../gateway/operations.ts';
import { createReads } from '../../gateway/reads/index.ts';
import { createPositionsSource } from '../../gateway/reads/positions.ts';
import { rollupsOf } from '../../gateway/reads/rollups.ts';
import { createContext } from '../../gateway/rights/scoped-context.ts';
import { createGateway } from '../../gateway/server.ts';
import { createPrisma } from '../../prisma/client.ts';
import { createApiKey } from '../../prisma/operations/api-keys.ts';
import { inTransaction } from '../../prisma/transaction.ts';
import { createHealth } from '../../runtime/health.ts';
import { createRingBus } from '../../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { schema } from '../../schema/schema.ts';
import { benchPool, tellPort } from './serve.ts';

const way = process.argv[2];
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
  ...(way === 'closed' && (await closed())),
  ...(way !== 'ordinary' && { hot: { db: pool, rollups: rollupsOf(pool), clock } }),
});
tellPort((await gateway.listen()).port);

async function closed() {
  const rights: Rights = { roles: ['VIEWER'], markets: ['PJM'], feeds: [], accounts: [] };
  const keeper = { by: 'bench', rights: ALL_RIGHTS, now: clock() };
  const { secret } = await inTransaction(pool, (client) =>
    createApiKey(client, { name: 'bench', rights, expiresAt: undefined }, keeper),
  );
  console.log(`authorization ${secret}`);
  const keys = await openApiKeys({ db: pool, log, clock });
  return {
    authenticator: createAuthenticator(keys, undefined),
    intake: { rate: createRateLimiter({ pointsPerMinute: 100_000_000, log }) },
  };
}
