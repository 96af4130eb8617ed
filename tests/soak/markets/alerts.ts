import type pg from 'pg';
import { MINUTE_MS } from '../../../domain/instant.ts';
import type { SourceCall } from '../../../domain/source-call.ts';
import { ms } from '../../../prisma/instants.ts';

/** One look for alerts: when, and after how many calls. */
export interface Look {
  readonly at: number;
  readonly calls: number;
}

/** What came of alerts, as the calls of the run by themselves ask for them. */
export interface AlertsSeen {
  readonly opened: number;
  /** Open with nothing in the calls that asks for it. */
  readonly unfounded: number;
  /** Looks at which an endpoint was down, or refused us, and no alert said so. */
  readonly missed: number;
}

interface Alert {
  readonly source: string;
  readonly endpoint: string | null;
  readonly kind: string;
  readonly opened: number;
  readonly closed: number | null;
}

/** Five failures of an endpoint in a row, or two refusals, lately: the same as README says. */
const RULES = [
  { kind: 'DOWN', row: 5, outcomes: ['MALFORMED', 'REFUSED', 'TIMEOUT', 'SERVER_ERROR', 'NETWORK'] },
  { kind: 'AUTH', row: 2, outcomes: ['AUTH'] },
] as const;
const LATELY_MS = 15 * MINUTE_MS;

/** @param calls in the order in which they were made. */
export async function compareAlerts(
  pool: pg.Pool,
  calls: readonly SourceCall[],
  looks: readonly Look[],
): Promise<AlertsSeen> {
  const { rows } = await pool.query<Alert>(
    `SELECT source, endpoint, kind::text AS kind, ${ms('opened_at')} AS opened, ${ms('closed_at')} AS closed FROM api_alert`,
  );
  const founded = new Set<Alert>();
  let missed = 0;
  for (const { at, calls: count } of looks) {
    for (const { source, endpoint, kind } of asked(calls.slice(0, count), at)) {
      const isIt = (alert: Alert) =>
        alert.source === source && alert.kind === kind && (alert.endpoint ?? endpoint) === endpoint;
      const told = rows.find((alert) => isIt(alert) && alert.opened <= at + 1 && (alert.closed ?? at + 1) > at);
      if (!told) missed += 1;
      else if (Math.abs(told.opened - at) <= 1) founded.add(told);
    }
  }
  return { opened: rows.length, unfounded: rows.length - founded.size, missed };
}

function asked(calls: readonly SourceCall[], at: number) {
  const endpoints = new Map<string, SourceCall[]>();
  for (const call of calls) {
    const key = JSON.stringify([call.source, call.endpoint]);
    endpoints.set(key, [...(endpoints.get(key) ?? []), call]);
  }
  return [...endpoints.values()].flatMap((made) => {
    const newest = made.toSorted((one, other) => other.at - one.at);
    const [last] = newest;
    if (!last || last.at <= at - LATELY_MS) return [];
    return RULES.filter(({ row, outcomes }) => {
      const these: readonly string[] = outcomes;
      return newest.length >= row && newest.slice(0, row).every(({ outcome }) => these.includes(outcome));
    }).map(({ kind }) => ({ source: last.source, endpoint: last.endpoint, kind }));
  });
}
