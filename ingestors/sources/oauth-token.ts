import { BusbarError, isBusbarError } from '../../domain/errors.ts';
import { MINUTE_MS } from '../../domain/instant.ts';
import type { Clock } from '../feed.ts';
import { abortable } from './abortable.ts';
import { BREAKER, type BreakerSettings } from './circuit-breaker.ts';
import type { HttpSource } from './http.ts';
import type { HttpAnswer } from './http-answer.ts';

/**
 * OAuth2 tokens (RFC 6749, 4.3 and 4.4) for sources that want one, asked for anew rather than by refresh token: the two
 * grants can always ask again, and not every source gives one.
 *
 *   none ──▶ asking ──▶ fresh ──4/5 of its life──▶ ageing ──▶ asking ──▶ fresh
 *             ▲                                                 └─ fails ──▶ ageing, asked again after a minute
 *             └── refused by the source (401), or its life over
 *
 * There is one asking at a time: all who need a token then wait for the same one. Neither a secret nor a token is ever in
 * an error.
 */
export interface TokenSource {
  /**
   * Does the work with a living token. Where it fails with status 401 it is done once more with a new token: it may have
   * ended while the work waited for its turn, or have been revoked.
   * @throws BusbarError `SOURCE_REFUSED` where no token is given for these credentials (`details.error` has the code of
   *   RFC 6749, 5.2), `THROTTLED`, `SOURCE_FAILED`; what the work throws; the signal's reason where it is aborted.
   */
  authorized<T>(work: (token: string) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Who waits for a token fails. The HTTP source is its owner's to close. */
  close(): void;
}

export type Grant =
  | {
      readonly type: 'password';
      readonly username: string;
      readonly password: Revealing;
      readonly clientId: string;
    }
  | { readonly type: 'client_credentials'; readonly clientId: string; readonly clientSecret: Revealing };

/** A secret of the configuration. */
export interface Revealing {
  reveal(): string;
}

export interface TokenSettings {
  readonly http: Pick<HttpSource, 'postForm'>;
  readonly clock: Clock;
  readonly url: string;
  readonly grant: Grant;
  /** Further fields of the request that are no secrets: scope, response_type. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Which field of the answer is the token. */
  readonly tokenField: 'access_token' | 'id_token';
  /** How long a token lives whose answer does not say so. */
  readonly lifetimeMs: number;
}

interface Token {
  readonly text: string;
  readonly renewAt: number;
  readonly endsAt: number;
}

/**
 * For the circuit breaker of what is asked with a token: all who wait for their turn may hold one that has just ended, and each is
 * refused once before it has a new one.
 */
export const TOKEN_BREAKER: BreakerSettings = { ...BREAKER, refused: { ...BREAKER.refused, rowMax: 20 } };

/** The rest of its life is for requests that wait for their turn and for a login that is away for a while. */
const RENEWED_AFTER = 0.8;

export function createTokenSource(settings: TokenSettings): TokenSource {
  const { clock } = settings;
  const closing = new AbortController();
  let held: Token | undefined;
  let asking: Promise<Token> | undefined;

  // Nobody's signal ends it: the others wait for it as well.
  const renew = () => {
    asking ??= askedFor(settings, closing.signal)
      .then((token) => {
        held = token;
        return token;
      })
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };
  const living = async (signal: AbortSignal): Promise<Token> => {
    if (held && clock.now() < held.renewAt) return held;
    try {
      return await abortable(renew(), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!held || clock.now() >= held.endsAt) throw error;
      held = { ...held, renewAt: clock.now() + MINUTE_MS };
      return held;
    }
  };
  return {
    authorized: async (work, signal) => {
      const token = await living(signal);
      try {
        return await work(token.text);
      } catch (error) {
        if (!isUnauthorized(error)) throw error;
      }
      // Another who was refused may have a new one already.
      if (held?.text === token.text) held = undefined;
      return work((await living(signal)).text);
    },
    close: () => closing.abort(new BusbarError('UNAVAILABLE', 'the source is being closed')),
  };
}

function isUnauthorized(error: unknown): boolean {
  return isBusbarError(error, 'SOURCE_REFUSED') && error.details.status === 401;
}

async function askedFor(settings: TokenSettings, signal: AbortSignal): Promise<Token> {
  const { http, clock, url, grant, fields = {}, tokenField, lifetimeMs } = settings;
  const read = ({ bytes, refusal }: HttpAnswer): Token => {
    if (refusal) throw withoutBody(refusal);
    const answer = objectFrom(bytes.toString('utf8'));
    const text = answer[tokenField];
    if (typeof text !== 'string' || text === '')
      throw new BusbarError('SOURCE_FAILED', `the login gave no ${tokenField}`);
    const lifeMs = secondsFrom(answer.expires_in) * 1000 || lifetimeMs;
    return { text, renewAt: clock.now() + lifeMs * RENEWED_AFTER, endsAt: clock.now() + lifeMs };
  };
  try {
    return await http.postForm(url, { ...fields, ...fieldsOf(grant) }, read, {
      endpoint: 'login',
      signal,
      statuses: [400, 401, 403],
    });
  } catch (error) {
    throw withoutBody(error);
  }
}

function fieldsOf(grant: Grant): Record<string, string> {
  const named = { grant_type: grant.type, client_id: grant.clientId };
  return grant.type === 'password'
    ? { ...named, username: grant.username, password: grant.password.reveal() }
    : { ...named, client_secret: grant.clientSecret.reveal() };
}

/** What it could not be parsed for is left out: V8 quotes the text, and that may be a token. */
function objectFrom(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return { ...parsed };
  } catch {}
  throw new BusbarError('SOURCE_FAILED', 'the login answered with something else than a JSON object');
}

/** Some send the seconds as text. 0 where there are none. */
function secondsFrom(value: unknown): number {
  const seconds = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : 0;
}

/** Of RFC 6749, 5.2 and 4.1.2.1: what is wrong is who asks, not how. */
const REFUSING_US: ReadonlySet<string> = new Set([
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'access_denied',
]);

/** A login may repeat in its error what it was sent: of its body only the error's code is kept, and so no cause either. */
function withoutBody(error: unknown): unknown {
  if (!isBusbarError(error) || typeof error.details.body !== 'string') return error;
  const { body, ...details } = error.details;
  const code = /"error"\s*:\s*"([a-z_]{1,40})"/.exec(error.details.body)?.[1];
  const why = code === undefined ? '' : `: ${code}`;
  return new BusbarError(error.code, `no token was given: ${error.message}${why}`, {
    details: { ...details, error: code, isAuth: code !== undefined && REFUSING_US.has(code) },
  });
}
