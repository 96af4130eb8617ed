import type { Logger } from 'pino';
import { rightsKey } from '../../domain/rights.ts';
import { rightsFrom, type StoredRights } from '../../prisma/operations/stored-api-key.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import { createFreshLook } from './fresh-look.ts';
import type { Identity } from './identity.ts';

const EVERY_MS = 1_000;
const SPACING_MS = 100;

export interface KnownKey {
  /** SHA-256 of the secret. */
  readonly hash: Buffer;
  readonly identity: Identity;
  readonly rightsKey: string;
  readonly revoked: boolean;
}

/**
 * All API keys as the store has them, read again within a second of a change. While the store is away it stays as it is, and
 * says how old that is.
 */
export interface KeyPicture {
  readonly size: number;
  find(prefix: string): KnownKey | undefined;
  /** Since the store last confirmed it. */
  ageMs(): number;
  /** Resolves once it was read by a look that began after this call. @throws what the store says where it is away. */
  refreshed(): Promise<void>;
  /** Calls back after every look, whether or not it succeeded. One listener. */
  onLook(listener: () => void): void;
  close(): void;
}

interface PictureOptions {
  readonly db: Queryable;
  readonly log: Logger;
  /** Milliseconds since the epoch, UTC. */
  readonly clock: () => number;
  readonly everyMs?: number;
}

/** @throws what the store says where it is away. */
export async function openKeyPicture({ db, log, clock, everyMs = EVERY_MS }: PictureOptions): Promise<KeyPicture> {
  let keys: ReadonlyMap<string, KnownKey> = new Map();
  let revision: number | undefined;
  let confirmedAt = 0;
  let listener = () => {};

  const read = async () => {
    const at = clock();
    const now = await readRevision(db);
    // The number first: keys that changed meanwhile are read once more, never missed.
    if (now !== revision) keys = await readKeys(db);
    revision = now;
    confirmedAt = at;
  };
  const refreshed = createFreshLook(() => read().finally(() => listener()), SPACING_MS);

  await refreshed();
  let isAway = false;
  const timer = setInterval(() => {
    refreshed().then(
      () => {
        isAway = false;
      },
      (err) => {
        if (!isAway) log.warn({ err }, 'API keys cannot be read: those known go on for a while');
        isAway = true;
      },
    );
  }, everyMs);
  timer.unref();

  return {
    get size() {
      return keys.size;
    },
    find: (prefix) => keys.get(prefix),
    ageMs: () => clock() - confirmedAt,
    refreshed,
    onLook: (called) => {
      listener = called;
    },
    close: () => clearInterval(timer),
  };
}

async function readRevision(db: Queryable): Promise<number | undefined> {
  const { rows } = await db.query<{ n: number }>({ name: 'api-key-revision', text: 'SELECT n FROM api_key_revision' });
  return rows[0]?.n;
}

interface StoredCredential extends StoredRights {
  readonly prefix: string;
  readonly hash: Buffer;
  readonly name: string;
  readonly expiresAt: Date | null;
  readonly revoked: boolean;
  readonly replaces: string | null;
}

async function readKeys(db: Queryable): Promise<Map<string, KnownKey>> {
  const { rows } = await db.query<StoredCredential>(
    `SELECT prefix, secret_hash AS hash, name, roles, markets, feeds, accounts, expires_at AS "expiresAt",
            revoked_at IS NOT NULL AS revoked, replaces
     FROM api_key ORDER BY id`,
  );
  const holders = new Map<string, string>();
  return new Map(
    rows.map((row) => {
      // What a key replaces is older, and was met before.
      const holder = row.replaces === null ? undefined : (holders.get(row.replaces) ?? subjectOf(row.replaces));
      if (holder !== undefined) holders.set(row.prefix, holder);
      return [row.prefix, knownKey(row, holder)];
    }),
  );
}

function knownKey(
  { prefix, hash, name, expiresAt, revoked, ...stored }: StoredCredential,
  holder: string | undefined,
): KnownKey {
  const rights = rightsFrom(stored);
  const identity = {
    subject: subjectOf(prefix),
    ...(holder !== undefined && { holder }),
    name,
    rights,
    expiresAt: expiresAt?.getTime(),
  };
  return { hash, identity, rightsKey: rightsKey(rights), revoked };
}

const SUBJECT = 'key:';

function subjectOf(prefix: string): string {
  return `${SUBJECT}${prefix}`;
}

export function isOfKey({ subject }: Identity): boolean {
  return subject.startsWith(SUBJECT);
}

export function prefixOf({ subject }: Identity): string {
  return subject.slice(SUBJECT.length);
}
