import type pg from 'pg';
import type { Logger } from 'pino';
import type { Queryable } from '../../../prisma/queryable.ts';
import { inTransaction, reachable } from '../../../prisma/transaction.ts';
import { firstOffsetSince } from './topics.ts';

/**
 * The clock that stamps records: the server's, one for all who append, whatever their own clocks say. A test brings its own, in
 * milliseconds UTC.
 *
 * Stamps never go back within a partition, as the search by time needs it. That clock may: then all that is appended until it is
 * where it was would have one stamp, ahead of it, and a replay of these hours would not find it. So a partition whose last stamp is
 * more than `AHEAD_MS_MAX` ahead is **brought back**: what lies ahead of the clock is found at its present instant. Readers are told
 * the stamps that they were told before.
 */
export type LogClock = (() => number) | undefined;

/** How far a stamp may be ahead of the clock. What time servers correct is far below. */
const AHEAD_MS_MAX = 60_000;

/** SQL of the present instant. @param placed the parameter that has it in milliseconds, null: ask the server. */
export function nowSql(placed: string): string {
  return `coalesce(to_timestamp(${placed}::float8 / 1000), date_trunc('milliseconds', clock_timestamp()))`;
}

/** SQL of whether a row of `log_partition` is to be brought back. @param placed as of `nowSql`. */
export function isAheadSql(placed: string): string {
  return `coalesce(last_appended_at > ${nowSql(placed)} + INTERVAL '${AHEAD_MS_MAX} milliseconds', false)`;
}

/** @throws BusbarError `UNAVAILABLE` */
export async function readClock(db: Queryable, clock: LogClock): Promise<number> {
  if (clock) return clock();
  const { rows } = await reachable(() =>
    db.query<{ now: number }>('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now'),
  );
  return rows[0]?.now ?? Date.now();
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** @param client in a transaction that has locked the partition's row. @returns how many records lay ahead. */
export async function bringBack(client: Queryable, { topic, partition }: Place, nowMs: number): Promise<number> {
  const first = await firstOffsetSince(client, topic, partition, nowMs + 1);
  const { rowCount } = await client.query(
    `UPDATE log_record SET told_at = coalesce(told_at, appended_at), appended_at = to_timestamp($4::float8 / 1000)
     WHERE topic = $1 AND partition = $2 AND "offset" >= $3`,
    [topic, partition, first, nowMs],
  );
  await client.query(
    'UPDATE log_partition SET last_appended_at = to_timestamp($3::float8 / 1000) WHERE topic = $1 AND partition = $2',
    [topic, partition, nowMs],
  );
  return rowCount ?? 0;
}

/** The same for every partition that is ahead, though nobody appends to it. @throws BusbarError `UNAVAILABLE` */
export async function bringAllBack(pool: pg.Pool, nowMs: number, log: Logger): Promise<void> {
  const ahead = `SELECT topic, partition FROM log_partition WHERE ${isAheadSql('$1')}`;
  const { rows } = await reachable(() => pool.query<Place>(ahead, [nowMs]));
  for (const place of rows) {
    const records = await inTransaction(pool, async (client) => {
      const own = `${ahead} AND topic = $2 AND partition = $3 FOR UPDATE`;
      const { rows: still } = await client.query<Place>(own, [nowMs, place.topic, place.partition]);
      return still.length > 0 ? bringBack(client, place, nowMs) : 0;
    });
    sayBroughtBack(log, place, records);
  }
}

export function sayBroughtBack(log: Logger, { topic, partition }: Place, records: number): void {
  log.warn(
    { topic, partition, records },
    'the clock was set back: log records ahead of it are found at its present time',
  );
}
