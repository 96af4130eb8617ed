import type pg from 'pg';
import { inTransaction } from '../../../prisma/transaction.ts';
import { firstOffsetSince, type Topics } from './topics.ts';

/** Records that one transaction deletes at most: tens of milliseconds. */
const DELETE_RECORDS_MAX = 10_000;

/**
 * Drops what is older than its topic's retention, from the front of each partition. Several processes may do so at once.
 * @returns how many records went. @throws BusbarError `UNAVAILABLE`; what was dropped until then stays dropped.
 */
export async function dropExpired(pool: pg.Pool, topics: Topics, nowMs: number): Promise<number> {
  let dropped = 0;
  for (const { topic, retentionMs } of await topics.list()) {
    for (const { partition, low } of await topics.bounds(topic)) {
      const keepFrom = await firstOffsetSince(pool, topic, partition, nowMs - retentionMs);
      for (let from = low; from < keepFrom; from += DELETE_RECORDS_MAX) {
        const to = Math.min(keepFrom, from + DELETE_RECORDS_MAX);
        dropped += await drop(pool, topic, partition, from, to);
      }
    }
  }
  return dropped;
}

/**
 * Records first, the bound last, in one transaction: nobody sees the one without the other, and the bound's row, which
 * appends lock too, is locked for a moment only.
 */
async function drop(pool: pg.Pool, topic: string, partition: number, from: number, to: number): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      'DELETE FROM log_record WHERE topic = $1 AND partition = $2 AND "offset" >= $3 AND "offset" < $4',
      [topic, partition, from, to],
    );
    await client.query(
      'UPDATE log_partition SET low_offset = greatest(low_offset, $3) WHERE topic = $1 AND partition = $2',
      [topic, partition, to],
    );
    return rowCount ?? 0;
  });
}
