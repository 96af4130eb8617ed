import type pg from 'pg';
import type { Logger } from 'pino';
import { BusbarError } from '../../../domain/errors.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import { inTransaction } from '../../../prisma/transaction.ts';
import type { Appended, OutgoingRecord, TopicSpec } from '../event-log.ts';
import { arrayLiteral } from './array-literal.ts';
import { bringBack, isAheadSql, type LogClock, nowSql, readClock, sayBroughtBack } from './clock.ts';
import { keyHash } from './key-hash.ts';
import { announcement, CHANNEL } from './notification.ts';

/** Bounds of one INSERT; a larger append is several of them in its one transaction. */
const INSERT_RECORDS_MAX = 10_000;
const INSERT_BYTES_MAX = 32 * 1024 * 1024;

/**
 * Takes the rows' locks in the order of their numbers, so that two appends cannot wait for each other. They are held until
 * COMMIT: whoever sees an offset sees all below it. The notification leaves with COMMIT, once: Postgres drops the copies that
 * the other rows make.
 */
const LOCK_PARTITIONS = `
  SELECT partition, next_offset AS first, ${isAheadSql('$5')} AS ahead, pg_notify($3, $4) FROM log_partition
  WHERE topic = $1 AND partition = ANY ($2::int[]) ORDER BY partition FOR UPDATE`;

/**
 * All keys and values travel in one binary parameter and are cut apart by the server: 100k records/s in batches of
 * 5,000, where an array of `bytea` (hexadecimal text) reaches 72k. A record is never older than the one before it: the search by
 * time relies on it.
 */
const INSERT_RECORDS = `
  WITH moved AS (
    UPDATE log_partition AS p
    SET next_offset = p.next_offset + taken.count,
        last_appended_at = greatest(p.last_appended_at, ${nowSql('$2')})
    FROM unnest($4::int[], $5::int[]) AS taken (partition, count)
    WHERE p.topic = $1 AND p.partition = taken.partition
    RETURNING p.partition, p.last_appended_at
  )
  INSERT INTO log_record (topic, partition, "offset", appended_at, key, value, headers)
  SELECT $1, r.partition, r."offset", moved.last_appended_at,
         CASE WHEN r.key_bytes >= 0 THEN substr($3::bytea, r.start, r.key_bytes) END,
         substr($3::bytea, r.start + greatest(r.key_bytes, 0), r.value_bytes),
         r.headers::jsonb
  FROM unnest($6::int[], $7::bigint[], $8::int[], $9::int[], $10::int[], $11::text[])
         AS r (partition, "offset", start, key_bytes, value_bytes, headers)
  JOIN moved USING (partition)`;

interface Encoded {
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: string | null;
  readonly bytes: number;
}

interface Placed extends Encoded {
  readonly offset: number;
}

/** Appends records to the topics' partitions: by the hash of the key, in turn where there is none. */
export class Appender {
  readonly #pool: pg.Pool;
  readonly #clock: LogClock;
  readonly #log: Logger;
  #turn = 0;

  constructor(pool: pg.Pool, clock: LogClock, log: Logger) {
    this.#pool = pool;
    this.#clock = clock;
    this.#log = log;
  }

