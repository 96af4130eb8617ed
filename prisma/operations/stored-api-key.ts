import type { ApiKey } from '../../domain/api-key.ts';
import { isRole, type Rights, type Scope } from '../../domain/rights.ts';

export const COLUMNS = `id, prefix, name, roles, markets, feeds, accounts, created_at, created_by, expires_at, ends_early,
  intended_ends_at, revoked_at, last_used_at, replaces`;

export interface StoredRights {
  readonly roles: readonly string[] | null;
  readonly markets: readonly string[] | null;
  readonly feeds: readonly string[] | null;
  readonly accounts: readonly string[] | null;
}

export interface StoredKey extends StoredRights {
  readonly id: number;
  readonly prefix: string;
  readonly name: string;
  readonly created_at: Date;
  readonly created_by: string;
  readonly expires_at: Date | null;
  /** Because a successor took over. */
  readonly ends_early: boolean;
  /** Of a key that ends early. */
  readonly intended_ends_at: Date | null;
  readonly revoked_at: Date | null;
  readonly last_used_at: Date | null;
  readonly replaces: string | null;
}

export function keyFrom(row: StoredKey): ApiKey {
  return {
    id: row.id,
    prefix: row.prefix,
    name: row.name,
    rights: rightsFrom(row),
    createdAt: row.created_at.getTime(),
    createdBy: row.created_by,
    expiresAt: row.expires_at?.getTime() ?? null,
    revokedAt: row.revoked_at?.getTime() ?? null,
    lastUsedAt: row.last_used_at?.getTime() ?? null,
    replaces: row.replaces,
  };
}

/** How long it was to live from the start; undefined: it was not to end by itself. */
export function lifeMsOf({ created_at, expires_at, ends_early, intended_ends_at }: StoredKey): number | undefined {
  const intended = ends_early ? intended_ends_at : expires_at;
  return intended === null ? undefined : intended.getTime() - created_at.getTime();
}

/** Of a row of `api_key`: null of a kind is all of it. A role that somebody wrote there by hand, and that is none, gives nothing. */
export function rightsFrom({ roles, markets, feeds, accounts }: StoredRights): Rights {
  const known = (roles ?? []).filter(isRole);
  return { roles: known, markets: markets ?? 'ALL', feeds: feeds ?? 'ALL', accounts: accounts ?? 'ALL' };
}

export function storedScope(scope: Scope): string[] | null {
  return scope === 'ALL' ? null : [...scope];
}
