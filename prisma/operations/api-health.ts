/**
 * How the sources answer: what `api_health_logs` has of a time, and which alerts are open.
 *
 * Eight sources with five endpoints each, asked once a minute: 17 ms for an hour, 2 to 4 s for a week, on two cores with much else to do.
 */
import { BusbarError } from '../../domain/errors.ts';
import { MINUTE_MS } from '../../domain/instant.ts';
import { CALL_OUTCOMES, type CallOutcome, isAnswered, SOURCES } from '../../domain/source-call.ts';
import { ms } from '../instants.ts';
import type { Queryable } from '../queryable.ts';
import { reachable } from '../transaction.ts';

export interface ApiHealthQuestion {
  /** How far back. */
  readonly windowMinutes: number;
  /** In capitals or not. Undefined: all. */
  readonly source: string | undefined;
  /** At most those with these keys, as `sourceKey` makes them; undefined: any. */
  readonly sources?: readonly string[] | undefined;
}

/** Instants are milliseconds UTC. */
export interface SourceHealth {
  readonly source: string;
  /**
   * Whether no alert says that it is down or refuses our credentials, and a call of the window was answered where there were
   * enough of them to say.
   */
  readonly up: boolean;
  readonly calls: number;
  /** Share of the calls that were answered, 0 to 1; null without any. */
  readonly score: number | null;
  /** Of all that is kept, also before the window. */
  readonly lastCallAt: number | null;
  readonly lastSuccessAt: number | null;
  /** By name. */
  readonly endpoints: readonly EndpointHealth[];
  /** The open ones, newest first. */
  readonly alerts: readonly ApiAlert[];
  /** Start of the window. */
  readonly from: number;
}

export interface EndpointHealth {
  readonly endpoint: string;
  readonly calls: number;
  readonly score: number | null;
  /** Those that there were, in the order of `CALL_OUTCOMES`. */
  readonly outcomes: readonly OutcomeCount[];
  /** Milliseconds, of answered calls, between the two nearest where a percentile falls between calls; null without any. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  /** Of the window: what was said last, or else the outcome; null where every call was answered. */
  readonly lastError: string | null;
}

export interface OutcomeCount {
  readonly outcome: CallOutcome;
  readonly count: number;
}

export interface ApiAlert {
  readonly id: number;
  readonly source: string;
  /** Null: all of the source. */
  readonly endpoint: string | null;
  readonly kind: 'DOWN' | 'SLOW' | 'AUTH';
  readonly openedAt: number;
  /** Null: it is still open. */
  readonly closedAt: number | null;
  readonly detail: string;
}

/** More endpoints than all sources have; a name that changes from call to call must not make an answer endless. */
const ENDPOINTS_MAX = 1_000;

const listed = (outcomes: readonly CallOutcome[]) => outcomes.map((outcome) => `'${outcome}'`).join();

/** SQL: whether a call was answered. */
export const ANSWERED = `outcome IN (${listed(CALL_OUTCOMES.filter(isAnswered))})`;

/** SQL: every (source, endpoint) of which calls are kept, in as many steps along the index as there are, however many calls. */
export const PLACES = `
  place (source, endpoint) AS (
    (SELECT source, endpoint FROM api_health_logs ORDER BY source, endpoint LIMIT 1)
    UNION ALL
    SELECT next.source, next.endpoint
    FROM place CROSS JOIN LATERAL (
      SELECT l.source, l.endpoint FROM api_health_logs AS l
      WHERE (l.source, l.endpoint) > (place.source, place.endpoint)
      ORDER BY l.source, l.endpoint
      LIMIT 1
    ) AS next
  )`;

/** SQL: whether an open alert means that the source is not to be had. */
export const MEANS_DOWN = `kind IN ('DOWN', 'AUTH')`;

/** Fewer calls do not say that a source is not to be had: one can fail by accident. */
export const SAYING_CALLS = 2;

const COUNTS = CALL_OUTCOMES.map((outcome) => `'${outcome}', count(*) FILTER (WHERE outcome = '${outcome}')`).join();

/** SQL for `sourceKey`. @param expression text: a column's name. */
function sourceKeySql(expression: string): string {
  return `regexp_replace(lower(${expression}), '[^a-z0-9]', '', 'g')`;
}

/** SQL: whether the column `source` is one of those with these keys, or any where they are null. */
export function amongSources(parameter: string): string {
  return `(${parameter}::text[] IS NULL OR ${sourceKeySql('source')} = ANY(${parameter}))`;
}

