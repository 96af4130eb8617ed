import type { ApiKey, ApiKeyRequest, NewApiKey } from '../../domain/api-key.ts';
import { BusbarError } from '../../domain/errors.ts';
import { DAY_MS, HOUR_MS, isoFromInstant } from '../../domain/instant.ts';
import { ALL_RIGHTS, covers, type Reach, type Rights, ROLES, SCOPE_MARKETS } from '../../domain/rights.ts';
import type { Queryable } from '../queryable.ts';
import { apiKeyText, hashOfSecret, makeApiKey } from './api-key-secret.ts';
import { COLUMNS, keyFrom, lifeMsOf, type StoredKey, storedScope } from './stored-api-key.ts';

/** Who changes a key, with which rights, and when: a key that reaches further than they do is not theirs to change. */
export interface KeyKeeper {
  readonly by: string;
  readonly rights: Rights;
  /** Milliseconds UTC. */
  readonly now: number;
}

/** How long a key that was rotated goes on beside its successor, unless told otherwise, and at most. */
export const OVERLAP_MS = DAY_MS;
const OVERLAP_MS_MAX = 30 * DAY_MS;
const NAME = /^(?=.*\S)[^\p{Cc}\p{Cs}]{1,100}$/u;
const SCOPE_IDS_MAX = 1_000;

/** @throws BusbarError `BAD_USER_INPUT`; `FORBIDDEN` for more rights than the keeper has. */
export async function createApiKey(client: Queryable, asked: ApiKeyRequest, keeper: KeyKeeper): Promise<NewApiKey> {
  requireSound(asked, keeper.now);
  if (!covers(keeper.rights, asked.rights)) {
    throw new BusbarError('FORBIDDEN', 'an API key cannot have more rights than whoever makes it');
  }
  return insertKey(client, { ...asked, replaces: null }, keeper);
}

/**
 * Makes a key with the same name, rights and length of life; the one so far ends after the overlap, or when it would have.
 * A key may be rotated again, for instance where the new secret was lost.
 * @param client in a transaction.
 * @throws BusbarError `NOT_FOUND`, `FORBIDDEN`; `BAD_USER_INPUT` for a key that has ended.
 */
export async function rotateApiKey(
  client: Queryable,
  { prefix, overlapMs }: { prefix: string; overlapMs: number },
  keeper: KeyKeeper,
): Promise<NewApiKey> {
  if (!(overlapMs >= 0 && overlapMs <= OVERLAP_MS_MAX)) {
    throw new BusbarError('BAD_USER_INPUT', `an overlap is of 0 to ${OVERLAP_MS_MAX / HOUR_MS} hours`);
  }
  const { key: old, lifeMs } = await ownKey(client, prefix, keeper);
  if (hasEnded(old, keeper.now)) {
    throw new BusbarError('BAD_USER_INPUT', 'this API key has ended: create another one');
  }
  const expiresAt = lifeMs === undefined ? undefined : keeper.now + lifeMs;
  const made = await insertKey(client, { name: old.name, rights: old.rights, expiresAt, replaces: prefix }, keeper);
  await client.query(
    `UPDATE api_key SET expires_at = $2, ends_early = true,
       intended_ends_at = CASE WHEN ends_early THEN intended_ends_at ELSE expires_at END
     WHERE prefix = $1 AND (expires_at IS NULL OR expires_at > $2)`,
    [prefix, new Date(keeper.now + overlapMs)],
  );
  return made;
}

/**
 * Ends a key for good, on every gateway within seconds. Once more changes nothing.
 * @param client in a transaction.
 * @throws BusbarError `NOT_FOUND`, `FORBIDDEN`.
 */
export async function revokeApiKey(client: Queryable, prefix: string, keeper: KeyKeeper): Promise<ApiKey> {
  const { key } = await ownKey(client, prefix, keeper);
  if (key.revokedAt !== null) return key;
  await client.query('UPDATE api_key SET revoked_at = $2 WHERE prefix = $1', [prefix, new Date(keeper.now)]);
  return { ...key, revokedAt: keeper.now };
}

/** Whether nobody gets in with it any more. */
export function hasEnded({ expiresAt, revokedAt }: Pick<ApiKey, 'expiresAt' | 'revokedAt'>, now: number): boolean {
  return revokedAt !== null || (expiresAt !== null && expiresAt <= now);
}

