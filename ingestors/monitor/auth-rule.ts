/**
 * A source does not know us: of an endpoint, or of all of them together, the last calls were refused that came as far as
 * whoever looks at credentials. It is of the whole source, whose credentials are one set, and lies below the number at which
 * the circuit breaker asks no more.
 */
import type { CallOutcome } from '../../domain/source-call.ts';
import { type EndpointStanding, isOfNow, type Notice, newestOf, type RecentCall, whatWasSaid } from './standing.ts';

/** One refusal is a token that ended; the second is another. */
export const AUTH_CALLS = 2;

/** They say nothing of credentials, neither way. */
const SILENT: ReadonlySet<CallOutcome> = new Set(['NETWORK', 'TIMEOUT', 'SERVER_ERROR', 'THROTTLED']);

/** @param endpoints all of one source. */
export function whoRefuses(endpoints: readonly EndpointStanding[], now: number): Notice[] {
  for (const some of [...endpoints.map((each) => [each]), endpoints]) {
    const [last] = telling(newestOf(some));
    if (last && areRefused(some) && isOfNow(last, now))
      return [{ endpoint: null, detail: `the credentials are refused at ${last.endpoint}: ${whatWasSaid(last)}` }];
  }
  return [];
}

/** Silence closes nothing, while the calls are kept that were refused. */
export function isKnown(endpoints: readonly EndpointStanding[]): boolean {
  const newest = newestOf(endpoints);
  const [last] = telling(newest);
  if (!last) return newest.length === 0;
  return last.outcome !== 'AUTH' && !endpoints.some((each) => areRefused([each]));
}

function areRefused(endpoints: readonly EndpointStanding[]): boolean {
  const last = telling(newestOf(endpoints)).slice(0, AUTH_CALLS);
  return last.length === AUTH_CALLS && last.every(({ outcome }) => outcome === 'AUTH');
}

function telling<Call extends RecentCall>(calls: readonly Call[]): readonly Call[] {
  return calls.filter(({ outcome }) => !SILENT.has(outcome));
}
