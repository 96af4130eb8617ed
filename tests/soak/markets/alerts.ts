import type pg from 'pg';
import { MINUTE_MS } from '../../../domain/instant.ts';
import { type CallOutcome, isAnswered, type SourceCall } from '../../../domain/source-call.ts';
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
  /** Looks at which an endpoint or a source was down, or refused us, and no alert said so. */
  readonly missed: number;
}

interface Alert {
  readonly source: string;
  readonly endpoint: string | null;
  readonly kind: string;
  readonly opened: number;
  readonly closed: number | null;
}

/** What README says, lately: so many of the kind in a row, of an endpoint or of all of a source; what is silent counts for nothing. */
interface Rule {
  readonly kind: string;
  readonly row: number;
  readonly outcomes: ReadonlySet<CallOutcome>;
  readonly silent: ReadonlySet<CallOutcome>;
}

const FAILURES = new Set<CallOutcome>(['MALFORMED', 'REFUSED', 'TIMEOUT', 'SERVER_ERROR', 'NETWORK']);
const DOWN: Rule = { kind: 'DOWN', row: 5, outcomes: FAILURES, silent: new Set() };
/** Of a source that has answered nothing lately. */
const UNANSWERED: Rule = { ...DOWN, row: 3 };
const AUTH: Rule = {
  kind: 'AUTH',
  row: 2,
  outcomes: new Set(['AUTH']),
  silent: new Set(['TIMEOUT', 'SERVER_ERROR', 'NETWORK', 'THROTTLED']),
};
/** Of an endpoint, or of a source. */
const CALLS_SEEN = 5;
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
      // An endpoint that is down by itself may be why its source fails, and a source that is down tells of its endpoints.
      const isIt = (alert: Alert) =>
        alert.source === source &&
        alert.kind === kind &&
        (endpoint === null || alert.endpoint === null || alert.endpoint === endpoint);
      const told = rows.filter((alert) => isIt(alert) && alert.opened <= at + 1 && (alert.closed ?? at + 1) > at);
      if (told.length === 0) missed += 1;
      for (const alert of told) {
        if (alert.endpoint === endpoint && Math.abs(alert.opened - at) <= 1) founded.add(alert);
      }
    }
  }
  return { opened: rows.length, unfounded: rows.length - founded.size, missed };
}

interface Asked {
  readonly source: string;
  readonly endpoint: string | null;
  readonly kind: string;
}

function asked(calls: readonly SourceCall[], at: number): Asked[] {
  const found = [...groupsOf(calls, ({ source }) => source).values()].flatMap((ofSource) => {
    const source = ofSource[0]?.source ?? '';
    const isAnswering = ofSource.some((call) => isAnswered(call.outcome) && call.at > at - LATELY_MS);
    const whole = rowsOf(ofSource, isAnswering ? [DOWN, AUTH] : [UNANSWERED, AUTH], at);
    const parts = [...groupsOf(ofSource, ({ endpoint }) => endpoint)].flatMap(([endpoint, made]) =>
      // Refused credentials are those of the whole source.
      rowsOf(made, [DOWN, AUTH], at).map((kind) => ({ source, endpoint: kind === 'AUTH' ? null : endpoint, kind })),
    );
    return [...whole.map((kind) => ({ source, endpoint: null, kind })), ...parts];
  });
  return [...new Map(found.map((each) => [JSON.stringify(each), each])).values()];
}

function groupsOf(calls: readonly SourceCall[], nameOf: (call: SourceCall) => string): Map<string, SourceCall[]> {
  const groups = new Map<string, SourceCall[]>();
  for (const call of calls) {
    const group = groups.get(nameOf(call)) ?? [];
    groups.set(nameOf(call), group);
    group.push(call);
  }
  return groups;
}

function rowsOf(calls: readonly SourceCall[], rules: readonly Rule[], at: number): string[] {
  const seen = calls.toSorted((one, other) => other.at - one.at).slice(0, CALLS_SEEN);
  return rules.flatMap(({ kind, row, outcomes, silent }) => {
    const last = seen.filter(({ outcome }) => !silent.has(outcome)).slice(0, row);
    const isLate = (last[0]?.at ?? 0) > at - LATELY_MS;
    return isLate && last.length === row && last.every(({ outcome }) => outcomes.has(outcome)) ? [kind] : [];
  });
}
