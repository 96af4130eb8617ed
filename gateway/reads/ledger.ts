import type { PrismaClient } from '../../prisma/client.ts';
import type { LedgerEntry } from '../../prisma/generated/client.ts';
import type { LedgerRow, LedgerState, Page, Slice } from '../../schema/context.ts';
import { sliceFrom } from './slice.ts';

/** A page of a feed's entries, newest first. `after`: the id of the last one seen. */
export async function readLedger(
  prisma: PrismaClient,
  { feed, state }: { feed: string; state?: LedgerState },
  page: Page<number>,
): Promise<Slice<LedgerRow>> {
  const stored = await prisma.ledgerEntry.findMany({
    where: { feedId: feed, ...(state && { state }), ...(page.after !== undefined && { id: { lt: page.after } }) },
    orderBy: { id: 'desc' },
    take: page.first + 1,
  });
  return sliceFrom(stored.map(ledgerRowFrom), page);
}

/** @returns in the order asked; null where there is no such entry. */
export async function readLedgerEntriesById(
  prisma: PrismaClient,
  ids: readonly number[],
): Promise<(LedgerRow | null)[]> {
  const stored = await prisma.ledgerEntry.findMany({ where: { id: { in: [...ids] } } });
  const byId = new Map(stored.map(ledgerRowFrom).map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}

function ledgerRowFrom(stored: LedgerEntry): LedgerRow {
  return {
    id: Number(stored.id),
    feed: stored.feedId,
    partition: stored.partition,
    kind: stored.kind,
    state: stored.state,
    jobId: numberOrNull(stored.jobId),
    originId: numberOrNull(stored.originId),
    positionFrom: numberOrNull(stored.positionFrom),
    positionTo: numberOrNull(stored.positionTo),
    request: stored.request,
    checksum: stored.checksum && Buffer.from(stored.checksum).toString('hex'),
    bytes: Number(stored.bytes),
    publishedAt: stored.publishedAt?.getTime() ?? null,
    rowsIn: stored.rowsIn,
    rowsWritten: stored.rowsWritten,
    rowsUnchanged: stored.rowsUnchanged,
    rowsRevised: stored.rowsRevised,
    rowsRejected: stored.rowsRejected,
    eventFrom: stored.eventFrom?.getTime() ?? null,
    eventTo: stored.eventTo?.getTime() ?? null,
    startedAt: stored.startedAt?.getTime() ?? null,
    finishedAt: stored.finishedAt?.getTime() ?? null,
    error: stored.error,
    attempt: stored.attempt,
  };
}

function numberOrNull(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}
