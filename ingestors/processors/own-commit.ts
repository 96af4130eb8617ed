import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Queryable } from '../../prisma/queryable.ts';
import type { Announcer } from '../pipeline/announcer.ts';
import type { News } from '../pipeline/news.ts';
import { writeLedger } from '../pipeline/store/ledger.ts';
import { inLockedPartition } from '../pipeline/store/locked-partition.ts';
import { unowned } from '../pipeline/store/positions.ts';

export interface ProcessorParts {
  readonly pool: pg.Pool;
  readonly announcer: Pick<Announcer, 'announce' | 'announcedOf'>;
  /** Milliseconds UTC. */
  readonly clock: () => number;
}

/** What a processor has made of what was there already. */
export interface Made {
  readonly rowsIn: number;
  readonly written: number;
  readonly revised: number;
  /** Time that it is of, milliseconds UTC. */
  readonly range: { readonly from: number; readonly to: number };
  readonly news: News;
}

/**
 * Commits what follows from what the store holds, with a ledger entry, and announces it, as the pipeline does with what
 * comes from outside. One at a time within the partition.
 * @param request says what was done, for whoever reads the ledger.
 * @param work returns undefined where there is nothing to tell: then there is no entry either.
 */
export async function commitOwn(
  { pool, announcer, clock }: ProcessorParts,
  { feed, partition, request }: { feed: string; partition: string; request: string },
  work: (client: Queryable, ledgerId: number) => Promise<Made | undefined>,
): Promise<Made | undefined> {
  const claim = unowned(feed, partition);
  const startedAt = clock();
  const done = await inLockedPartition(pool, claim, async (client, commitId) => {
    const made = await work(client, commitId);
    if (!made) return undefined;
    await writeLedger(client, claim, {
      commitId,
      planned: undefined,
      kind: 'BATCH',
      state: 'COMPLETED',
      originIds: [],
      next: undefined,
      request,
      checksum: NOTHING_CAME,
      bytes: 0,
      publishedAt: null,
      rowsIn: made.rowsIn,
      rowsWritten: made.written,
      rowsUnchanged: 0,
      rowsRevised: made.revised,
      rowsRejected: 0,
      eventFrom: made.range.from,
      eventTo: made.range.to,
      startedAt,
      error: null,
      lag: null,
      announced: announcer.announcedOf(feed, partition),
    });
    return { commitId, made };
  });
  if (done) await announcer.announce(claim, done.commitId, done.made.news);
  return done?.made;
}

const NOTHING_CAME = createHash('sha256').digest();
