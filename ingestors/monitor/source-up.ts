import type pg from 'pg';
import { HOUR_MS } from '../../domain/instant.ts';
import { ANSWERED, MEANS_DOWN, PLACES, SAYING_CALLS } from '../../prisma/operations/api-health.ts';
import { reachable } from '../../prisma/transaction.ts';
import type { Metrics } from '../../runtime/metrics.ts';

/** As far back as health is shown where nobody says how far. */
const WINDOW_MS = HOUR_MS;

const UPS = `
  WITH RECURSIVE ${PLACES}
  SELECT source, (sum(late.answers) > 0 OR sum(late.calls) < ${SAYING_CALLS}) AND NOT EXISTS (
    SELECT FROM api_alert AS a WHERE a.source = place.source AND closed_at IS NULL AND ${MEANS_DOWN}
  ) AS up
  FROM place
  CROSS JOIN LATERAL (
    SELECT count(*) AS calls, count(*) FILTER (WHERE ${ANSWERED}) AS answers
    FROM api_health_logs AS l
    WHERE l.source = place.source AND l.endpoint = place.endpoint AND called_at >= $1
  ) AS late
  GROUP BY source`;

/**
 * Tells the gauge which sources are up, by the alerts and calls of the store: whichever process found them, every process says
 * the same. While the store is away nothing is known, and none is told. Never throws.
 * @param now milliseconds UTC.
 */
export async function tellSourcesUp(
  pool: pg.Pool,
  { sourceUp }: Pick<Metrics, 'sourceUp'>,
  now: number,
): Promise<void> {
  const asked = { name: 'sources-up', text: UPS, values: [new Date(now - WINDOW_MS)] };
  const ups = await reachable(() => pool.query<{ source: string; up: boolean }>(asked)).catch(() => ({ rows: [] }));
  sourceUp.reset();
  for (const { source, up } of ups.rows) sourceUp.set({ source }, up ? 1 : 0);
}
