import { timingSafeEqual } from 'node:crypto';
import type { Logger } from 'pino';
import { BusbarError } from '../../domain/errors.ts';
import { MINUTE_MS } from '../../domain/instant.ts';
import { rightsKey } from '../../domain/rights.ts';
import { hashOfSecret, parseApiKey } from '../../prisma/operations/api-key-secret.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import type { Authenticator } from './authenticator.ts';
import type { Identity } from './identity.ts';
import { type KeyPicture, type KnownKey, openKeyPicture } from './key-picture.ts';
import { createKeyUses } from './key-uses.ts';
import { refusal } from './refusal.ts';

/** For so long keys are good that the store, being away, cannot confirm. A revocation cannot reach us for no longer than that. */
export const UNCONFIRMED_MS_MAX = 5 * MINUTE_MS;
const FRESH_LOOK_MS_MAX = 2_000;
const SUBJECT = 'key:';
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
      const reason = endOf(watcher, picture, clock());
      if (reason === undefined) continue;
      watchers.delete(watcher);
      watcher.ended(reason);
    }
  });
  return {
    async identify(credential) {
      const parsed = parseApiKey(credential);
      if (!parsed) throw unknown();
      const known = await find(picture, parsed.prefix);
      // One that is not there is compared as well: the time that it takes tells less.
      const isHolder = timingSafeEqual(hashOfSecret(parsed.secret), known?.hash ?? NO_HASH);
      if (!known || !isHolder || isOver(known, clock())) throw unknown();
      uses.note(parsed.prefix);
      return known.identity;
    },
    watch(identity, ended) {
      const watcher = { identity, rightsKey: rightsKey(identity.rights), ended };
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
 * One that was made a moment ago, perhaps by another gateway, is looked for in the store before it is called unknown. The clock may
 * have been set: also what was not confirmed for long is, once more, before it is no longer good.
 */
async function find(picture: KeyPicture, prefix: string): Promise<KnownKey | undefined> {
  const known = picture.find(prefix);
  if (known && picture.ageMs() <= UNCONFIRMED_MS_MAX) return known;
  await inTime(picture.refreshed());
  return picture.find(prefix);
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
  readonly identity: Identity;
  readonly rightsKey: string;
  readonly ended: (reason: string) => void;
}

/** @returns why a credential that was good is no longer; undefined where it is. Its holder knows when it was to expire. */
function endOf({ identity, rightsKey: had }: Watcher, picture: KeyPicture, now: number): string | undefined {
  if (picture.ageMs() > UNCONFIRMED_MS_MAX) return 'API keys cannot be checked at the moment';
  const known = picture.find(identity.subject.slice(SUBJECT.length));
  if (!known || known.revoked) return 'the API key was revoked';
  if (known.rightsKey !== had) return 'the rights of the API key have changed';
  const isShortened = known.identity.expiresAt !== identity.expiresAt;
  return isShortened && isOver(known, now) ? 'the API key has ended' : undefined;
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
