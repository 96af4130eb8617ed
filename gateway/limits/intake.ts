import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { type BusbarError, isBusbarError } from '../../domain/errors.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import { callerOf } from '../caller.ts';
import { createPersistedOperations, type PersistedOperations } from '../persisted/persisted-operations.ts';
import { bodyShare, type CountPiece } from './body-share.ts';
import { pointsOf, tellBudget } from './rate-headers.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { REQUEST_LIMITS, type RequestLimits } from './request-limits.ts';
import { Shares } from './shares.ts';
import { type HoldSubscription, subscriptionShare } from './subscription-share.ts';

/** What stands between a caller who was admitted and what is executed for it, on all ways in. */
export interface Intake {
  readonly limits: RequestLimits;
  readonly persisted: PersistedOperations;
  /**
   * Counts an operation, or an export, before anything is read of it.
   * @param response told what is left, where it is of HTTP.
   * @throws BusbarError `RATE_LIMITED`
   */
  begin(request: IncomingMessage, response?: ServerResponse): Promise<void>;
  /** Counts what is read of a body, and held until it is answered. */
  countBody(request: IncomingMessage, response: ServerResponse): CountPiece;
  /** Counts what is kept of a subscription while it lives. */
  readonly holdSubscription: HoldSubscription;
  /**
   * Counts what it costs beyond that, before it runs. What is handed from one way of answering to another is paid for once.
   * @throws BusbarError `RATE_LIMITED`
   */
  spend(cost: number, request: IncomingMessage, response?: ServerResponse): Promise<void>;
  /**
   * Notes that a text may be executed, before it costs anything. What is handed from one way of answering to another is noted once.
   * @param response of HTTP.
   */
  letThrough(text: string, response?: ServerResponse): void;
  /** Notes that a limit has refused something. */
  refused(error: unknown): void;
}

export interface IntakeOptions {
  readonly limits?: RequestLimits;
  /** Without it, everybody may ask as often as they like. */
  readonly rate?: RateLimiter | undefined;
  /** Without it, all texts are executed. */
  readonly persisted?: PersistedOperations;
}

export function createIntake(
  { limits = REQUEST_LIMITS, rate, ...given }: IntakeOptions,
  { log, metrics }: { readonly log: Logger; readonly metrics: Metrics },
): Intake {
  const persisted = given.persisted ?? createPersistedOperations({ stage: 'allow', log, metrics });
  const take = async (points: number, request: IncomingMessage, response: ServerResponse | undefined) => {
    if (!rate || points === 0) return;
    const budget = await rate.spend(callerOf(request), points);
    if (response) tellBudget(response, budget);
  };
  const bodies = new Shares(Math.max(limits.bodyBytesPerIdentity, 2 * limits.bodyBytesMax));
  const subscriptions = new Shares(limits.subscriptionBytesPerIdentity);
  const paid = new WeakMap<ServerResponse, number>();
  const noted = new WeakSet<ServerResponse>();
  return {
    limits,
    persisted,
    begin: (request, response) => take(1, request, response),
    countBody: (request, response) => bodyShare(bodies, request, response),
    holdSubscription: subscriptionShare(subscriptions, limits.subscriptionCharactersMax),
    async spend(cost, request, response) {
      const points = pointsOf(cost);
      const already = response ? (paid.get(response) ?? 0) : 0;
      if (points <= already) return;
      if (response) paid.set(response, points);
      await take(points - already, request, response);
    },
    letThrough(text, response) {
      if (response && noted.has(response)) return;
      if (response) noted.add(response);
      persisted.letThrough(text);
    },
    refused: refusalCounter(metrics),
  };
}

/** Counts what limits have refused, by the limit. */
export function refusalCounter(metrics: Metrics): (error: unknown) => void {
  return (error) => {
    if (isRefusal(error)) metrics.limitRefusals.inc({ limit: String(error.details.limit ?? 'other') });
  };
}

function isRefusal(error: unknown): error is BusbarError {
  return isBusbarError(error, 'LIMIT_EXCEEDED') || isBusbarError(error, 'RATE_LIMITED');
}
