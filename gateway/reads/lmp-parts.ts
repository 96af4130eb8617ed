/**
 * The one definition of how prices become points of a coarser axis.
 *
 * A **part** is a stretch of time with what its prices add to a point: their sum weighted by interval length, that
 * weight, each component's own sum and weight, and the least, greatest, first and last price. A price is a part, a row of
 * `lmp_hour` and of `lmp_day` is a part, and parts add up to a point whatever they are: so what the rollups keep, what
 * is computed from prices, and what is computed from the prices known at an instant cannot drift apart.
 *
 * The weight is in seconds, here as in the rollups: binary floating point holds them exactly, so twelve times the same price
 * averages to exactly that price.
 */
const PART_COLUMNS = `node_id, run, interval_start, interval_end, operating_day, lmp, energy, congestion, loss, revision`;

/** All that a version says of its price. */
const ALL_COLUMNS = `${PART_COLUMNS}, ghg, quality, published_at`;

/** A tick without length weighs 1, as in the rollups. */
export const WEIGHT = `CASE WHEN interval_end > interval_start THEN date_part('epoch', interval_end - interval_start) ELSE 1 END`;

/** Places of the values in the statement that holds the fragments. */
export interface PartParameters {
  /** What `run` must be: `= $1::market_run`. */
  readonly run: string;
  /** The instant, `$2`; absent: what is known now. */
  readonly asOf?: string | undefined;
}

/**
 * The prices of `n.id` that start in `[asked.lo, asked.hi)`.
 *
 * As of an instant: the versions recorded by then and not yet superseded. Clocks of two ingestors may differ, so that two
 * versions claim the same instant; the later revision is then the one that was current.
 * @param wanted what parts are made of, or all columns.
 */
export function prices({ run, asOf }: PartParameters, wanted: 'PARTS' | 'ALL' = 'PARTS'): string {
  const columns = wanted === 'ALL' ? ALL_COLUMNS : PART_COLUMNS;
  const where = `node_id = n.id AND run ${run} AND interval_start >= asked.lo AND interval_start < asked.hi`;
  if (asOf === undefined) return `SELECT ${columns} FROM lmp WHERE ${where}`;
  return `
    SELECT DISTINCT ON (run, interval_start) ${columns} FROM (
      SELECT ${columns} FROM lmp WHERE ${where} AND recorded_at <= ${asOf}
      UNION ALL
      SELECT ${columns} FROM lmp_revision
      WHERE ${where} AND recorded_at <= ${asOf} AND superseded_at > ${asOf}
    ) AS versions
    ORDER BY run, interval_start, revision DESC`;
}

/** Prices as parts. */
export function partsFromPrices(parameters: PartParameters): string {
  return `
    SELECT run, interval_start AS bucket, operating_day, weight,
      lmp * weight AS lmp_sum,
      energy * weight AS energy_sum, CASE WHEN energy IS NOT NULL THEN weight END AS energy_weight,
      congestion * weight AS congestion_sum, CASE WHEN congestion IS NOT NULL THEN weight END AS congestion_weight,
      loss * weight AS loss_sum, CASE WHEN loss IS NOT NULL THEN weight END AS loss_weight,
      lmp AS lmp_min, lmp AS lmp_max, lmp AS lmp_open, lmp AS lmp_close
    FROM (${prices(parameters)}) AS price CROSS JOIN LATERAL (SELECT ${WEIGHT} AS weight) AS weighted`;
}

/** Rows of `lmp_hour` as parts. */
export function partsFromHours({ run }: PartParameters): string {
  return `
    SELECT * FROM lmp_hour
    WHERE node_id = n.id AND run ${run} AND bucket >= asked.lo AND bucket < asked.hi`;
}

/**
 * Rows of `lmp_day` as parts. Its buckets are days of UTC, divided by operating day: the bucket bounds only tell the store
 * where to look, and the operating days what to take.
 */
export function partsFromDays({ run }: PartParameters): string {
  return `
    SELECT * FROM lmp_day
    WHERE node_id = n.id AND run ${run}
      AND bucket >= asked.lo - INTERVAL '1 day' AND bucket < asked.hi
      AND operating_day >= (asked.lo AT TIME ZONE asked.zone)::date
      AND operating_day < (asked.hi AT TIME ZONE asked.zone)::date`;
}

/** Milliseconds UTC of a timestamptz. */
export function epochMs(instant: string): string {
  return `(date_part('epoch', ${instant}) * 1000)::bigint`;
}

/** The clock hour a part begins in. */
export const HOUR_START = `date_bin(INTERVAL '1 hour', bucket, TIMESTAMPTZ '2000-01-01 00:00:00+00')`;
