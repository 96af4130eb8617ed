import { MARK_RUNS } from '../../domain/mark-price.ts';
import { createWatches, type Watches } from '../../gateway/live/watches.ts';
import { createOperations } from '../../gateway/operations.ts';
import { createReads } from '../../gateway/reads/index.ts';
import { createPositionsSource } from '../../gateway/reads/positions.ts';
import { createPrisma, type PrismaClient } from '../../prisma/client.ts';
import type { Reads } from '../../schema/context.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import type { TestDatabase } from './postgres.ts';

export interface StoreGateway extends TestGateway {
  readonly prisma: PrismaClient;
  readonly reads: Reads;
  readonly watches: Watches;
  /** One request by POST. */
  ask(query: string, variables?: Record<string, unknown>): Promise<Answer>;
  /** The data of an answer without errors. */
  answer(query: string, variables?: Record<string, unknown>): Promise<Answer['data']>;
}

export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
  readonly data: any;
  readonly errors?: readonly { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }[];
}

/** A gateway whose reads, operations and watches are the real ones, on a store of its own. */
export async function startStoreGateway({
  db,
  clock = Date.now,
  jobEveryMs,
  feedsEveryMs,
}: {
  db: TestDatabase;
  clock?: () => number;
  jobEveryMs?: number;
  feedsEveryMs?: number;
}): Promise<StoreGateway> {
  const prisma = createPrisma(db.pool);
  const reads = createReads({ pool: db.pool, prisma, clock });
  const watches = createWatches({
    reads,
    ...(jobEveryMs !== undefined && { jobEveryMs }),
    ...(feedsEveryMs !== undefined && { feedsEveryMs }),
  });
  const operations = createOperations({ pool: db.pool, clock });
  const positions = { source: createPositionsSource(db.pool, { markRuns: MARK_RUNS, clock }), clock };
  const gateway = await startGateway({ reads, live: watches, operations, positions });
  const ask = async (query: string, variables: Record<string, unknown> = {}): Promise<Answer> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(gateway.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
    return response.json();
  };
  return {
    ...gateway,
    prisma,
    reads,
    watches,
    ask,
    async answer(query, variables) {
      const { data, errors } = await ask(query, variables);
      if (errors) throw new Error(JSON.stringify(errors));
      return data;
    },
    async close() {
      await gateway.close();
      await watches.close();
      await prisma.$disconnect();
    },
  };
}

/** How many statements the pool is sent meanwhile: each takes a connection once, Prisma's too. */
export async function statementsDuring(db: TestDatabase, work: () => Promise<unknown>): Promise<number> {
  let statements = 0;
  const count = () => {
    statements++;
  };
  db.pool.on('acquire', count);
  await work();
  db.pool.off('acquire', count);
  return statements;
}
