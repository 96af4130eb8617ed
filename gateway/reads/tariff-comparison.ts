import { HOUR_MS } from '../../domain/instant.ts';
import { ms } from '../../prisma/instants.ts';
import type {
  TariffComparisonQuestion,
  TariffComparisonRow,
  TariffDifferenceRow,
  TariffSummaryRow,
} from '../../schema/utility-rows.ts';
import type { Queryable } from './statement.ts';

/** [start, average] */
type StoredHour = readonly [number, number];

interface Stored {
  readonly summaries: readonly (Omit<TariffSummaryRow, 'cheapestHours'> & { readonly hours: readonly StoredHour[] })[];
  readonly difference: TariffDifferenceRow;
}

/** Prices are exact until the last division. An hour is one of a clock: Zurich, too, is whole hours from UTC. */
const TEXT = `
  WITH price AS (
    SELECT tariff_name, interval_start, interval_end, value,
      extract(epoch FROM interval_end - interval_start) AS seconds
    FROM energy_prices
    WHERE provider = $1 AND tariff_name IN ($2, $3) AND tariff_type = $4::tariff_type
      AND interval_start >= $5 AND interval_start < $6
  ),
  hour AS (
    SELECT tariff_name, starts_at, average,
      row_number() OVER (PARTITION BY tariff_name ORDER BY average, starts_at) AS place
    FROM (
      SELECT tariff_name, date_bin('1 hour', interval_start, TIMESTAMPTZ '2000-01-01 00:00:00+00') AS starts_at,
        sum(value * seconds) / sum(seconds) AS average
      FROM price GROUP BY 1, 2 HAVING sum(seconds) = 3600
    ) AS whole
  ),
  summary AS (
    SELECT tariff_name AS "tariffName", count(*) AS count, sum(value * seconds) / sum(seconds) AS average,
      min(value) AS min, max(value) AS max,
      (SELECT coalesce(json_agg(json_build_array(${ms('starts_at')}, h.average) ORDER BY place), '[]')
       FROM hour AS h WHERE h.tariff_name = price.tariff_name AND place <= $7) AS hours
    FROM price GROUP BY tariff_name
  ),
  difference AS (
    SELECT count(*) AS count, sum((o.value - b.value) * b.seconds) / sum(b.seconds) AS average,
      min(o.value - b.value) AS min, max(o.value - b.value) AS max,
      avg((o.value < b.value)::int) AS "cheaperShare"
    FROM price AS b JOIN price AS o USING (interval_start, interval_end)
    WHERE b.tariff_name = $2 AND o.tariff_name = $3
  )
  SELECT (SELECT coalesce(json_agg(summary), '[]') FROM summary) AS summaries,
    (SELECT row_to_json(difference) FROM difference) AS difference`;

/** Both tariffs in one statement. */
export async function readTariffComparison(
  db: Queryable,
  { provider, type, from, to, base, other, cheapestHours }: TariffComparisonQuestion,
): Promise<TariffComparisonRow> {
  const values = [provider, base, other, type, new Date(from), new Date(to), cheapestHours];
  const { rows } = await db.query<Stored>({ name: 'tariff-comparison', text: TEXT, values });
  const { summaries, difference } = rows[0] ?? { summaries: [], difference: undefined };
  const summaryOf = (name: string): TariffSummaryRow | null => {
    const found = summaries.find(({ tariffName }) => tariffName === name);
    if (!found) return null;
    const { hours, ...summary } = found;
    const cheapest = hours.map(([startAt, average]) => ({ startAt, endAt: startAt + HOUR_MS, average }));
    return { ...summary, cheapestHours: cheapest };
  };
  return {
    provider,
    type,
    from,
    to,
    base: summaryOf(base),
    other: summaryOf(other),
    difference: difference && difference.count > 0 ? difference : null,
  };
}
