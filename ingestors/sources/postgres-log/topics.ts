import type pg from 'pg';
import { BusbarError } from '../../../domain/errors.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import { inTransaction, reachable } from '../../../prisma/transaction.ts';
import type { PartitionBounds, TopicSpec } from '../event-log.ts';

/** Kafka's own rule for names, so that a topic can move to a broker as it is. */
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;
/** Keeps the list of partitions in a notification far below its 8,000 bytes. */
const PARTITIONS_MAX = 1_000;

/** The topics of the log. What an append needs of them is kept in memory: the count of partitions never changes. */
export class Topics {
  readonly #pool: pg.Pool;
  readonly #known = new Map<string, TopicSpec>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /**
   * Creates what is missing. An existing topic keeps its partitions; its retention and record size follow the spec,
   * as nothing else could change them. Other processes see a new record size when they start.
   * @throws BusbarError `BAD_USER_INPUT` for a name or a number of partitions the log cannot have, `UNAVAILABLE`.
   */
  async ensure(specs: readonly TopicSpec[]): Promise<void> {
    for (const spec of specs) assertPossible(spec);
    // One order for all processes, so that two that start together cannot wait for each other.
    const sorted = [...specs].sort((one, other) => (one.topic < other.topic ? -1 : 1));
    await inTransaction(this.#pool, async (client) => {
      for (const spec of sorted) await createOrUpdate(client, spec);
    });
    for (const { topic } of specs) this.#known.delete(topic);
  }

  /** @throws BusbarError `BAD_USER_INPUT` where there is no such topic, `UNAVAILABLE`. */
  async get(topic: string): Promise<TopicSpec> {
    const known = this.#known.get(topic);
    if (known) return known;
    const [found] = (await this.list()).filter((spec) => spec.topic === topic);
    if (!found) throw noSuchTopic(topic);
    this.#known.set(topic, found);
    return found;
  }

  async list(): Promise<TopicSpec[]> {
    const { rows } = await reachable(() =>
      this.#pool.query<{ topic: string; partitions: number; retention_ms: string; record_bytes_max: number }>(
        'SELECT topic, partitions, retention_ms, record_bytes_max FROM log_topic ORDER BY topic',
      ),
    );
    return rows.map((row) => ({
      topic: row.topic,
      partitions: row.partitions,
      retentionMs: Number(row.retention_ms),
      recordBytesMax: row.record_bytes_max,
    }));
  }

  /** @throws BusbarError `BAD_USER_INPUT` where there is no such topic, `UNAVAILABLE`. */
  async bounds(topic: string): Promise<PartitionBounds[]> {
    const { rows } = await reachable(() =>
      this.#pool.query<{ partition: number; low_offset: string; next_offset: string }>(
        'SELECT partition, low_offset, next_offset FROM log_partition WHERE topic = $1 ORDER BY partition',
        [topic],
      ),
    );
    if (rows.length === 0) throw noSuchTopic(topic);
    return rows.map((row) => ({
      partition: row.partition,
      low: Number(row.low_offset),
      end: Number(row.next_offset),
    }));
  }
}

async function createOrUpdate(client: Queryable, spec: TopicSpec): Promise<void> {
  const { rows } = await client.query<{ partitions: number }>(
    `INSERT INTO log_topic (topic, partitions, retention_ms, record_bytes_max) VALUES ($1, $2, $3, $4)
     ON CONFLICT (topic) DO UPDATE
       SET retention_ms = excluded.retention_ms, record_bytes_max = excluded.record_bytes_max
     RETURNING partitions`,
    [spec.topic, spec.partitions, spec.retentionMs, spec.recordBytesMax],
  );
  await client.query(
    `INSERT INTO log_partition (topic, partition) SELECT $1, generate_series(0, $2::int - 1)
     ON CONFLICT (topic, partition) DO NOTHING`,
    [spec.topic, rows[0]?.partitions ?? 0],
  );
}

function assertPossible({ topic, partitions }: TopicSpec): void {
  if (!TOPIC_NAME.test(topic)) {
    throw new BusbarError('BAD_USER_INPUT', `a topic's name has 1 to 249 of a-z, A-Z, 0-9, ".", "_", "-": ${topic}`);
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > PARTITIONS_MAX) {
    throw new BusbarError('BAD_USER_INPUT', `topic ${topic} can have 1 to ${PARTITIONS_MAX} partitions: ${partitions}`);
  }
}

function noSuchTopic(topic: string): BusbarError {
  return new BusbarError('BAD_USER_INPUT', `the log has no topic ${topic}`);
}

/**
 * The first offset whose record was appended at or after the instant; the end where there is none. Records lie in the
 * order of their times (the appender sees to it) and without holes, so that some twenty looks at single records find it.
 * @throws BusbarError `BAD_USER_INPUT` where there is no such partition, `UNAVAILABLE`.
 */
export async function firstOffsetSince(
  db: Queryable,
  topic: string,
  partition: number,
  instantMs: number,
): Promise<number> {
  const { rows } = await reachable(() =>
    db.query<{ offset: string }>(FIRST_OFFSET_SINCE, [topic, partition, instantMs]),
  );
  const [row] = rows;
  if (!row) throw noSuchTopic(`${topic}, partition ${partition}`);
  return Number(row.offset);
}

/** A record that is gone by the time it is looked at expired: it was older. */
const FIRST_OFFSET_SINCE = `
  WITH RECURSIVE search (low, high) AS (
    SELECT low_offset, next_offset FROM log_partition WHERE topic = $1 AND partition = $2
    UNION ALL
    SELECT CASE WHEN older THEN middle + 1 ELSE low END, CASE WHEN older THEN high ELSE middle END
    FROM search
    CROSS JOIN LATERAL (SELECT (low + high) / 2 AS middle) AS halved
    CROSS JOIN LATERAL (
      SELECT coalesce((
        SELECT appended_at < to_timestamp($3::float8 / 1000) FROM log_record
        WHERE topic = $1 AND partition = $2 AND "offset" = middle
      ), true) AS older
    ) AS looked_at
    WHERE low < high
  )
  SELECT low AS offset FROM search WHERE low = high`;
