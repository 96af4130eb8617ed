/** What the store and the live side answer about the sources. Instants in milliseconds UTC. */
import type { CallOutcome } from '../domain/source-call.ts';
import type { Page, Slice } from './question.ts';

export interface ApiHealthQuestion {
  /** How far back. */
  readonly windowMinutes: number;
  /** Undefined: all. */
  readonly source: string | undefined;
  /** At most those with these keys, as `sourceKey` makes them. */
  readonly sources?: readonly string[];
}

export interface SourceHealthRow {
  readonly source: string;
  readonly up: boolean;
  readonly calls: number;
  /** 0 to 1; null without a call. */
  readonly score: number | null;
  readonly lastCallAt: number | null;
  readonly lastSuccessAt: number | null;
  readonly endpoints: readonly EndpointHealthRow[];
  /** The open ones. */
  readonly alerts: readonly ApiAlertRow[];
  /** Start of the window. */
  readonly from: number;
}

export interface EndpointHealthRow {
  readonly endpoint: string;
  readonly calls: number;
  readonly score: number | null;
  readonly outcomes: readonly { readonly outcome: CallOutcome; readonly count: number }[];
  /** Milliseconds; null where nothing was answered. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly lastError: string | null;
}

export interface ApiAlertRow {
  readonly id: number;
  readonly source: string;
  /** Null: all of the source. */
  readonly endpoint: string | null;
  readonly kind: 'DOWN' | 'SLOW' | 'AUTH';
  readonly openedAt: number;
  /** Null: it is open. */
  readonly closedAt: number | null;
  readonly detail: string;
}

/** Calls of a source since an instant that were not answered. */
export interface SourceErrorsRequest {
  readonly source: string;
  readonly from: number;
  readonly first: number;
}

export interface SourceErrorRow {
  readonly at: number;
  readonly endpoint: string;
  readonly outcome: CallOutcome;
  readonly status: number | null;
  readonly error: string | null;
}

export interface HealthReads {
  /** By name. */
  apiHealth(asked: ApiHealthQuestion): Promise<SourceHealthRow[]>;
  /** The newest first, in the order asked. */
  sourceErrors(requests: readonly SourceErrorsRequest[]): Promise<SourceErrorRow[][]>;
  /** The newest first. `after`: the id of the last one seen. @param open undefined: either. */
  apiAlerts(open: boolean | undefined, page: Page<number>, sources?: readonly string[]): Promise<Slice<ApiAlertRow>>;
}

export interface HealthLive {
  /**
   * The sources as they are, then when one changed.
   * @param subject who asks: each may have so many different questions at once.
   * @throws BusbarError `UNAVAILABLE`, `RATE_LIMITED`, `LIMIT_EXCEEDED`.
   */
  apiHealth(asked: ApiHealthQuestion, subject: string): AsyncIterable<readonly SourceHealthRow[]>;
}
