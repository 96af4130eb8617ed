import type { Rights } from '../domain/rights.ts';

/** Who asks, as far as a credential proved it. */
export interface Asker {
  /** `key:<prefix>`, `oidc:<sub>` or `open`. */
  readonly subject: string;
  readonly name: string;
  /** Milliseconds UTC; undefined: the credential does not end by itself. */
  readonly expiresAt: number | undefined;
}

export interface ApiKeyQuestion {
  readonly name: string;
  readonly rights: Rights;
  /** Milliseconds UTC; undefined: it does not end by itself. */
  readonly expiresAt: number | undefined;
}

/** An API key without its secret. */
export interface ApiKeyRow {
  readonly id: number;
  readonly prefix: string;
  readonly name: string;
  readonly rights: Rights;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
  /** Prefix of the key that it took over from. */
  readonly replaces: string | null;
}

export interface NewApiKeyRow {
  readonly key: ApiKeyRow;
  /** The whole key, as its holder sends it. */
  readonly secret: string;
}
