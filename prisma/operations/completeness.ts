/**
 * What a feed owed in a range of delivery time: what came of it, what came late, and what is missing.
 *
 * What is owed stands in `feed_expectation`; what is not due yet is not owed. Whoever asks for a feed that promised
 * nothing gets null, not an empty list: "owes nothing that could be told" is something else than "nothing is missing".
 *
 * Ten nodes of 5-minute prices over 90 days, a quarter of a million node-intervals, take about 80 ms for their gaps and
 * about 150 ms for their completeness on two cores; about 1 s where every one of the prices has been revised.
 */
import { BusbarError } from '../../domain/errors.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import { ms } from '../instants.ts';
import type { Queryable } from '../queryable.ts';
import { type CompletenessQuestion, type OwedIntervals, readOwedIntervals } from './owed-intervals.ts';

/** Missing intervals of a node without one between them that came: `[from, to)`, milliseconds UTC. */
export interface Gap {
  readonly partition: string;
  readonly run: MarketRun;
  /** `MARKET:NAME`. */
  readonly node: string;
  readonly from: number;
  readonly to: number;
  /** How many. */
  readonly intervals: number;
}

/** Counts are of node-intervals; `expected` is `present` and `missing` together. */
export interface Completeness {
  readonly partition: string;
  readonly run: MarketRun;
  readonly expected: number;
  readonly present: number;
  readonly missing: number;
  /** Of those present: first known later than they were due. */
  readonly late: number;
  /** End of the newest of those present, milliseconds UTC; null where there is none. */
  readonly watermark: number | null;
}

/** What one question may ask for. Beyond it the answer is `LIMIT_EXCEEDED`. */
export interface CompletenessLimits {
  readonly nodeIntervals: number;
  readonly gaps: number;
}

const LIMITS: CompletenessLimits = { nodeIntervals: 5_000_000, gaps: 100_000 };

/**
 * Every gap, by partition, node and time.
 * @param now milliseconds UTC: what is not due by then is not missing.
 * @returns null where the feed, or the partitions asked for, owe nothing that could be told.
 * @throws BusbarError `NOT_FOUND`; `BAD_USER_INPUT` for an empty range; `LIMIT_EXCEEDED`.
 */
export async function readGaps(
  db: Queryable,
  asked: CompletenessQuestion,
  now: number,
  limits = LIMITS,
): Promise<Gap[] | null> {
  const owed = await readOwedIntervals(db, asked, now, limits.nodeIntervals);
  if (!owed) return null;
  const { rows } = await db.query<Gap>({
    name: 'gaps',
    text: GAPS,
    values: [...valuesFrom(owed, asked), limits.gaps + 1],
  });
  if (rows.length > limits.gaps) throw tooManyGaps(limits.gaps);
  return rows;
}

/**
 * One row a partition that owes something.
 * @param now milliseconds UTC: what is not due by then is not expected.
 * @returns null where the feed, or the partitions asked for, owe nothing that could be told.
 * @throws BusbarError `NOT_FOUND`; `BAD_USER_INPUT` for an empty range; `LIMIT_EXCEEDED`.
 */
export async function readCompleteness(
  db: Queryable,
  asked: CompletenessQuestion,
  now: number,
  limits = LIMITS,
): Promise<Completeness[] | null> {
  const owed = await readOwedIntervals(db, asked, now, limits.nodeIntervals);
  if (!owed) return null;
  const { rows } = await db.query<Arrived>({ name: 'completeness', text: ARRIVED, values: valuesFrom(owed, asked) });
  const byPartition = new Map(rows.map((row) => [row.partition, row]));
  return owed.map(({ partition, run, nodes, count }) => {
    const { present, late, watermark } = byPartition.get(partition) ?? NOTHING;
    const expected = nodes.length * count;
    return { partition, run, expected, present, missing: expected - present, late, watermark };
  });
}

interface Arrived {
  readonly partition: string;
  readonly present: number;
  readonly late: number;
  readonly watermark: number | null;
}

