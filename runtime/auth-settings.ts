import { z } from 'zod';
import { isSafeUrl } from './loopback.ts';

/** Whoever checks such a signature cannot make one. */
const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

const safeUrl = () =>
  z.url('must be a URL').refine(isSafeUrl, 'must be https://; http:// is taken on the loopback only').optional();

/** Who is let in. */
export const AUTH_SETTINGS = {
  AUTH: z
    .enum(['open', 'required'])
    .optional()
    .describe(
      'required: whoever asks the gateway shows an API key or a token. open: nobody does, and everybody has all rights; on loopback only. Not set: open where HOST is loopback, and a start that would listen elsewhere is refused.',
    ),
  OIDC_ISSUER: safeUrl().describe(
    'Issuer of OpenID Connect whose tokens are taken beside API keys, exactly as tokens name it (`iss`). Not set: API keys only.',
  ),
  OIDC_AUDIENCE: z
    .string()
    .min(1)
    .optional()
    .describe('What tokens must be meant for (`aud`). Needed with OIDC_ISSUER.'),
  OIDC_JWKS_URL: safeUrl().describe(
    'Where the issuer publishes the keys it signs with. Not set: as its own description says (`/.well-known/openid-configuration`).',
  ),
  OIDC_ALGORITHMS: z
    .string()
    .default('RS256,PS256,ES256,EdDSA')
    .transform((list) => list.split(',').map((each) => each.trim()))
    .refine(
      (list) => list.every((each) => ASYMMETRIC.includes(each)),
      `must be asymmetric algorithms separated by commas, of ${ASYMMETRIC.join(', ')}`,
    )
    .describe('Algorithms that tokens may be signed with, separated by commas; asymmetric ones only.'),
  OIDC_CLAIM: z
    .string()
    .min(1)
    .default('busbar')
    .describe(
      'The claim that says the rights of a token: `{"roles": ["trader"], "markets": ["PJM"], "feeds": "*", "accounts": ["DESK-EAST"]}`; "*" is all, what is missing is none.',
    ),
};

interface Given {
  readonly OIDC_ISSUER?: string | undefined;
  readonly OIDC_AUDIENCE?: string | undefined;
  readonly OIDC_JWKS_URL?: string | undefined;
}

/** What each setting by itself cannot tell. */
export function authProblems({
  OIDC_ISSUER: issuer,
  OIDC_AUDIENCE: audience,
  OIDC_JWKS_URL: jwksUrl,
}: Given): string[] {
  if (issuer && !audience) return ['OIDC_ISSUER: needs OIDC_AUDIENCE: tokens for others are not for us'];
  if (!issuer && (audience ?? jwksUrl)) return ['OIDC_ISSUER: OIDC_AUDIENCE and OIDC_JWKS_URL need it'];
  return [];
}
