import type { Logger } from 'pino';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { BusbarError } from '../../domain/errors.ts';
import { RedisLink } from '../../runtime/live-bus/redis-link.ts';
import { OPEN_IDENTITY, VISITOR } from '../auth/identity.ts';
import type { Caller } from '../caller.ts';

/** Points that identities may spend in a minute that begins with the first of them, shared by all gateways of one Redis. */
export interface RateLimiter {
  /** @throws BusbarError `RATE_LIMITED` with `retryAfterSeconds` where there are not as many left. */
  spend(caller: Caller, points: number): Promise<Budget>;
  close(): void;
}

/** What is left of a minute, as far as this gateway knows. */
export interface Budget {
  readonly limit: number;
  readonly remaining: number;
  readonly resetSeconds: number;
}

interface RateLimiterOptions {
  readonly pointsPerMinute: number;
  /** Where gateways share what was spent; without it, each counts for itself. */
  readonly redisUrl?: string | undefined;
  readonly log: Logger;
  /** Milliseconds of a clock that is never set. */
  readonly clock?: () => number;
}

const WINDOW_SECONDS = 60;
/** Points are fetched in lots: most requests then wait for nothing, and a gateway holds little that another could spend. */
const LOTS_PER_WINDOW = 50;
const REDIS_MS_MAX = 250;
const CONNECT_MS_MAX = 2_000;
/** Identities remembered; one that is forgotten loses what is left of its lot. */
const IDENTITIES_MAX = 20_000;

/** While Redis is away, each gateway counts for itself, and an identity has the whole of its points at each. */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { pointsPerMinute, redisUrl, log, clock = performance.now.bind(performance) } = options;
  const memory = new RateLimiterMemory({ points: pointsPerMinute, duration: WINDOW_SECONDS });
  const link = redisUrl === undefined ? undefined : new RedisLink(redisUrl, log);
  // Nobody waits for it: the first to ask finds it there.
  link?.run((client) => client.ping(), CONNECT_MS_MAX).catch(() => {});
  const limiter = link
    ? new RateLimiterRedis({
        storeClient: clientOf(link),
        useRedisPackage: true,
        keyPrefix: 'busbar:rate',
        points: pointsPerMinute,
        duration: WINDOW_SECONDS,
        insuranceLimiter: memory,
      })
    : memory;
  const lot = Math.max(1, Math.floor(pointsPerMinute / LOTS_PER_WINDOW));
  const fetch: Fetch = async (key, points) => limiter.consume(key, points).catch(refusalOf);
  const purses = new Map<string, Purse>();

  const purseOf = (key: string): Purse => {
    const purse =
      purses.get(key) ?? new Purse({ limit: pointsPerMinute, lot, clock, fetch: (points) => fetch(key, points) });
    purses.delete(key);
    purses.set(key, purse);
    if (purses.size > IDENTITIES_MAX) purses.delete(purses.keys().next().value ?? key);
    return purse;
  };

  return {
    spend: (caller, points) => purseOf(keyOf(caller)).spend(points),
    close: () => link?.close(),
  };
}

/** Where nobody says who they are, they are told apart by where they come from. */
function keyOf({ identity, address }: Caller): string {
  const isAnybody = [OPEN_IDENTITY.subject, VISITOR.subject].includes(identity.subject);
  return isAnybody ? `address:${address}` : identity.subject;
}

/** All that the limiter asks of its client, none of it for long. */
function clientOf(link: RedisLink) {
  return {
    eval: (script: string, options: { keys: string[]; arguments: string[] }) =>
      link.run((client) => client.eval(script, options), REDIS_MS_MAX),
  };
}

/** One that has nothing left is rejected with what it has, as a whole is resolved. */
function refusalOf(reason: unknown): RateLimiterRes {
  if (reason instanceof RateLimiterRes) return reason;
  throw reason;
}

type Fetch = (key: string, points: number) => Promise<RateLimiterRes>;

interface PurseOptions {
  readonly limit: number;
  readonly lot: number;
  readonly clock: () => number;
  readonly fetch: (points: number) => Promise<RateLimiterRes>;
}

/**
 * What one identity has left. **Full**, it spends without asking anybody; **short**, it fetches a lot first, which all who wait get;
 * **empty**, it refuses until the minute ends.
 */
class Purse {
  readonly #options: PurseOptions;
  #left = 0;
  /** What others may still fetch, as of the last time. */
  #elsewhere: number;
  #endsAt = 0;
  #fetching: Promise<void> | undefined;

  constructor(options: PurseOptions) {
    this.#options = options;
    this.#elsewhere = options.limit;
  }

  async spend(points: number): Promise<Budget> {
    const { limit, clock } = this.#options;
    // What costs more than a minute has could otherwise never be asked.
    const asked = Math.min(points, limit);
    for (;;) {
      if (clock() >= this.#endsAt) this.#begin();
      if (this.#left >= asked) {
        this.#left -= asked;
        return this.#budget();
      }
      if (this.#elsewhere === 0) throw this.#refusal();
      this.#fetching ??= this.#fetch(asked - this.#left).finally(() => {
        this.#fetching = undefined;
      });
      await this.#fetching;
    }
  }

  #begin(): void {
    this.#left = 0;
    this.#elsewhere = this.#options.limit;
    this.#endsAt = Number.POSITIVE_INFINITY;
  }

  async #fetch(missing: number): Promise<void> {
    const { limit, lot, clock, fetch } = this.#options;
    const wanted = Math.max(missing, lot);
    const { consumedPoints, msBeforeNext } = await fetch(wanted);
    // Counted up at once: what lies beyond the limit was asked for by us and given to nobody.
    this.#left += Math.max(0, Math.min(wanted, limit - (consumedPoints - wanted)));
    this.#elsewhere = Math.max(0, limit - consumedPoints);
    this.#endsAt = clock() + Math.max(0, msBeforeNext);
  }

  #budget(): Budget {
    const { limit, clock } = this.#options;
    const resetSeconds = Math.max(0, Math.ceil((this.#endsAt - clock()) / 1_000));
    return { limit, remaining: this.#left + this.#elsewhere, resetSeconds };
  }

  #refusal(): BusbarError {
    const { limit, resetSeconds } = this.#budget();
    const retryAfterSeconds = Math.max(1, resetSeconds);
    const message = `rate: ${limit} points a minute are spent; ask again in ${retryAfterSeconds} s`;
    return new BusbarError('RATE_LIMITED', message, { details: { limit: 'rate', max: limit, retryAfterSeconds } });
  }
}
