import { once } from 'node:events';
import { createServer } from 'node:http';
import { exportSPKI, importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import {
  AUDIENCE,
  makeSigningKey,
  openTokensOf,
  signToken,
  startIssuer,
  type TestIssuer,
} from '../../tests/support/auth.ts';
import type { TokenOptions, Tokens } from './oidc.ts';

let issuer: TestIssuer;
let tokens: Tokens;
let later: number;
beforeEach(async () => {
  later = 0;
  issuer = await startIssuer();
  tokens = await open();
});
afterEach(async () => {
  tokens.close();
  await issuer.close();
});

const open = (more: Partial<TokenOptions> = {}) =>
  openTokensOf(issuer, {
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    clock: () => Date.now() + later,
    ...more,
  });
const seconds = (fromNow: number) => Math.floor(Date.now() / 1000) + fromNow;
const tokenWith = (claims: JWTPayload) => issuer.tokenFor({ roles: ['VIEWER'] }, { claims });
const tokenWithout = (claim: string) => issuer.tokenFor({ roles: ['VIEWER'] }, { without: [claim] });

describe('a token', () => {
  it('says who asks, with which rights and until when', async () => {
    const exp = seconds(300);
    const token = await issuer.tokenFor(
      { roles: ['TRADER'], markets: ['PJM'], feeds: 'ALL', accounts: ['DESK-EAST'] },
      { claims: { sub: 'u-17', name: 'Alice', exp } },
    );
    expect(await tokens.identify(token)).toEqual({
      subject: 'oidc:u-17',
      name: 'Alice',
      rights: { roles: ['TRADER'], markets: ['PJM'], feeds: 'ALL', accounts: ['DESK-EAST'] },
      expiresAt: (exp + 30) * 1000,
    });
  });

  it('gives only what it says', async () => {
    const nothing = { roles: [], markets: [], feeds: [], accounts: [] };
    expect((await tokens.identify(await tokenWithout('busbar'))).rights).toEqual(nothing);
    expect((await tokens.identify(await tokenWith({ busbar: { roles: ['viewer'] } }))).rights).toEqual({
      ...nothing,
      roles: ['VIEWER'],
    });
  });

  it.each([
    ['a text', 'ADMIN'],
    ['a role that there is not', { roles: ['ROOT'] }],
    ['a scope that is neither a list nor *', { roles: ['VIEWER'], markets: 'PJM' }],
    ['a list of something else', { roles: ['VIEWER'], accounts: [7] }],
    ['nothing', null],
  ])('is refused where its claim is %s', async (_, busbar) => {
    const identified = tokens.identify(await tokenWith({ busbar }));
    if (busbar === null) expect((await identified).rights.roles).toEqual([]);
    else
      await expect(identified).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
        message: "the token's claim `busbar` does not say rights as Busbar reads them",
      });
  });

  it('is taken by a claim of another name where that is configured', async () => {
    const named = await open({ claim: 'https://busbar.example/rights' });
    const token = await tokenWith({
      'https://busbar.example/rights': { roles: ['analyst'] },
      busbar: { roles: ['admin'] },
    });
    expect((await named.identify(token)).rights.roles).toEqual(['ANALYST']);
    named.close();
  });

  it.each(['RS256', 'PS256', 'EdDSA'])('may be signed with %s', async (algorithm) => {
    const other = await startIssuer(algorithm);
    const taken = await open({ issuer: other.url });
    expect(await taken.identify(await other.tokenFor({ roles: ['VIEWER'] }))).toMatchObject({ subject: 'oidc:alice' });
    taken.close();
    await other.close();
  });
});

