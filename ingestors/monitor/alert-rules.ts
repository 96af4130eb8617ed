/**
 * When an alert of a source opens and closes. Pure: same calls, same alerts.
 *
 * - **DOWN**, of an endpoint or of all of a source: `down-rule.ts`.
 * - **SLOW**, of an endpoint: `slow-rule.ts`.
 * - **AUTH**, of a whole source: `auth-rule.ts`.
 *
 * Each closes later than it opens, so that a source that comes and goes is one alert and not twenty. Where the circuit breaker
 * leaves a source alone its last calls go on to be its last. Where nobody asks for a day, nothing is known, and all close.
 */
import { isKnown, whoRefuses } from './auth-rule.ts';
import { isBack, whatIsDown } from './down-rule.ts';
import { isQuick, whatIsSlow } from './slow-rule.ts';
import type { EndpointStanding, Notice, OpenNotice } from './standing.ts';

export type AlertKind = 'DOWN' | 'SLOW' | 'AUTH';

/** What an alert is about. */
export interface AlertPlace {
  readonly source: string;
  /** Null: all of the source. */
  readonly endpoint: string | null;
  readonly kind: AlertKind;
}

export interface NewAlert extends AlertPlace {
  /** For people. */
  readonly detail: string;
}

/**
 * @param open the alerts that are open.
 * @param now milliseconds UTC.
 * @returns which to open, and of the open ones which to close. An endpoint has none of a kind that its whole source has.
 */
export function judge<Open extends AlertPlace & OpenNotice>(
  standings: readonly EndpointStanding[],
  open: readonly Open[],
  now: number,
): { readonly opened: readonly NewAlert[]; readonly closed: readonly Open[] } {
  const sources = sourcesIn(standings);
  const closed = open.filter((alert) => RULES[alert.kind].closes(sources.get(alert.source) ?? [], alert, now));
  const isOpen = new Set(open.map(keyOf));
  const found = [...sources.values()].flatMap((endpoints) => alertsOf(endpoints, now));
  const added = found.filter((alert) => !isOpen.has(keyOf(alert)));
  const lasting = new Set([...open.filter((alert) => !closed.includes(alert)), ...added].map(keyOf));
  const opened = added.filter((alert) => alert.endpoint === null || !lasting.has(keyOf({ ...alert, endpoint: null })));
  return { opened, closed };
}

/** The endpoints are all that a source has. */
interface Rule {
  opens(endpoints: readonly EndpointStanding[], now: number): readonly Notice[];
  closes(endpoints: readonly EndpointStanding[], alert: OpenNotice, now: number): boolean;
}

const RULES: Readonly<Record<AlertKind, Rule>> = {
  DOWN: { opens: whatIsDown, closes: isBack },
  SLOW: { opens: whatIsSlow, closes: isQuick },
  AUTH: { opens: whoRefuses, closes: isKnown },
};

const KINDS = ['DOWN', 'SLOW', 'AUTH'] as const satisfies readonly AlertKind[];

function sourcesIn(standings: readonly EndpointStanding[]): ReadonlyMap<string, readonly EndpointStanding[]> {
  const sources = new Map<string, EndpointStanding[]>();
  for (const standing of standings) {
    const endpoints = sources.get(standing.source) ?? [];
    sources.set(standing.source, endpoints);
    endpoints.push(standing);
  }
  return sources;
}

function alertsOf(endpoints: readonly EndpointStanding[], now: number): NewAlert[] {
  const [first] = endpoints;
  if (!first) return [];
  return KINDS.flatMap((kind) =>
    RULES[kind].opens(endpoints, now).map((notice) => ({ source: first.source, kind, ...notice })),
  );
}

function keyOf({ source, endpoint, kind }: AlertPlace): string {
  return JSON.stringify([source, endpoint, kind]);
}
