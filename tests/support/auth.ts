import { once } from 'node:events';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import type { BusbarError } from '../../domain/errors.ts';
import { ALL_RIGHTS, type Rights } from '../../domain/rights.ts';
import type { Authenticator } from '../../gateway/auth/authenticator.ts';
import type { Identity } from '../../gateway/auth/identity.ts';
import { openTokens, type TokenOptions, type Tokens } from '../../gateway/auth/oidc.ts';
import { refusal } from '../../gateway/auth/refusal.ts';
import { silent } from './live.ts';

export const AUDIENCE = 'busbar-test';

/** Somebody with these rights of all. */
export function identityWith(rights: Partial<Rights> = {}, more: Partial<Identity> = {}): Identity {
  return { subject: 'key:test', name: 'tester', rights: { ...ALL_RIGHTS, ...rights }, expiresAt: undefined, ...more };
}

export interface TestAuthenticator extends Authenticator {
  /** Lets somebody in from now on. */
  admit(credential: string, identity: Identity): void;
  /** Ends a credential, and tells those who watch. */
  revoke(credential: string): void;
  /** Identities that are watched at the moment. */
  readonly watched: number;
}

/** Knows who comes by which credential (`authorization: Bearer <credential>`), and nobody else. */
export function authenticatorOf(people: Readonly<Record<string, Identity>>): TestAuthenticator {
  const known = new Map(Object.entries(people));
  const watchers = new Set<{ readonly subject: string; readonly ended: (error: BusbarError) => void }>();
  return {
    async identify(authorization = '') {
      const identity = known.get(authorization.replace(/^Bearer /, ''));
      if (!identity) throw refusal('the API key is not known or no longer valid');
      return identity;
    },
    watch({ subject }, ended) {
      const watcher = { subject, ended };
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    admit: (credential, identity) => void known.set(credential, identity),
    revoke(credential) {
      const subject = known.get(credential)?.subject;
      known.delete(credential);
      for (const watcher of [...watchers]) {
        if (watcher.subject !== subject) continue;
        watchers.delete(watcher);
        watcher.ended(refusal('the API key was revoked'));
      }
    },
    get watched() {
      return watchers.size;
    },
  };
}

export interface TestIssuer {
  /** `iss` of its tokens. */
  readonly url: string;
  readonly jwksUrl: string;
  /** A token of this issuer for `AUDIENCE`. Claims that are given win. */
  tokenFor(
    rights: Partial<Rights>,
    more?: { readonly claims?: JWTPayload; readonly without?: readonly string[]; readonly key?: SigningKey },
  ): Promise<string>;
  /** The key that it signs with; also those of before, as long as a test holds them. */
  readonly key: SigningKey;
  /** Signs with another key from now on. @param keeps how many of those before are published still. */
  rotate(keeps?: number): Promise<SigningKey>;
  /** While true, requests are refused. */
  isAway: boolean;
  /** How often its keys were asked for. */
  readonly asked: number;
  close(): Promise<void>;
}

export interface SigningKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

/** An issuer of OpenID Connect on loopback: its description, its keys, and tokens that it signs. */
export async function startIssuer(algorithm = 'ES256'): Promise<TestIssuer> {
  let key = await makeSigningKey(algorithm);
  let published = [key];
  let isAway = false;
  let asked = 0;
  let url = '';
  const server = createServer((request, response) => {
    if (isAway) return void request.socket.destroy();
    if (request.url === '/keys') asked++;
    const body = request.url === '/keys' ? { keys: published.map(({ publicJwk }) => publicJwk) } : undefined;
    const description = { issuer: url, jwks_uri: `${url}/keys` };
    const isKnown = body !== undefined || request.url === '/.well-known/openid-configuration';
    response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? description));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  return {
    url,
    jwksUrl: `${url}/keys`,
    tokenFor: (rights, { claims = {}, without = [], key: signing = key } = {}) =>
      signToken({ iss: url, aud: AUDIENCE, ...claimsOf(rights), ...claims }, signing, without),
    get key() {
      return key;
    },
    async rotate(keeps = 1) {
      key = await makeSigningKey(algorithm);
      published = [key, ...published.slice(0, keeps)];
      return key;
    },
    get isAway() {
      return isAway;
    },
    set isAway(away) {
      isAway = away;
    },
    get asked() {
      return asked;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What a gateway opens to take the issuer's tokens. */
export function openTokensOf({ url }: TestIssuer, more: Partial<TokenOptions> = {}): Promise<Tokens> {
  const options = { issuer: url, audience: AUDIENCE, algorithms: ['ES256'], claim: 'busbar', log: silent };
  return openTokens({ ...options, clock: Date.now, ...more });
}

export async function makeSigningKey(algorithm = 'ES256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const kid = crypto.randomUUID();
  return {
    kid,
    algorithm,
    privateKey,
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' },
  };
}

/** For five minutes, unless the claims say otherwise. @param without these claims. */
export function signToken(
  claims: JWTPayload,
  { kid, algorithm, privateKey }: SigningKey,
  without: readonly string[] = [],
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const payload: JWTPayload = { sub: 'alice', iat: now, exp: now + 300, ...claims };
  for (const claim of without) delete payload[claim];
  return new SignJWT(payload).setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' }).sign(privateKey);
}

function claimsOf({ roles = [], markets = [], feeds = [], accounts = [] }: Partial<Rights>): JWTPayload {
  const said = (scope: Rights['markets']) => (scope === 'ALL' ? '*' : scope);
  return { busbar: { roles, markets: said(markets), feeds: said(feeds), accounts: said(accounts) } };
}
