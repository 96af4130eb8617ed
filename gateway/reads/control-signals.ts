import { ms } from '../../prisma/instants.ts';
import type { ControlSignalRow } from '../../schema/utility-rows.ts';
import type { Queryable } from './statement.ts';

const TEXT = `
  SELECT provider, name, description, date::text AS date, ${ms('interval_start')} AS "startAt",
    ${ms('interval_end')} AS "endAt", revision, ${ms('published_at')} AS "publishedAt",
    ${ms('recorded_at')} AS "recordedAt", ledger_id AS "ledgerId"
  FROM control_signals
  WHERE provider = $1
    AND date = coalesce($2::date, (SELECT max(date) FROM control_signals WHERE provider = $1))
  ORDER BY interval_start, name`;

/** @param date undefined: the last day that has any. */
export async function readControlSignals(
  db: Queryable,
  provider: string,
  date: string | undefined,
): Promise<ControlSignalRow[]> {
  const values = [provider, date ?? null];
  const { rows } = await db.query<ControlSignalRow>({ name: 'control-signals', text: TEXT, values });
  return rows;
}
