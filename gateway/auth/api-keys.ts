import { timingSafeEqual } from 'node:crypto';
import type { Logger } from 'pino';
import { BusbarError } from '../../domain/errors.ts';
import { MINUTE_MS } from '../../domain/instant.ts';
import { rightsKey } from '../../domain/rights.ts';
import { type ApiKeyText, hashOfSecret, parseApiKey } from '../../prisma/operations/api-key-secret.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import type { Authenticator } from './authenticator.ts';
import type { Identity } from './identity.ts';
import { type KeyPicture, type KnownKey, openKeyPicture, prefixOf } from './key-picture.ts';
import { createKeyUses } from './key-uses.ts';
import { refusal } from './refusal.ts';

/** For so long keys are good that the store, being away, cannot confirm. A revocation cannot reach us for no longer than that. */
export const UNCONFIRMED_MS_MAX = 5 * MINUTE_MS;
const FRESH_LOOK_MS_MAX = 2_000;
/** Of no secret. */
const NO_HASH = Buffer.alloc(32);

export interface ApiKeys {
  /** @param credential `bb_<prefix>_<secret>`. @throws as `Authenticator.identify`. */
  identify(credential: string): Promise<Identity>;
  readonly watch: Authenticator['watch'];
  /** How many there are, also those that have ended. */
  readonly count: number;
  close(): Promise<void>;
}

interface ApiKeysOptions {
  readonly db: Queryable;
  readonly log: Logger;
  /** Milliseconds since the epoch, UTC. */
  readonly clock: () => number;
  /** How often the store is asked whether a key has changed. */
  readonly everyMs?: number;
  readonly usesEveryMs?: number;
}

/** @throws what the store says where it is away. */
export async function openApiKeys({ usesEveryMs, ...options }: ApiKeysOptions): Promise<ApiKeys> {
  const { db, log, clock } = options;
  const picture = await openKeyPicture(options);
  const uses = createKeyUses({ db, log, clock, ...(usesEveryMs !== undefined && { everyMs: usesEveryMs }) });
  const watchers = new Set<Watcher>();
  picture.onLook(() => {
    for (const watcher of watchers) {
      const error = endOf(watcher, picture);
      if (error === undefined) {
        tellExpiry(watcher, picture);
      } else {
        watchers.delete(watcher);
        watcher.ended(error);
      }
    }
  });
  return {
    async identify(credential) {
      const parsed = parseApiKey(credential);
      if (!parsed) throw unknown();
      const known = await find(picture, parsed);
      if (!known || isOver(known, clock())) throw unknown();
      uses.note(parsed.prefix);
      return known.identity;
    },
    watch(identity, ended, rescheduled) {
      const { rights, expiresAt } = identity;
      const watcher = { prefix: prefixOf(identity), rightsKey: rightsKey(rights), expiresAt, ended, rescheduled };
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    get count() {
      return picture.size;
    },
    async close() {
      picture.close();
      await uses.close();
    },
  };
}

/**
 * One that was made a moment ago, perhaps by another gateway, is looked for in the store before it is called unknown; with a wrong
 * secret as well, so that the time it takes does not tell whether there is such a prefix. The clock may have been set: also what was
 * not confirmed for long is looked for, once more, before it is no longer good.
 */
async function find(picture: KeyPicture, parsed: ApiKeyText): Promise<KnownKey | undefined> {
  const known = heldIn(picture, parsed);
  if (known && picture.ageMs() <= UNCONFIRMED_MS_MAX) return known;
  await inTime(picture.refreshed());
  return heldIn(picture, parsed);
}

/** One that is not there is compared as well: that takes its time, too. */
function heldIn(picture: KeyPicture, { prefix, secret }: ApiKeyText): KnownKey | undefined {
  const known = picture.find(prefix);
  return timingSafeEqual(hashOfSecret(secret), known?.hash ?? NO_HASH) ? known : undefined;
}

async function inTime(look: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((_, failed) => {
    timer = setTimeout(() => failed(unconfirmed()), FRESH_LOOK_MS_MAX);
  });
  try {
    await Promise.race([look, late]);
  } catch (cause) {
    throw unconfirmed(cause);
  } finally {
    clearTimeout(timer);
  }
}

interface Watcher {
  readonly prefix: string;
  readonly rightsKey: string;
  /** As far as it was told. */
  expiresAt: number | undefined;
  readonly ended: (error: BusbarError) => void;
  readonly rescheduled: ((expiresAt: number | undefined) => void) | undefined;
}

/** @returns why a credential that was good is no longer taken; undefined where it is. When it expires its watcher knows. */
function endOf({ prefix, rightsKey: had }: Watcher, picture: KeyPicture): BusbarError | undefined {
  if (picture.ageMs() > UNCONFIRMED_MS_MAX) return unconfirmed();
  const known = picture.find(prefix);
  if (!known || known.revoked) return refusal('the API key was revoked');
  return known.rightsKey === had ? undefined : refusal('the rights of the API key have changed');
}

function tellExpiry(watcher: Watcher, picture: KeyPicture): void {
  const expiresAt = picture.find(watcher.prefix)?.identity.expiresAt;
  if (expiresAt === watcher.expiresAt) return;
  watcher.expiresAt = expiresAt;
  watcher.rescheduled?.(expiresAt);
}

function isOver({ revoked, identity: { expiresAt } }: KnownKey, now: number): boolean {
  return revoked || (expiresAt !== undefined && expiresAt <= now);
}

/** The same for one that never was, a wrong secret, and one that has ended. */
function unknown(): BusbarError {
  return refusal('the API key is not known or no longer valid');
}

function unconfirmed(cause?: unknown): BusbarError {
  return new BusbarError('UNAVAILABLE', 'API keys cannot be checked at the moment: try again', { cause });
}
