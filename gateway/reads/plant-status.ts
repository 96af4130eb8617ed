import { ms } from '../../prisma/instants.ts';
import type { Range } from '../../schema/context.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import type { PlantStatusRow } from '../../schema/utility-rows.ts';
import type { Queryable } from './statement.ts';

const ROW = `plant, ${ms('at')} AS at, state, raw_state AS "rawState", voltage_kv AS "voltageKv", active_mw AS "activeMw",
  reactive_mvar AS "reactiveMvar", wind_kmh AS "windKmh", revision, ${ms('published_at')} AS "publishedAt",
  ${ms('recorded_at')} AS "recordedAt", ledger_id AS "ledgerId"`;

/** Steps from plant to plant in the key: looking at every reading there ever was would tell the same. */
const PLANTS = `
  WITH RECURSIVE plants AS (
    (SELECT plant FROM plant_status ORDER BY plant LIMIT 1)
    UNION ALL
    SELECT (SELECT plant FROM plant_status WHERE plant > p.plant ORDER BY plant LIMIT 1)
    FROM plants AS p WHERE p.plant IS NOT NULL
  )`;

const newest = (plant: string) => `SELECT * FROM plant_status WHERE plant = ${plant} ORDER BY at DESC LIMIT 1`;

/** The newest reading of each plant, by name; of one that was never heard of none. */
export async function readPlantStatus(db: Queryable, plant: string | undefined): Promise<PlantStatusRow[]> {
  const ofAll = `${PLANTS} SELECT ${ROW} FROM (
    SELECT last.* FROM plants AS p CROSS JOIN LATERAL (${newest('p.plant')}) AS last) AS reading ORDER BY plant`;
  const { rows } = await db.query<PlantStatusRow>(
    plant === undefined
      ? { name: 'plant-status-all', text: ofAll, values: [] }
      : { name: 'plant-status', text: `SELECT ${ROW} FROM (${newest('$1')}) AS reading`, values: [plant] },
  );
  return rows;
}

/** @throws BusbarError `LIMIT_EXCEEDED` where there are more than one answer may have. */
export async function readPlantHistory(
  db: Queryable,
  { plant, from, to }: Range & { readonly plant: string },
  readingsMax: number = LIMITS.plantReadings,
): Promise<PlantStatusRow[]> {
  const { rows } = await db.query<PlantStatusRow>({
    name: 'plant-history',
    text: `SELECT ${ROW} FROM plant_status AS reading WHERE plant = $1 AND at >= $2 AND at < $3 ORDER BY reading.at LIMIT $4`,
    values: [plant, new Date(from), new Date(to), readingsMax + 1],
  });
  if (rows.length > readingsMax) throw limitExceeded('plantReadings', rows.length, 'ask for a shorter range');
  return rows;
}