const HEALTH = `
  WITH RECURSIVE ${PLACES}, asked AS (
    SELECT source, endpoint FROM place WHERE ($2::text IS NULL OR lower(source) = lower($2)) AND ${amongSources('$3')}
    ORDER BY source, endpoint LIMIT ${ENDPOINTS_MAX}
  ), endpoint AS (
    SELECT asked.source, asked.endpoint, told.*, newest.at AS last_call_at, answered.at AS last_success_at, failed.error AS last_error
    FROM asked
    CROSS JOIN LATERAL (
      SELECT count(*)::int AS calls, count(*) FILTER (WHERE ${ANSWERED})::int AS answers, json_build_object(${COUNTS}) AS counts,
             percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE ${ANSWERED}) AS latencies
      FROM api_health_logs AS l
      WHERE l.source = asked.source AND l.endpoint = asked.endpoint AND called_at >= $1
    ) AS told
    LEFT JOIN LATERAL (
      SELECT called_at AS at FROM api_health_logs AS l
      WHERE l.source = asked.source AND l.endpoint = asked.endpoint
      ORDER BY called_at DESC LIMIT 1
    ) AS newest ON true
    LEFT JOIN LATERAL (
      SELECT called_at AS at FROM api_health_logs AS l
      WHERE l.source = asked.source AND l.endpoint = asked.endpoint AND ${ANSWERED}
      ORDER BY called_at DESC LIMIT 1
    ) AS answered ON true
    LEFT JOIN LATERAL (
      SELECT coalesce(error, outcome::text) AS error FROM api_health_logs AS l
      WHERE told.answers < told.calls AND l.source = asked.source AND l.endpoint = asked.endpoint AND called_at >= $1
        AND NOT (${ANSWERED})
      ORDER BY called_at DESC, seq DESC LIMIT 1
    ) AS failed ON true
  ), source AS (
    SELECT source, sum(calls)::int AS calls, sum(answers)::int AS answers,
           ${ms('max(last_call_at)')} AS last_call_at, ${ms('max(last_success_at)')} AS last_success_at,
           json_agg(json_build_object('endpoint', endpoint, 'calls', calls, 'answers', answers, 'counts', counts,
                                      'latencies', latencies, 'lastError', last_error) ORDER BY endpoint) AS endpoints
    FROM endpoint GROUP BY source
  )
  SELECT source.*, alert.*
  FROM source
  CROSS JOIN LATERAL (
    SELECT coalesce(bool_and(NOT ${MEANS_DOWN}), true) AND (source.answers > 0 OR source.calls < ${SAYING_CALLS}) AS up,
           coalesce(json_agg(json_build_object('id', id, 'source', a.source, 'endpoint', endpoint, 'kind', kind,
             'openedAt', ${ms('opened_at')}, 'closedAt', NULL, 'detail', detail) ORDER BY id DESC), '[]') AS alerts
    FROM api_alert AS a WHERE a.source = source.source AND closed_at IS NULL
  ) AS alert
  ORDER BY source.source`;

interface StoredSource {
  readonly source: string;
  readonly calls: number;
  readonly answers: number;
  readonly last_call_at: number | null;
  readonly last_success_at: number | null;
  readonly endpoints: readonly StoredEndpoint[];
  readonly up: boolean;
  readonly alerts: readonly ApiAlert[];
}

interface StoredEndpoint {
  readonly endpoint: string;
  readonly calls: number;
  readonly answers: number;
  readonly counts: Readonly<Record<CallOutcome, number>>;
  readonly latencies: readonly [p50: number, p95: number, p99: number] | null;
  readonly lastError: string | null;
}

/**
 * Every source of which calls are kept, by name, in one statement. Endpoint by endpoint along the index: a pass over all calls of
 * the time was little quicker for a week, and slower for an hour, which is what is looked at each second.
 * @param now milliseconds UTC: the window ends there.
 * @throws BusbarError `BAD_USER_INPUT`, with the names there are, for a source that is none of ours and of which no call is
 *   kept; `UNAVAILABLE` where the store is away.
 */
export async function readApiHealth(
  db: Queryable,
  { windowMinutes, source, sources }: ApiHealthQuestion,
  now: number,
): Promise<SourceHealth[]> {
  const from = now - windowMinutes * MINUTE_MS;
  const statement = { name: 'api-health', text: HEALTH, values: [new Date(from), source ?? null, sources ?? null] };
  const { rows } = await reachable(() => db.query<StoredSource>(statement));
  if (rows.length === 0 && source !== undefined) await requireSource(db, source);
  return rows.map((row) => sourceHealthFrom(row, from));
}

const CALLED = `WITH RECURSIVE ${PLACES} SELECT DISTINCT source FROM place`;

async function requireSource(db: Queryable, name: string): Promise<void> {
  if (SOURCES.some((source) => source.toLowerCase() === name.toLowerCase())) return;
  const { rows } = await reachable(() => db.query<{ source: string }>({ name: 'sources-called', text: CALLED }));
  const names = [...new Set([...SOURCES, ...rows.map(({ source }) => source)])].sort();
  throw new BusbarError('BAD_USER_INPUT', `there is no source "${name}"; there are ${names.join(', ')}`);
}

function sourceHealthFrom(row: StoredSource, from: number): SourceHealth {
  return {
    source: row.source,
    up: row.up,
    calls: row.calls,
    score: scoreOf(row),
    lastCallAt: row.last_call_at,
    lastSuccessAt: row.last_success_at,
    endpoints: row.endpoints.map(endpointHealthFrom),
    alerts: row.alerts,
    from,
  };
}

function endpointHealthFrom({
  endpoint,
  calls,
  answers,
  counts,
  latencies,
  lastError,
}: StoredEndpoint): EndpointHealth {
  const [p50Ms = null, p95Ms = null, p99Ms = null] = latencies ?? [];
  const outcomes = CALL_OUTCOMES.map((outcome) => ({ outcome, count: counts[outcome] })).filter(
    ({ count }) => count > 0,
  );
  return { endpoint, calls, score: scoreOf({ calls, answers }), outcomes, p50Ms, p95Ms, p99Ms, lastError };
}

function scoreOf({ calls, answers }: { readonly calls: number; readonly answers: number }): number | null {
  return calls === 0 ? null : answers / calls;
}