  /** All or nothing; see `EventLog.append`. @throws BusbarError `LIMIT_EXCEEDED` for a record that is too large, `UNAVAILABLE`. */
  async append(topic: TopicSpec, records: readonly OutgoingRecord[]): Promise<readonly Appended[]> {
    if (records.length === 0) return [];
    const encoded = records.map((record) => this.#encode(topic, record));
    return inTransaction(this.#pool, async (client) => {
      const asked = new Set(encoded.map(({ partition }) => partition));
      const { first, ahead } = await lockPartitions(client, topic.topic, asked, this.#clock?.() ?? null);
      for (const partition of ahead) await this.#bringBack(client, { topic: topic.topic, partition });
      // Only now: the clock is read under the locks, so that waiting for them makes no record older than it is.
      const appendedAt = this.#clock?.() ?? null;
      for (const part of parts(place(encoded, first))) await insert(client, topic.topic, appendedAt, part);
      return [...first].map(([partition, offset]) => ({ partition, offset }));
    });
  }

  async #bringBack(client: Queryable, place: { topic: string; partition: number }): Promise<void> {
    sayBroughtBack(this.#log, place, await bringBack(client, place, await readClock(client, this.#clock)));
  }

  #encode({ topic, partitions, recordBytesMax }: TopicSpec, record: OutgoingRecord): Encoded {
    const key = record.key === null ? null : Buffer.from(record.key);
    const value = typeof record.value === 'string' ? Buffer.from(record.value) : record.value;
    const headers = record.headers && Object.keys(record.headers).length > 0 ? JSON.stringify(record.headers) : null;
    const bytes = (key?.length ?? 0) + value.length + (headers?.length ?? 0);
    if (bytes > recordBytesMax) {
      throw new BusbarError('LIMIT_EXCEEDED', `a record of ${bytes} bytes: topic ${topic} takes ${recordBytesMax}`);
    }
    return { partition: (key ? keyHash(key) : this.#turn++) % partitions, key, value, headers, bytes };
  }
}

interface Locked {
  /** The next offset of each. */
  readonly first: ReadonlyMap<number, number>;
  /** Those whose last stamp is too far ahead of the clock. */
  readonly ahead: readonly number[];
}

async function lockPartitions(
  client: Queryable,
  topic: string,
  asked: ReadonlySet<number>,
  nowMs: number | null,
): Promise<Locked> {
  const partitions = [...asked];
  const { rows } = await client.query<{ partition: number; first: string; ahead: boolean }>({
    name: 'lock-log-partitions',
    text: LOCK_PARTITIONS,
    values: [topic, arrayLiteral(partitions), CHANNEL, announcement(topic, partitions), nowMs],
  });
  if (rows.length !== asked.size) throw new BusbarError('BAD_USER_INPUT', `topic ${topic} lacks a partition`);
  return {
    first: new Map(rows.map(({ partition, first }) => [partition, Number(first)])),
    ahead: rows.filter(({ ahead }) => ahead).map(({ partition }) => partition),
  };
}

function place(encoded: readonly Encoded[], first: ReadonlyMap<number, number>): Placed[] {
  const next = new Map(first);
  return encoded.map((record) => {
    const offset = next.get(record.partition) ?? 0;
    next.set(record.partition, offset + 1);
    return { ...record, offset };
  });
}

function* parts(records: readonly Placed[]): Generator<Placed[]> {
  let part: Placed[] = [];
  let bytes = 0;
  for (const record of records) {
    if (part.length > 0 && (part.length === INSERT_RECORDS_MAX || bytes + record.bytes > INSERT_BYTES_MAX)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(record);
    bytes += record.bytes;
  }
  yield part;
}

/** @param appendedAt milliseconds UTC; null: by the server's clock. */
async function insert(
  client: Queryable,
  topic: string,
  appendedAt: number | null,
  records: readonly Placed[],
): Promise<void> {
  const counts = new Map<number, number>();
  const pieces: Buffer[] = [];
  const starts: number[] = [];
  // `substr` counts from one.
  let start = 1;
  for (const { partition, key, value } of records) {
    counts.set(partition, (counts.get(partition) ?? 0) + 1);
    starts.push(start);
    if (key) pieces.push(key);
    pieces.push(value);
    start += (key?.length ?? 0) + value.length;
  }
  const values = [
    topic,
    appendedAt,
    Buffer.concat(pieces),
    arrayLiteral([...counts.keys()]),
    arrayLiteral([...counts.values()]),
    arrayLiteral(records.map(({ partition }) => partition)),
    arrayLiteral(records.map(({ offset }) => offset)),
    arrayLiteral(starts),
    arrayLiteral(records.map(({ key }) => key?.length ?? -1)),
    arrayLiteral(records.map(({ value }) => value.length)),
    // A shorter array in unnest is filled up with nulls.
    records.some(({ headers }) => headers !== null) ? records.map(({ headers }) => headers) : [],
  ];
  await client.query({ name: 'append-log-records', text: INSERT_RECORDS, values });
}
