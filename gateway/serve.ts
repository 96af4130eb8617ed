import { createPrisma } from '../prisma/client.ts';
import type { Platform } from '../prisma/platform.ts';
import type { Lifecycle } from '../runtime/lifecycle.ts';
import type { Live } from '../schema/context.ts';
import { schema } from '../schema/schema.ts';
import { createLiveHub } from './live/hub.ts';
import { createWatches } from './live/watches.ts';
import { createLoaders } from './loaders.ts';
import { createOperations } from './operations.ts';
import { createReads } from './reads/index.ts';
import { createPositionsSource } from './reads/positions.ts';
import { createGateway } from './server.ts';

/** Starts the gateway as parts of a process. @returns where it listens. */
export async function serveGateway(lifecycle: Lifecycle, platform: Platform): Promise<string> {
  const { config, store, bus, metrics, health, log } = platform;
  const { HOST: host, PORT: port, MARK_RUNS: markRuns } = config.core;
  const prisma = await lifecycle.start(
    'prisma',
    () => createPrisma(store.pool),
    (client) => client.$disconnect(),
  );
  const hub = await lifecycle.start(
    'live hub',
    async () => {
      const source = createPositionsSource(store.pool, { markRuns, clock: Date.now });
      const created = createLiveHub({ bus, log, metrics, health, source, runs: markRuns, clock: Date.now });
      await created.ready;
      return created;
    },
    (created) => created.close(),
  );
  const reads = createReads({ pool: store.pool, prisma, clock: Date.now, markRuns });
  const operations = createOperations({ pool: store.pool, clock: Date.now });
  const watches = await lifecycle.start(
    'watches',
    () => createWatches({ reads }),
    (created) => created.close(),
  );
  const live: Live = { ...hub, jobProgress: watches.jobProgress, feedHealth: watches.feedHealth };
  let url = '';
  await lifecycle.start(
    'gateway',
    async () => {
      const gateway = createGateway({
        schema,
        makeContext: (caller) => ({ reads, operations: operations(caller), live, loaders: createLoaders(reads) }),
        log,
        metrics,
        health,
        host,
        port,
      });
      ({ url } = await gateway.listen());
      return gateway;
    },
    (gateway) => gateway.close(),
  );
  log.info({ url: `${url}/graphql` }, 'listening');
  return url;
}