describe('refused is a token', () => {
  const refused = async (token: string | Promise<string>, message: string) =>
    expect(tokens.identify(await token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message });
  const claim = (name: string) => `the token's claim \`${name}\` is not what this gateway takes`;
  const claims = () => ({ iss: issuer.url, aud: AUDIENCE, busbar: { roles: ['admin'] } });

  it('of another issuer', () => refused(tokenWith({ iss: 'https://elsewhere.example' }), claim('iss')));
  it('for another audience', () => refused(tokenWith({ aud: 'another-service' }), claim('aud')));
  it('for no audience', () => refused(tokenWithout('aud'), claim('aud')));
  it('without an end', () => refused(tokenWithout('exp'), claim('exp')));
  it('of nobody', () => refused(tokenWithout('sub'), claim('sub')));
  it('that has expired, by more than clocks may differ', async () => {
    expect(await tokens.identify(await tokenWith({ exp: seconds(-25) }))).toMatchObject({ subject: 'oidc:alice' });
    await refused(tokenWith({ exp: seconds(-32) }), 'the token has expired');
  });
  it('that is not valid yet, by more than clocks may differ', async () => {
    expect(await tokens.identify(await tokenWith({ nbf: seconds(25) }))).toMatchObject({ subject: 'oidc:alice' });
    await refused(tokenWith({ nbf: seconds(35) }), 'the token is not valid yet');
  });

  it('that is not signed', async () => {
    const token = new UnsecuredJWT(claims()).setSubject('mallory').setExpirationTime('5m').encode();
    await refused(token, 'the token is not valid');
    await refused(`${(await tokenWith({})).split('.').slice(0, 2).join('.')}.`, 'the token is not valid');
  });

  it('that is signed with the public key as if it were a shared secret', async () => {
    const jwk = issuer.key.publicJwk;
    const key = await importJWK(jwk, 'ES256');
    if (key instanceof Uint8Array) throw new TypeError('this is a public key');
    const secrets = [await exportSPKI(key), JSON.stringify(jwk), JSON.stringify({ keys: [jwk] })];
    for (const secret of secrets) {
      const header = { alg: 'HS256', kid: issuer.key.kid };
      const token = new SignJWT(claims()).setSubject('mallory').setExpirationTime('5m').setProtectedHeader(header);
      await refused(token.sign(new TextEncoder().encode(secret)), 'the token is not valid');
    }
  });

  it('that is signed with a key of somebody else under the name of ours', async () => {
    const stranger = { ...(await makeSigningKey()), kid: issuer.key.kid };
    await refused(signToken({ ...claims(), sub: 'mallory' }, stranger), 'the token is not valid');
  });

  it('that brings its own key', async () => {
    const stranger = await makeSigningKey();
    for (const header of [
      { jwk: stranger.publicJwk },
      { jku: 'http://127.0.0.1:1/keys' },
      { kid: issuer.key.kid, jwk: stranger.publicJwk },
    ]) {
      const token = new SignJWT(claims()).setSubject('mallory').setExpirationTime('5m');
      const signed = await token.setProtectedHeader({ alg: 'ES256', ...header }).sign(stranger.privateKey);
      await expect(tokens.identify(signed)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
  });

  it('whose contents were altered', async () => {
    const [header, payload = '', signature] = (await tokenWith({ busbar: { roles: ['viewer'] } })).split('.');
    const altered = Buffer.from(payload, 'base64url').toString().replace('viewer', 'admin');
    await refused([header, Buffer.from(altered).toString('base64url'), signature].join('.'), 'the token is not valid');
  });

  it('that is signed with an algorithm that is not configured', async () => {
    const narrow = await open({ algorithms: ['RS256'] });
    await expect(narrow.identify(await tokenWith({}))).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'the token is not valid',
    });
    narrow.close();
  });

  it('whose key the issuer does not have, however often that comes', async () => {
    const stranger = await makeSigningKey();
    const token = await signToken({ ...claims(), sub: 'mallory' }, stranger);
    const before = issuer.asked;
    await Promise.all(Array.from({ length: 500 }, () => refused(token, 'the token is not valid')));
    expect(issuer.asked - before).toBeLessThanOrEqual(2);
  });

  it.each(['', 'x', 'a.b.c', '....', `${'a'.repeat(5_000)}.b.c`])('that is none (%#)', (text) =>
    refused(text, 'the token is not valid'),
  );
});

describe('keys of the issuer', () => {
  it('that are new are found when a token names them, and no honest request is refused meanwhile', async () => {
    let isOver = false;
    let asked = 0;
    const refusals: unknown[] = [];
    const client = async () => {
      while (!isOver) {
        await tokens.identify(await issuer.tokenFor({ roles: ['VIEWER'] })).catch((error) => refusals.push(error));
        asked++;
      }
    };
    const clients = Array.from({ length: 8 }, client);
    for (let turn = 1; turn <= 3; turn++) {
      await issuer.rotate(1);
      await expect.poll(() => asked).toBeGreaterThan(100 * turn);
    }
    isOver = true;
    await Promise.all(clients);
    expect(refusals).toEqual([]);
  });

  it('that it withdrew are no longer good once they were read again', async () => {
    const short = await open({ everyMs: 50 });
    const token = await tokenWith({});
    expect(await short.identify(token)).toMatchObject({ subject: 'oidc:alice' });
    await issuer.rotate(0);
    await expect.poll(() => short.identify(token).catch(({ code }) => code)).toBe('UNAUTHENTICATED');
    short.close();
  });

  it('that are known are good while it is away, for a day', async () => {
    const claims = { exp: seconds(3 * 86_400) };
    const token = await tokenWith(claims);
    issuer.isAway = true;
    expect(await tokens.identify(token)).toMatchObject({ subject: 'oidc:alice' });
    later = 24 * HOUR_MS - MINUTE_MS;
    expect(await tokens.identify(token)).toMatchObject({ subject: 'oidc:alice' });
    later = 24 * HOUR_MS + MINUTE_MS;
    await expect(tokens.identify(token)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    issuer.isAway = false;
    await expect.poll(() => tokens.identify(token).catch(({ code }) => code)).toMatchObject({ subject: 'oidc:alice' });
  });

  it('that are not known while it is away are not called wrong', async () => {
    await issuer.rotate();
    const token = await tokenWith({});
    issuer.isAway = true;
    await expect(tokens.identify(token)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'tokens cannot be checked at the moment: try again',
    });
  });

  it('need not be there when the gateway starts', async () => {
    issuer.isAway = true;
    const early = await open();
    const token = await tokenWith({});
    await expect(early.identify(token)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    issuer.isAway = false;
    await expect.poll(() => early.identify(token).catch(({ code }) => code)).toMatchObject({ subject: 'oidc:alice' });
    early.close();
  });

  it('are read where the configuration says, else where its own description does', async () => {
    const told = await open({ jwksUrl: issuer.jwksUrl });
    expect(await told.identify(await tokenWith({}))).toMatchObject({ subject: 'oidc:alice' });
    told.close();
  });

  it('are not taken from a description that names another issuer', async () => {
    const impostor = createServer((_, response) =>
      response.end(JSON.stringify({ issuer: 'https://elsewhere.example', jwks_uri: issuer.jwksUrl })),
    ).listen(0, '127.0.0.1');
    await once(impostor, 'listening');
    const address = impostor.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const misled = await open({ issuer: url });
    await expect(misled.identify(await tokenWith({ iss: url }))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    misled.close();
    impostor.close();
  });
});
