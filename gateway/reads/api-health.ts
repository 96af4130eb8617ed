import type pg from 'pg';
import { ms } from '../../prisma/instants.ts';
import { ANSWERED, amongSources, readApiHealth } from '../../prisma/operations/api-health.ts';
import type { ApiAlertRow, HealthReads, SourceErrorRow, SourceErrorsRequest } from '../../schema/health-rows.ts';
import type { Page, Slice } from '../../schema/question.ts';
import { sliceFrom } from './slice.ts';
import type { Queryable } from './statement.ts';

/** How the sources answer, what they said where they did not, and the alerts that followed. @param clock milliseconds UTC. */
export function createHealthReads(pool: pg.Pool, clock: () => number): HealthReads {
  return {
    apiHealth: (asked) => readApiHealth(pool, asked, clock()),
    sourceErrors: (requests) => readSourceErrors(pool, requests),
    apiAlerts: (open, page, sources) => readApiAlerts(pool, open, page, sources),
  };
}

/** Backwards from now, until there are as many as asked for. */
const ERRORS = `
  SELECT asked.place::int AS place, at, endpoint, outcome, status, error
  FROM unnest($1::text[], $2::timestamptz[], $3::int[]) WITH ORDINALITY AS asked (source, since, rows, place)
  CROSS JOIN LATERAL (
    SELECT ${ms('called_at')} AS at, seq, endpoint, outcome, status, error
    FROM api_health_logs AS l
    WHERE l.source = asked.source AND called_at >= asked.since AND NOT (${ANSWERED})
    ORDER BY called_at DESC, seq DESC
    LIMIT asked.rows
  ) AS e
  ORDER BY asked.place, at DESC, seq DESC`;

async function readSourceErrors(db: Queryable, requests: readonly SourceErrorsRequest[]): Promise<SourceErrorRow[][]> {
  const values = [
    requests.map(({ source }) => source),
    requests.map(({ from }) => new Date(from)),
    requests.map(({ first }) => first),
  ];
  const { rows } = await db.query<SourceErrorRow & { place: number }>({ name: 'source-errors', text: ERRORS, values });
  const errors: SourceErrorRow[][] = requests.map(() => []);
  for (const { place, ...row } of rows) errors[place - 1]?.push(row);
  return errors;
}

const ALERTS = `
  SELECT id, source, endpoint, kind, ${ms('opened_at')} AS "openedAt", ${ms('closed_at')} AS "closedAt", detail
  FROM api_alert
  WHERE ($1::bigint IS NULL OR id < $1) AND ($2::boolean IS NULL OR (closed_at IS NULL) = $2)
    AND ${amongSources('$4')}
  ORDER BY id DESC
  LIMIT $3`;

async function readApiAlerts(
  db: Queryable,
  open: boolean | undefined,
  page: Page<number>,
  sources: readonly string[] | undefined,
): Promise<Slice<ApiAlertRow>> {
  const values = [page.after ?? null, open ?? null, page.first + 1, sources ?? null];
  const { rows } = await db.query<ApiAlertRow>({ name: 'api-alerts', text: ALERTS, values });
  return sliceFrom(rows, page);
}
