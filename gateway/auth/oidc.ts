import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { Logger } from 'pino';
import { BusbarError, isBusbarError } from '../../domain/errors.ts';
import type { Identity } from './identity.ts';
import { openIssuerKeys } from './issuer-keys.ts';
import { refusal } from './refusal.ts';
import { rightsFromClaim } from './token-rights.ts';

/** By how much clocks may differ. */
const SKEW_SECONDS = 30;

/** Bearer tokens of an OpenID Connect issuer: signed JWTs. */
export interface Tokens {
  /** @throws as `Authenticator.identify`. */
  identify(token: string): Promise<Identity>;
  close(): void;
}

export interface TokenOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Undefined: as the issuer's own description says. */
  readonly jwksUrl?: string | undefined;
  /** Asymmetric ones only: with a shared secret, whoever can check a token could make one. */
  readonly algorithms: readonly string[];
  /** The claim that says the rights. */
  readonly claim: string;
  readonly log: Logger;
  /** Milliseconds since the epoch, UTC. */
  readonly clock: () => number;
  /** How often the issuer's keys are read again. */
  readonly everyMs?: number;
}

export async function openTokens(options: TokenOptions): Promise<Tokens> {
  const { issuer, audience, jwksUrl, claim, clock } = options;
  const keys = await openIssuerKeys({ ...options, jwksUrl });
  const algorithms = [...options.algorithms];
  return {
    async identify(token) {
      try {
        const { payload } = await jwtVerify(token, keys.keyFor, {
          issuer,
          audience,
          algorithms,
          clockTolerance: SKEW_SECONDS,
          requiredClaims: ['exp', 'sub'],
          currentDate: new Date(clock()),
        });
        return identityFrom(payload, claim);
      } catch (error) {
        throw isBusbarError(error) ? error : refused(error);
      }
    },
    close: keys.close,
  };
}

function identityFrom(payload: JWTPayload, claim: string): Identity {
  const { sub, exp } = payload;
  if (sub === undefined || sub === '' || exp === undefined) throw refusal('the token does not say whose it is');
  return {
    subject: `oidc:${sub}`,
    name: nameIn(payload) ?? sub,
    rights: rightsFromClaim(payload[claim], claim),
    // As long as it is taken.
    expiresAt: (exp + SKEW_SECONDS) * 1000,
  };
}

function nameIn(payload: JWTPayload): string | undefined {
  return ['name', 'preferred_username', 'email', 'client_id', 'azp']
    .map((claim) => payload[claim])
    .find((value): value is string => typeof value === 'string' && value !== '');
}

/** What is wrong with a token, as far as its holder could know it; its signature comes first, so that nobody learns more. */
function refused(error: unknown): BusbarError {
  if (!(error instanceof errors.JOSEError)) {
    return new BusbarError('UNAVAILABLE', 'tokens cannot be checked at the moment: try again', { cause: error });
  }
  if (error instanceof errors.JWTExpired) return refusal('the token has expired', error);
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return refusal('the token is not valid yet', error);
    return refusal(`the token's claim \`${error.claim}\` is not what this gateway takes`, error);
  }
  return refusal('the token is not valid', error);
}
