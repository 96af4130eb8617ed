import type { Rights } from './rights.ts';

/** An API key, without its secret. Instants are milliseconds UTC. */
export interface ApiKey {
  readonly id: number;
  /** What it is named by: `bb_<prefix>_…`. */
  readonly prefix: string;
  readonly name: string;
  readonly rights: Rights;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** To the minute. */
  readonly lastUsedAt: number | null;
  /** Prefix of the key that it took over from. */
  readonly replaces: string | null;
}

export interface NewApiKey {
  readonly key: ApiKey;
  /** The whole key, as its holder sends it. Nobody can be shown it again. */
  readonly secret: string;
}

export interface ApiKeyRequest {
  readonly name: string;
  readonly rights: Rights;
  /** Milliseconds UTC; undefined: it does not end by itself. */
  readonly expiresAt: number | undefined;
}
