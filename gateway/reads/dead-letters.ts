import type pg from 'pg';
import { listDeadLetters } from '../../prisma/operations/dead-letters.ts';
import type { DeadLetterRow, DeadLetterState, FeedFilter, Page, RawRequest, Slice } from '../../schema/context.ts';
import { sliceFrom } from './slice.ts';
import type { Queryable } from './statement.ts';

const RAWS = `
  SELECT substring(d.raw FROM 1 FOR asked.bytes) AS raw
  FROM unnest($1::bigint[], $2::int[], $3::text[]) WITH ORDINALITY AS asked (id, bytes, feed, place)
  LEFT JOIN dead_letter AS d ON d.id = asked.id AND d.feed_id = asked.feed
  ORDER BY asked.place`;

/** A page of dead letters, newest first. `after`: the id of the last one seen. */
export async function readDeadLetters(
  pool: pg.Pool,
  filter: FeedFilter<DeadLetterState>,
  page: Page<number>,
): Promise<Slice<DeadLetterRow>> {
  return sliceFrom(await listDeadLetters(pool, filter, { limit: page.first + 1, before: page.after }), page);
}

/** The first bytes of each record, in the order asked; empty where the dead letter is gone. */
export async function readDeadLetterRaws(db: Queryable, requests: readonly RawRequest[]): Promise<Buffer[]> {
  const values = [requests.map(({ id }) => id), requests.map(({ bytes }) => bytes), requests.map(({ feed }) => feed)];
  const { rows } = await db.query<{ raw: Buffer | null }>({ name: 'dead-letter-raws', text: RAWS, values });
  return rows.map(({ raw }) => raw ?? Buffer.alloc(0));
}
