/** Records of a topic: what is appended, and how much of it is read. */
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { isBusbarError } from '../../domain/errors.ts';
import type { EventLog, OutgoingRecord } from '../../ingestors/sources/event-log.ts';

const APPEND_RECORDS = 500;

/** Appends the next records, again and again while the log is away: a record may be there twice then. */
export async function produceTo(
  eventLog: EventLog,
  topic: string,
  records: Iterator<OutgoingRecord>,
  count: number,
): Promise<void> {
  for (let left = count; left > 0; left -= APPEND_RECORDS) {
    await appendSurely(eventLog, topic, Array.from(taken(records, Math.min(left, APPEND_RECORDS))));
  }
}

function* taken<T>(source: Iterator<T>, count: number): Generator<T> {
  for (let left = count; left > 0; left--) {
    const next = source.next();
    if (next.done) return;
    yield next.value;
  }
}

async function appendSurely(eventLog: EventLog, topic: string, records: readonly OutgoingRecord[]): Promise<void> {
  for (;;) {
    try {
      await eventLog.append(topic, records);
      return;
    } catch (error) {
      if (!isBusbarError(error, 'UNAVAILABLE')) throw error;
      await pause(100);
    }
  }
}

/** Records that commits cover, those that are in the log twice counted twice. */
export async function readOf(pool: pg.Pool, topic: string): Promise<number> {
  const { rows } = await pool.query<{ read: number }>(
    'SELECT coalesce(sum(position), 0)::float8 AS read FROM feed_position WHERE feed_id = $1',
    [topic],
  );
  return rows[0]?.read ?? 0;
}

/** Records in the log that no commit covers yet. */
export async function unreadOf(pool: pg.Pool, eventLog: EventLog, topic: string): Promise<number> {
  const bounds = await eventLog.partitions(topic);
  return bounds.reduce((sum, { end }) => sum + end, 0) - (await readOf(pool, topic));
}
