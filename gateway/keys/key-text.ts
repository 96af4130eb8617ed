import type { ApiKey, NewApiKey } from '../../domain/api-key.ts';
import { isoFromInstant } from '../../domain/instant.ts';
import type { Scope } from '../../domain/rights.ts';

/** A key for `--json`. */
export function keyJson({ prefix, name, rights, createdBy, replaces, ...instants }: ApiKey): object {
  const { createdAt, expiresAt, revokedAt, lastUsedAt } = instants;
  return {
    id: prefix,
    name,
    ...rights,
    createdAt: isoFromInstant(createdAt),
    createdBy,
    expiresAt: isoOrNull(expiresAt),
    revokedAt: isoOrNull(revokedAt),
    lastUsedAt: isoOrNull(lastUsedAt),
    replaces,
  };
}

/** The secret alone on standard output, so that it can be piped to where it belongs; what a person is told, beside it. */
export function printNewKey({ key, secret }: NewApiKey, json: boolean | undefined): void {
  if (json) {
    console.log(JSON.stringify({ ...keyJson(key), secret }, null, 2));
    return;
  }
  console.error(`API key ${key.prefix} (${key.name}). This is the only time that it is shown:`);
  console.log(secret);
}

export function keyTable(keys: readonly ApiKey[], stateOf: (key: ApiKey) => string): string {
  const rows = keys.map((key) => [
    key.prefix,
    key.name,
    key.rights.roles.join(),
    scopeText(key.rights.markets),
    scopeText(key.rights.feeds),
    scopeText(key.rights.accounts),
    stateOf(key),
    key.lastUsedAt === null ? 'never' : isoFromInstant(key.lastUsedAt),
  ]);
  return columns([['id', 'name', 'roles', 'markets', 'feeds', 'accounts', 'state', 'last used'], ...rows]);
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

function scopeText(scope: Scope): string {
  if (scope === 'ALL') return 'all';
  return scope.length === 0 ? '–' : printable(scope.join());
}

/** Ids are whatever somebody wrote; a control character could move the cursor. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd');
}

function isoOrNull(instant: number | null): string | null {
  return instant === null ? null : isoFromInstant(instant);
}
