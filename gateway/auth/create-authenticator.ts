import type { ApiKeys } from './api-keys.ts';
import type { Authenticator } from './authenticator.ts';
import { isOfKey } from './key-picture.ts';
import type { Tokens } from './oidc.ts';
import { refusal } from './refusal.ts';

/** More than any token has, and what Node takes of all headers. */
const CREDENTIAL_LENGTH_MAX = 16_384;

/** @param tokens undefined: API keys only. */
export function createAuthenticator(keys: ApiKeys, tokens: Tokens | undefined): Authenticator {
  return {
    async identify(authorization) {
      const credential = bearerOf(authorization);
      if (credential.startsWith('bb_')) return keys.identify(credential);
      if (!tokens) throw refusal('the credential is not an API key, and this gateway takes nothing else');
      return tokens.identify(credential);
    },
    // What a token gives ends with the token; issuers give out short ones for that reason.
    watch: (identity, ...told) => (isOfKey(identity) ? keys.watch(identity, ...told) : () => undefined),
  };
}

function bearerOf(authorization: string | undefined): string {
  if (authorization === undefined || authorization === '') {
    throw refusal('no credential: send `Authorization: Bearer <API key or token>`');
  }
  if (authorization.length > CREDENTIAL_LENGTH_MAX) throw refusal('the credential is too long');
  const [, credential] = authorization.match(/^Bearer +([^\s]+) *$/i) ?? [];
  if (credential === undefined) throw refusal('the credential is not `Bearer <API key or token>`');
  return credential;
}