/**
 * Keys that do not reach further, the newest first.
 * @param page.after id of the last one seen.
 * @returns at most `page.first` of them.
 */
export async function readApiKeys(
  db: Queryable,
  reach: Reach,
  page: { readonly first: number; readonly after?: number | undefined },
): Promise<ApiKey[]> {
  const { rows } = await db.query<StoredKey>({
    name: 'api-keys',
    text: `SELECT ${COLUMNS} FROM api_key
      WHERE ($1::bigint IS NULL OR id < $1) AND ($3::text[] IS NULL OR markets <@ $3)
        AND ($4::text[] IS NULL OR feeds <@ $4) AND ($5::text[] IS NULL OR accounts <@ $5)
      ORDER BY id DESC LIMIT $2`,
    values: [page.after ?? null, page.first, ...SCOPES.map((kind) => storedScope(reach[kind]))],
  });
  return rows.map(keyFrom);
}

const SCOPES = ['markets', 'feeds', 'accounts'] as const;

interface OwnKey {
  readonly key: ApiKey;
  /** From when it was made to its intended end, which a rotation leaves as it is. */
  readonly lifeMs: number | undefined;
}

/**
 * The key, which then nobody else changes. Whoever may not see every key is told the same of one that is not there as of one
 * that is not theirs.
 */
async function ownKey(client: Queryable, prefix: string, { rights }: KeyKeeper): Promise<OwnKey> {
  const { rows } = await client.query<StoredKey>(`SELECT ${COLUMNS} FROM api_key WHERE prefix = $1 FOR UPDATE`, [
    prefix,
  ]);
  const [row] = rows;
  const key = row && keyFrom(row);
  if (key && covers(rights, key.rights)) return { key, lifeMs: lifeMsOf(row) };
  if (covers(rights, ALL_RIGHTS)) throw new BusbarError('NOT_FOUND', 'there is no such API key');
  throw new BusbarError('FORBIDDEN', 'this is not an API key that you may see');
}

async function insertKey(
  client: Queryable,
  { name, rights, expiresAt, replaces }: ApiKeyRequest & { readonly replaces: string | null },
  { by, now }: KeyKeeper,
): Promise<NewApiKey> {
  const text = makeApiKey();
  const { rows } = await client.query<StoredKey>(
    `INSERT INTO api_key
       (prefix, secret_hash, name, roles, markets, feeds, accounts, created_at, created_by, expires_at, replaces)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING ${COLUMNS}`,
    [
      text.prefix,
      hashOfSecret(text.secret),
      name,
      [...rights.roles],
      ...SCOPES.map((kind) => storedScope(rights[kind])),
      new Date(now),
      by,
      expiresAt === undefined ? null : new Date(expiresAt),
      replaces,
    ],
  );
  const [row] = rows;
  if (!row) throw new TypeError('an insert returns its row');
  return { key: keyFrom(row), secret: apiKeyText(text) };
}

function requireSound({ name, rights, expiresAt }: ApiKeyRequest, now: number): void {
  const problem = problemOf(name, rights);
  if (problem) throw new BusbarError('BAD_USER_INPUT', problem);
  if (expiresAt !== undefined && expiresAt <= now) {
    throw new BusbarError('BAD_USER_INPUT', `a key that ends ${isoFromInstant(expiresAt)} has ended already`);
  }
}

function problemOf(name: string, { roles, ...scopes }: Rights): string | undefined {
  if (!NAME.test(name)) {
    return 'an API key has a name of 1 to 100 characters, not all blank and none a control character';
  }
  if (roles.length === 0) return `an API key has at least one role, of ${ROLES.join(', ')}`;
  for (const kind of SCOPES) {
    if (scopes[kind] !== 'ALL' && scopes[kind].length > SCOPE_IDS_MAX) return `${kind}: at most ${SCOPE_IDS_MAX} ids`;
  }
  // A mistyped market would be a key that shows nothing, which nobody would look for in the key.
  const strange = scopes.markets !== 'ALL' && scopes.markets.find((id) => !SCOPE_MARKETS.includes(id));
  return strange ? `there is no market "${strange}"; there are ${SCOPE_MARKETS.join(', ')}` : undefined;
}