const NOTHING = { present: 0, late: 0, watermark: null };

/** `$1` to `$10` of both statements: a row a node, and the bounds that tell a hypertable which chunks to leave alone. */
function valuesFrom(owed: readonly OwedIntervals[], { from, to }: CompletenessQuestion): unknown[] {
  const rows = owed.flatMap(({ nodes, ...partition }) => nodes.map((node) => ({ ...partition, node })));
  return [
    rows.map(({ partition }) => partition),
    rows.map(({ run }) => run),
    rows.map(({ node }) => node.name),
    rows.map(({ node }) => node.id),
    rows.map(({ first }) => new Date(first)),
    rows.map(({ first, count, intervalMs }) => new Date(first + (count - 1) * intervalMs)),
    rows.map(({ intervalMs }) => intervalMs),
    rows.map(({ dueMs }) => dueMs),
    new Date(from),
    new Date(to),
  ];
}

const OWED = `(
  SELECT partition, run, node, node_id, first, last, place,
         step_ms * INTERVAL '1 millisecond' AS step, due_ms * INTERVAL '1 millisecond' AS due
  FROM unnest($1::text[], $2::market_run[], $3::text[], $4::int4[], $5::timestamptz[], $6::timestamptz[], $7::int4[],
              $8::int4[])
    WITH ORDINALITY AS t (partition, run, node, node_id, first, last, step_ms, due_ms, place)
) AS owed`;

/** The prices of an owed row, each read once, by index. */
const PRICES = `
  FROM lmp
  WHERE node_id = owed.node_id AND run = owed.run AND interval_start >= $9 AND interval_start < $10`;

/**
 * What is owed less what is there, node by node: 80 ms, where one anti-join of all nodes at once takes 120 and the way
 * from each price to the one before it 185. What is missing in a row keeps its distance from its number, an island.
 */
const GAPS = `
  SELECT owed.partition, owed.run, owed.node, ${ms('gap.first')} AS "from", ${ms('gap.last + owed.step')} AS "to",
         gap.intervals
  FROM ${OWED}
  CROSS JOIN LATERAL (
    SELECT min(start) AS first, max(start) AS last, count(*)::int AS intervals
    FROM (
      SELECT start, start - row_number() OVER (ORDER BY start) * owed.step AS island
      FROM (
        SELECT generate_series(owed.first, owed.last, owed.step) AS start
        EXCEPT
        SELECT interval_start ${PRICES}
      ) AS missing
    ) AS islands
    GROUP BY island
  ) AS gap
  ORDER BY owed.place, gap.first
  LIMIT $11`;

/** When a price first was known: a revised one at its first version, which the history holds. Asked only of the late. */
const FIRST_KNOWN_AT = `
  CASE WHEN lmp.revision = 1 THEN lmp.recorded_at ELSE least(lmp.recorded_at, (
    SELECT min(r.recorded_at) FROM lmp_revision AS r
    WHERE r.node_id = lmp.node_id AND r.run = lmp.run AND r.interval_start = lmp.interval_start
      AND r.interval_start >= $9 AND r.interval_start < $10
  )) END`;

const ARRIVED = `
  SELECT owed.partition, sum(came.present)::int AS present, sum(came.late)::int AS late,
         ${ms('max(came.watermark)')} AS watermark
  FROM ${OWED}
  CROSS JOIN LATERAL (
    SELECT count(*) AS present, max(interval_end) AS watermark,
           count(*) FILTER (WHERE recorded_at > interval_start + owed.due
                              AND ${FIRST_KNOWN_AT} > interval_start + owed.due) AS late
    ${PRICES} AND interval_start <= owed.last
      AND date_bin(owed.step, interval_start, TIMESTAMPTZ 'epoch') = interval_start
  ) AS came
  GROUP BY owed.partition`;

function tooManyGaps(max: number): BusbarError {
  const message = `more than ${max} gaps; ask for a shorter range or fewer nodes`;
  return new BusbarError('LIMIT_EXCEEDED', message, { details: { limit: 'gaps', max } });
}
