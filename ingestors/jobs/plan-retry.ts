import type pg from 'pg';
import type { RetryInput } from '../../prisma/operations/jobs.ts';
import { chunkPartition, ownPartitionSql } from '../../prisma/operations/partitions.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import { reachable } from '../../prisma/transaction.ts';
import type { PlannedChunk } from './chunk-entries.ts';
import { type PartLimits, partsOf } from './plan-parts.ts';

/** Dead letters that are in memory together, and committed together. */
const CHUNK_LIMITS: PartLimits = { thingsMax: 500, bytesMax: 32 * 1024 * 1024 };

/** Cuts open dead letters, partition by partition, into chunks. */
export async function planRetry(
  pool: pg.Pool,
  feed: string,
  { ids }: RetryInput,
  limits = CHUNK_LIMITS,
): Promise<PlannedChunk[]> {
  const { rows } = await reachable(() => pool.query<Letters>(LETTERS, [feed, ids ?? null]));
  return rows.flatMap(({ partition, letters }) =>
    partsOf(letters, ([, bytes]) => bytes, limits).map((part) =>
      chunkOf(
        partition,
        part.map(([id]) => id),
      ),
    ),
  );
}

interface Letters {
  readonly partition: string;
  readonly letters: readonly (readonly [id: number, bytes: number])[];
}

function chunkOf(partition: string, letters: readonly number[]): PlannedChunk {
  const span = letters.length === 1 ? `${letters[0]}` : `${letters[0]}–${letters.at(-1)} (${letters.length})`;
  return { partition: chunkPartition('RETRY', partition), request: `dead letters ${span}`, deadLetters: letters };
}

/** A chunk's dead letters belong with those of the partition that it is a chunk of. */
const LETTERS = `
  SELECT ${ownPartitionSql('partition')} AS partition,
         json_agg(json_build_array(id, octet_length(raw)) ORDER BY id) AS letters
  FROM dead_letter
  WHERE feed_id = $1 AND state = 'OPEN' AND ($2::bigint[] IS NULL OR id = ANY($2))
  GROUP BY 1 ORDER BY min(id)`;

/** Notes which chunk is to try which dead letter, so that it finds its own. */
export async function assignDeadLetters(
  client: Queryable,
  ids: readonly number[],
  chunks: readonly PlannedChunk[],
): Promise<void> {
  const pairs = chunks.flatMap(({ deadLetters = [] }, place) => deadLetters.map((letter) => [letter, ids[place]]));
  if (pairs.length === 0) return;
  await client.query(
    `UPDATE dead_letter SET retry_id = chunk FROM unnest($1::bigint[], $2::bigint[]) AS t(letter, chunk)
     WHERE id = letter AND state = 'OPEN'`,
    [pairs.map(([letter]) => letter), pairs.map(([, chunk]) => chunk)],
  );
}
