import type { Platform } from '../../prisma/platform.ts';
import { createPool } from '../../prisma/pool.ts';
import type { Lifecycle } from '../../runtime/lifecycle.ts';
import { accessOf } from './access.ts';
import { openApiKeys } from './api-keys.ts';
import { type Authenticator, OPEN } from './authenticator.ts';
import { createAuthenticator } from './create-authenticator.ts';
import { openTokens, type Tokens } from './oidc.ts';

/** Longer than any look at the keys takes. */
const STATEMENT_TIMEOUT_MS = 5_000;

/**
 * Whom the configuration lets in, as parts of a process.
 * @throws BusbarError `CONFIG_INVALID` where a gateway that asks nobody would be reached by other machines.
 */
export async function startAuthenticator(lifecycle: Lifecycle, platform: Platform): Promise<Authenticator> {
  const { config, store, log } = platform;
  if (accessOf(config.core) === 'open') {
    log.info({ auth: 'open', close: 'AUTH=required' }, 'open to whoever is on this machine: AUTH=required closes it');
    return OPEN;
  }
  // Of its own: however long queries wait for a connection, a revocation does not.
  const db = await lifecycle.start(
    'key pool',
    () =>
      createPool({
        url: store.url,
        max: 1,
        statementTimeoutMs: STATEMENT_TIMEOUT_MS,
        name: 'busbar keys',
        onConnectionError: (err) => log.warn({ err }, 'store connection lost'),
      }),
    (created) => created.end(),
  );
  const keys = await lifecycle.start(
    'api keys',
    () => openApiKeys({ db, log, clock: Date.now }),
    (opened) => opened.close(),
  );
  const tokens = await startTokens(lifecycle, platform);
  if (keys.count === 0 && !tokens) {
    log.warn('nobody can get in yet: npm run keys -- create --name me --role ADMIN --all makes the first API key');
  }
  return createAuthenticator(keys, tokens);
}

async function startTokens(lifecycle: Lifecycle, { config, log }: Platform): Promise<Tokens | undefined> {
  const {
    OIDC_ISSUER: issuer,
    OIDC_AUDIENCE: audience,
    OIDC_JWKS_URL: jwksUrl,
    OIDC_ALGORITHMS: algorithms,
    OIDC_CLAIM: claim,
  } = config.core;
  if (!issuer || !audience) return undefined;
  return lifecycle.start(
    'token keys',
    () => openTokens({ issuer, audience, jwksUrl, algorithms, claim, log, clock: Date.now }),
    async (opened) => opened.close(),
  );
}
