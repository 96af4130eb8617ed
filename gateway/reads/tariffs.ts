import { qualityFlags } from '../../domain/quality.ts';
import { ms } from '../../prisma/instants.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import type { TariffPriceRow, TariffQuestion } from '../../schema/utility-rows.ts';
import { Conditions } from './conditions.ts';
import type { Queryable } from './statement.ts';

type StoredPrice = Omit<TariffPriceRow, 'flags'> & { readonly quality: number };

const COLUMNS = `provider, tariff_name, tariff_type, interval_start, interval_end, value, unit, quality, revision, published_at,
  recorded_at, ledger_id`;

const ROW = `provider, tariff_name AS "tariffName", tariff_type AS type, ${ms('interval_start')} AS "startAt",
  ${ms('interval_end')} AS "endAt", trim_scale(value)::text AS value, unit, quality, revision,
  ${ms('published_at')} AS "publishedAt", ${ms('recorded_at')} AS "recordedAt", ledger_id AS "ledgerId"`;

/**
 * Prices that start in the range, by start, then tariff and part.
 * @throws BusbarError `LIMIT_EXCEEDED` where there are more than one answer may have.
 */
export async function readTariffs(
  db: Queryable,
  { provider, tariffName, type, from, to, asOf }: TariffQuestion,
  pricesMax: number = LIMITS.tariffPrices,
): Promise<TariffPriceRow[]> {
  const conditions = new Conditions(
    [provider, new Date(from), new Date(to), pricesMax + 1],
    ['provider = $1', 'interval_start >= $2', 'interval_start < $3'],
  );
  if (tariffName !== undefined) conditions.add('name', [tariffName], (name) => `tariff_name = ${name}`);
  if (type !== undefined) conditions.add('type', [type], (part) => `tariff_type = ${part}::tariff_type`);
  const text = asOf === undefined ? current(conditions.where) : known(conditions, asOf);
  const { rows } = await db.query<StoredPrice>({
    name: `${conditions.nameOf('tariffs')}${asOf === undefined ? '' : '-as-of'}`,
    text,
    values: conditions.values,
  });
  if (rows.length > pricesMax) throw limitExceeded('tariffPrices', rows.length, 'ask for a shorter range or one part');
  return rows.map(({ quality, ...row }) => ({ ...row, flags: qualityFlags(quality) }));
}

const ORDER = 'interval_start, tariff_name, tariff_type';

function current(where: string): string {
  return `SELECT ${ROW} FROM energy_prices ${where} ORDER BY ${ORDER} LIMIT $4`;
}

/** The versions recorded by then and not yet superseded; where clocks differ the later revision, as with prices of nodes. */
function known(conditions: Conditions, asOf: number): string {
  const place = `$${conditions.values.push(new Date(asOf))}`;
  return `
    SELECT ${ROW} FROM (
      SELECT DISTINCT ON (${ORDER}) ${COLUMNS} FROM (
        SELECT ${COLUMNS} FROM energy_prices ${conditions.where} AND recorded_at <= ${place}
        UNION ALL
        SELECT ${COLUMNS} FROM energy_prices_revision
        ${conditions.where} AND recorded_at <= ${place} AND superseded_at > ${place}
      ) AS version ORDER BY ${ORDER}, revision DESC
    ) AS price ORDER BY ${ORDER} LIMIT $4`;
}
