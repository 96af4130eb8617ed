import { DAY_MS } from '../../domain/instant.ts';
import { ms } from '../../prisma/instants.ts';
import { ANSWERED, PLACES } from '../../prisma/operations/api-health.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import { SLOW_MS_MIN } from './slow-rule.ts';
import { CALLS_SEEN, type EndpointStanding, WINDOW_MS } from './standing.ts';

/**
 * What is usual is only asked for where an answer took long enough to be slow at all: over a day of calls it is the larger
 * part of the work.
 */
const STANDINGS = `
  WITH RECURSIVE ${PLACES}
  SELECT place.source, place.endpoint, coalesce(newest.calls, '[]') AS newest, late.answers, late.p95_ms AS "p95Ms",
         usual.answers AS "usualAnswers", usual.p50_ms AS "usualMs"
  FROM place
  CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('at', ${ms('called_at')}, 'outcome', outcome, 'error', error)
                    ORDER BY called_at DESC, seq DESC) AS calls
    FROM (
      SELECT called_at, seq, outcome, error FROM api_health_logs AS l
      WHERE l.source = place.source AND l.endpoint = place.endpoint AND called_at > $1
      ORDER BY called_at DESC, seq DESC
      LIMIT ${CALLS_SEEN}
    ) AS seen
  ) AS newest
  CROSS JOIN LATERAL (
    SELECT count(*)::int AS answers, percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) AS p95_ms
    FROM api_health_logs AS l
    WHERE l.source = place.source AND l.endpoint = place.endpoint AND called_at > $2 AND ${ANSWERED}
  ) AS late
  CROSS JOIN LATERAL (
    SELECT count(*)::int AS answers, percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms) AS p50_ms
    FROM api_health_logs AS l
    WHERE late.p95_ms > ${SLOW_MS_MIN}
      AND l.source = place.source AND l.endpoint = place.endpoint AND called_at > $1 AND called_at <= $2 AND ${ANSWERED}
  ) AS usual`;

/** Every endpoint of which calls are kept. @param now milliseconds UTC. */
export async function readStandings(db: Queryable, now: number): Promise<EndpointStanding[]> {
  const values = [new Date(now - DAY_MS), new Date(now - WINDOW_MS)];
  const { rows } = await db.query<EndpointStanding>({ name: 'endpoint-standings', text: STANDINGS, values });
  return rows;
}
