import { createRemoteJWKSet, errors, type JWTVerifyGetKey, type RemoteJWKSet } from 'jose';
import type { Logger } from 'pino';
import { z } from 'zod';
import { BusbarError, isBusbarError } from '../../domain/errors.ts';
import { HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import { isSafeUrl } from '../../runtime/loopback.ts';
import { createFreshLook } from './fresh-look.ts';
import { refusal } from './refusal.ts';

/** How soon a key that the issuer withdrew is no longer good. */
const EVERY_MS = 5 * MINUTE_MS;
/** For so long keys are good that the issuer, being away, does not confirm. */
const UNCONFIRMED_MS_MAX = 24 * HOUR_MS;
/** However many tokens name keys that nobody knows, the issuer is asked once in that time. */
const SPACING_MS = 1_000;
const TIMEOUT_MS = 3_000;

/**
 * The public keys that an issuer signs with.
 *
 * - A token that names a key we have is never kept waiting by the issuer.
 * - One that names another waits for the next look at the issuer's keys, at most one a second: so one that was signed with a
 *   new key a moment after it was published is not refused.
 */
export interface IssuerKeys {
  /** @throws BusbarError `UNAUTHENTICATED` for a key that the issuer does not have, `UNAVAILABLE` where it does not answer. */
  readonly keyFor: JWTVerifyGetKey;
  close(): void;
}

interface IssuerOptions {
  readonly issuer: string;
  /** Undefined: as the issuer's own description says. */
  readonly jwksUrl: string | undefined;
  readonly log: Logger;
  /** Milliseconds since the epoch, UTC. */
  readonly clock: () => number;
  readonly everyMs?: number;
}

/** Where the issuer is away it is asked again by and by: a gateway has API keys as well. */
export async function openIssuerKeys(options: IssuerOptions): Promise<IssuerKeys> {
  const { issuer, jwksUrl, log, clock, everyMs = EVERY_MS } = options;
  let remote: RemoteJWKSet | undefined;
  let confirmedAt = Number.NEGATIVE_INFINITY;

  const refreshed = createFreshLook(async () => {
    remote ??= keySet(jwksUrl ?? (await discoverJwksUrl(issuer)));
    const at = clock();
    await remote.reload();
    confirmedAt = at;
  }, SPACING_MS);
  const refresh = () =>
    refreshed().catch((err) => log.warn({ err, issuer }, 'the keys of the tokens’ issuer cannot be read'));
  await refresh();
  const timer = setInterval(() => void refresh(), everyMs);
  timer.unref();

  const keyFor: JWTVerifyGetKey = async (header, token) => {
    if (header.kid === undefined) throw refusal('the token does not name its key');
    try {
      if (!remote || clock() - confirmedAt > UNCONFIRMED_MS_MAX) await refreshed();
      return await keyIn(remote, header, token, refreshed);
    } catch (cause) {
      if (isBusbarError(cause) || cause instanceof errors.JWKSNoMatchingKey) throw cause;
      throw new BusbarError('UNAVAILABLE', 'tokens cannot be checked at the moment: try again', { cause });
    }
  };
  return { keyFor, close: () => clearInterval(timer) };
}

async function keyIn(
  remote: RemoteJWKSet | undefined,
  header: Parameters<JWTVerifyGetKey>[0],
  token: Parameters<JWTVerifyGetKey>[1],
  refreshed: () => Promise<void>,
) {
  if (!remote) throw new TypeError('keys that were read are there');
  try {
    return await remote(header, token);
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    await refreshed();
    return remote(header, token);
  }
}

/** When to look again is ours to say: the library would refuse known keys while the issuer is away. */
function keySet(url: string): RemoteJWKSet {
  return createRemoteJWKSet(new URL(url), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
    timeoutDuration: TIMEOUT_MS,
  });
}

const DESCRIPTION = z.object({
  issuer: z.string(),
  jwks_uri: z.url().refine(isSafeUrl, 'must be https'),
});

/** OpenID Connect Discovery 1.0, section 4: the issuer's description is under its own URL, and names it as it is named here. */
async function discoverJwksUrl(issuer: string): Promise<string> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`the issuer's description is answered with status ${response.status}`);
  const described = DESCRIPTION.parse(await response.json());
  if (described.issuer !== issuer) throw new Error('the issuer calls itself something else than OIDC_ISSUER');
  return described.jwks_uri;
}
