import type pg from 'pg';
import { BusbarError } from '../../../domain/errors.ts';
import { ms } from '../../../prisma/instants.ts';
import { reachable } from '../../../prisma/transaction.ts';
import type { LogBatch, LogRecord } from '../event-log.ts';

/** A batch holds at most this many bytes of keys, values and headers, or one record where that is larger. */
const BATCH_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The sum over the window bounds the bytes without touching values that Postgres stores out of line, since their
 * length stands in the row. Texts and hexadecimal bytes as pg decodes them: some 200k records/s, and the
 * window costs nothing measurable; pg's binary mode does not decode every type used here.
 * No prepared statement: a plan kept from when the table was empty would sort a whole partition for each batch.
 */
const READ = `
  SELECT p.low_offset, p.next_offset, r.*
  FROM log_partition p LEFT JOIN LATERAL (
    SELECT "offset", ${ms('appended_at')}, key, value, headers
    FROM (
      SELECT *, sum(bytes) OVER (ORDER BY "offset") - bytes AS bytes_before
      FROM (
        SELECT "offset", coalesce(told_at, appended_at) AS appended_at, key, value, headers::text,
               coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0) + coalesce(octet_length(headers::text), 0) AS bytes
        FROM log_record WHERE topic = $1 AND partition = $2 AND "offset" >= $3 ORDER BY "offset" LIMIT $4
      ) AS wanted
    ) AS summed
    WHERE bytes_before = 0 OR bytes_before + bytes <= $5
  ) AS r ON true
  WHERE p.topic = $1 AND p.partition = $2 ORDER BY r."offset"`;

type Row = [
  low: string,
  end: string,
  offset: string | null,
  appendedAt: number,
  key: Buffer | null,
  value: Buffer | null,
  headers: string | null,
];

export interface ReadRequest {
  readonly topic: string;
  readonly partition: number;
  /** Undefined: from the first record there is. */
  readonly position: number | undefined;
  readonly recordsMax: number;
}

/**
 * Reads the batch at a position; undefined where the log has nothing there yet. Offsets of this log have no holes, so
 * that a first record beyond the position means that retention took what was between.
 * @throws BusbarError `NOT_FOUND` for a position the log never gave out, `UNAVAILABLE`.
 */
export async function readBatch(pool: pg.Pool, request: ReadRequest): Promise<LogBatch | undefined> {
  const { topic, partition, position } = request;
  const { low, end, records } = await read(pool, request);
  const wanted = position ?? low;
  if (wanted > end) throw beyondEnd(topic, partition, wanted, end);
  if (wanted === end) return undefined;
  const from = records[0]?.offset ?? Math.max(wanted, low);
  const next = (records.at(-1)?.offset ?? from - 1) + 1;
  const lost = position !== undefined && from > position ? { lost: { from: position, to: from } } : {};
  return { topic, partition, from, next, ...lost, records, end };
}

/** The bounds, and what is there from the position on, as they were at one moment. */
async function read(
  pool: pg.Pool,
  { topic, partition, position, recordsMax }: ReadRequest,
): Promise<{ low: number; end: number; records: LogRecord[] }> {
  const values = [topic, partition, position ?? 0, recordsMax, BATCH_BYTES_MAX];
  const { rows } = await reachable(() => pool.query<Row>({ text: READ, values, rowMode: 'array' }));
  const [first] = rows;
  if (!first) throw new BusbarError('NOT_FOUND', `the log has no partition ${partition} of topic ${topic}`);
  return { low: Number(first[0]), end: Number(first[1]), records: rows.flatMap(recordsIn) };
}

function recordsIn([, , offset, appendedAt, key, value, headers]: Row): LogRecord[] {
  if (offset === null) return [];
  return [{ offset: Number(offset), appendedAt, key, value, headers: headers === null ? {} : JSON.parse(headers) }];
}

/** Waiting for the log to grow there would skip, without a word, all that it gets until then. */
function beyondEnd(topic: string, partition: number, wanted: number, end: number): BusbarError {
  return new BusbarError(
    'NOT_FOUND',
    `partition ${partition} of topic ${topic} ends at offset ${end}, the reader's position is ${wanted}: one of them was reset`,
    { details: { topic, partition, wanted, end } },
  );
}
