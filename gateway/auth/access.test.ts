import { describe, expect, it } from 'vitest';
import { type Environment, readConfig } from '../../runtime/config.ts';
import { startProgram } from '../../tests/support/processes.ts';
import { accessOf } from './access.ts';

const OIDC = { OIDC_ISSUER: 'https://login.example', OIDC_AUDIENCE: 'busbar' };
const accessWith = (environment: Environment) => accessOf(readConfig(environment).core);

describe('a gateway', () => {
  it.each([undefined, '127.0.0.1', '127.8.9.10', '::1', 'localhost'])('is open on the loopback: %s', (HOST) => {
    expect(accessWith({ HOST })).toBe('open');
    expect(accessWith({ HOST, AUTH: 'open' })).toBe('open');
    expect(accessWith({ HOST, AUTH: 'required' })).toBe('required');
  });

  it.each(['0.0.0.0', '::', '192.168.1.20', '127.evil.example', 'localhost.evil.example', 'gateway'])(
    'does not start open where other machines reach it: %s',
    (HOST) => {
      for (const AUTH of [undefined, 'open']) {
        expect(() => accessWith({ HOST, AUTH })).toThrow(
          expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('Set AUTH=required') }),
        );
      }
      expect(accessWith({ HOST, AUTH: 'required' })).toBe('required');
    },
  );

  it('does not start open beside an issuer that would never be asked, unless told to', () => {
    expect(() => accessWith(OIDC)).toThrow(/AUTH: set AUTH=required/);
    expect(accessWith({ ...OIDC, AUTH: 'open' })).toBe('open');
  });

  it('ends with exit code 2 and says what to set, before anything is started', async () => {
    const program = startProgram('main.ts', { HOST: '0.0.0.0', BUSBAR_DATA: '/nonexistent/never' });
    expect(await program.ended).toMatch(/would listen on 0\.0\.0\.0.*\n.*Set AUTH=required/);
    expect(await program.stop()).toBe(2);
  }, 90_000);
});

describe('the settings of an issuer', () => {
  const algorithms = (OIDC_ALGORITHMS: string) => readConfig({ ...OIDC, OIDC_ALGORITHMS }).core.OIDC_ALGORITHMS;

  it('pin asymmetric algorithms', () => {
    expect(readConfig(OIDC).core.OIDC_ALGORITHMS).toEqual(['RS256', 'PS256', 'ES256', 'EdDSA']);
    expect(algorithms('ES384, RS512')).toEqual(['ES384', 'RS512']);
    for (const list of ['HS256', 'RS256,HS512', 'none', 'RS256,None', 'rs256', 'dir', ',']) {
      expect(() => algorithms(list), list).toThrow(/OIDC_ALGORITHMS: must be asymmetric/);
    }
  });

  it('belong together', () => {
    expect(() => readConfig({ OIDC_ISSUER: OIDC.OIDC_ISSUER })).toThrow(/needs OIDC_AUDIENCE/);
    expect(() => readConfig({ OIDC_AUDIENCE: 'busbar' })).toThrow(/OIDC_ISSUER: /);
    expect(() => readConfig({ OIDC_JWKS_URL: 'https://login.example/keys' })).toThrow(/OIDC_ISSUER: /);
  });

  it.each(['http://login.example', 'ftp://login.example', 'login.example'])('do not trust %s', (OIDC_ISSUER) => {
    expect(() => readConfig({ ...OIDC, OIDC_ISSUER })).toThrow(/OIDC_ISSUER: must be/);
    expect(() => readConfig({ ...OIDC, OIDC_JWKS_URL: OIDC_ISSUER })).toThrow(/OIDC_JWKS_URL: must be/);
  });
});
