import type pg from 'pg';
import { BusbarError } from '../../domain/errors.ts';
import { findFeed, inPartitions, requireAll } from './jobs.ts';

/**
 * Gives open dead letters up for good, with the reason; their bytes stay.
 * @param client in a transaction, which an error is to roll back.
 * @param ids undefined: every open one of the feed, or of the stream.
 * @returns how many.
 * @throws BusbarError `NOT_FOUND` where the feed, or one of the dead letters as an open one of it, is not there;
 *   `BAD_USER_INPUT` without a reason.
 */
export async function discardDeadLetters(
  client: Pick<pg.ClientBase, 'query'>,
  { feed, ids, reason }: { feed: string; ids: readonly number[] | undefined; reason: string },
): Promise<number> {
  if (reason.trim() === '') throw new BusbarError('BAD_USER_INPUT', 'say why they are discarded');
  const part = await findFeed(client, feed);
  const { rows } = await client.query<{ id: number }>(
    `UPDATE dead_letter SET state = 'DISCARDED', resolved_at = now(), resolution = $4
     WHERE feed_id = $1 AND state = 'OPEN' AND ${inPartitions('$2')} AND ($3::bigint[] IS NULL OR id = ANY($3))
     RETURNING id`,
    [part.feed, part.partitions ?? null, ids ?? null, reason],
  );
  const discarded = rows.map(({ id }) => id);
  requireAll(part, ids ?? [], discarded);
  return discarded.length;
}
