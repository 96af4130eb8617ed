import { createServer } from 'node:http';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import { Secret } from '../../runtime/secret.ts';
import { skippingClock, sourcePartsOn, TURNS_AT_ONCE } from '../../tests/support/source-parts.ts';
import { createHttpSource } from './http.ts';
import { createTokenSource, type Grant, type TokenSettings } from './oauth-token.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const never = new AbortController().signal;
const MINUTE_MS = 60_000;
const PASSWORD: Grant = { type: 'password', username: 'me', password: new Secret('open sesame'), clientId: 'app' };

interface LoginAnswer {
  readonly status?: number;
  readonly body: unknown;
}

/** A login that gives `token-1`, `token-2` and so on for an hour, unless it is told to answer otherwise. */
async function begin(settings: Partial<TokenSettings> = {}) {
  const clock = skippingClock(Date.parse('2026-01-01T00:00:00Z'));
  const { told, ...parts } = sourcePartsOn(clock, TURNS_AT_ONCE);
  const forms: Record<string, string>[] = [];
  const next: LoginAnswer[] = [];
  let held: Promise<void> | undefined;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    forms.push(Object.fromEntries(new URLSearchParams(body)));
    const given = { access_token: `token-${forms.length}`, token_type: 'Bearer', expires_in: 3600 };
    await held;
    const answer = next.shift() ?? { body: given };
    response.writeHead(answer.status ?? 200);
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const http = createHttpSource({
    ...parts,
    source: 'the vendor',
    pacer: parts.turns.of('login', 0),
    timeoutMs: 5000,
    bytesMax: 10_000,
    triesMax: 2,
    backoffMs: 1000,
    backoffMsMax: 10_000,
  });
  cleanups.push(async () => {
    await http.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const tokens = createTokenSource({
    http,
    clock,
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/token`,
    grant: PASSWORD,
    tokenField: 'access_token',
    lifetimeMs: 10 * MINUTE_MS,
    ...settings,
  });
  const hold = () => {
    let release = () => {};
    held = new Promise((resolve) => {
      release = resolve;
    });
    return () => release();
  };
  return { clock, forms, told, tokens, hold, answer: (...answers: LoginAnswer[]) => next.push(...answers) };
}

const itself = async (token: string) => token;
const refused = (status = 401) => new BusbarError('SOURCE_REFUSED', 'no', { details: { status } });

describe('a grant', () => {
  test('by password sends user, password and client', async () => {
    const { tokens, forms } = await begin({ fields: { scope: 'openid app', response_type: 'id_token' } });
    expect(await tokens.authorized(itself, never)).toBe('token-1');
    expect(forms).toEqual([
      {
        grant_type: 'password',
        client_id: 'app',
        username: 'me',
        password: 'open sesame',
        scope: 'openid app',
        response_type: 'id_token',
      },
    ]);
  });

  test('by client credentials sends client and secret', async () => {
    const grant: Grant = { type: 'client_credentials', clientId: 'app', clientSecret: new Secret('open sesame') };
    const { tokens, forms } = await begin({ grant });
    expect(await tokens.authorized(itself, never)).toBe('token-1');
    expect(forms).toEqual([{ grant_type: 'client_credentials', client_id: 'app', client_secret: 'open sesame' }]);
  });

  test('cannot be turned into another by the further fields', async () => {
    const { tokens, forms } = await begin({ fields: { grant_type: 'none', password: 'none' } });
    await tokens.authorized(itself, never);
    expect(forms).toMatchObject([{ grant_type: 'password', password: 'open sesame' }]);
  });
});

describe('a token', () => {
  test('is taken from the field that the source means', async () => {
    const { tokens, answer } = await begin({ tokenField: 'id_token' });
    answer({ body: { access_token: 'wrong', id_token: 'right', expires_in: '3600' } });
    expect(await tokens.authorized(itself, never)).toBe('right');
  });

  test('is used again until four fifths of its life are over, and then renewed', async () => {
    const { tokens, clock, forms } = await begin();
    await tokens.authorized(itself, never);
    clock.advance(48 * MINUTE_MS - 1);
    expect(await tokens.authorized(itself, never)).toBe('token-1');
    clock.advance(1);
    expect(await tokens.authorized(itself, never)).toBe('token-2');
    expect(forms).toHaveLength(2);
  });

  test.each([
    ['a number', 100, 80_000],
    ['text', '100', 80_000],
    ['nothing', undefined, 480_000],
    ['nonsense', 'soon', 480_000],
    ['zero', 0, 480_000],
  ])('lives as long as %s says, or as the settings do', async (_, expires_in, renewedAfterMs) => {
    const { tokens, clock, answer } = await begin();
    answer({ body: { access_token: 'first', expires_in } });
    await tokens.authorized(itself, never);
    clock.advance(renewedAfterMs - 1);
    expect(await tokens.authorized(itself, never)).toBe('first');
    clock.advance(1);
    expect(await tokens.authorized(itself, never)).toBe('token-2');
  });

  test('that still lives is used on where no new one can be got, and the login is left alone for a minute', async () => {
    const { tokens, clock, forms, answer } = await begin();
    await tokens.authorized(itself, never);
    clock.advance(50 * MINUTE_MS);
    answer({ status: 503, body: '' }, { status: 503, body: '' });
    expect(await tokens.authorized(itself, never)).toBe('token-1');
    expect(await tokens.authorized(itself, never)).toBe('token-1');
    expect(forms).toHaveLength(3);
    clock.advance(MINUTE_MS);
    expect(await tokens.authorized(itself, never)).toBe('token-4');
  });

  test('that has ended is not used, whatever the login does', async () => {
    const { tokens, clock, answer } = await begin();
    await tokens.authorized(itself, never);
    clock.advance(60 * MINUTE_MS);
    answer({ status: 503, body: '' }, { status: 503, body: '' });
    await expect(tokens.authorized(itself, never)).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
    expect(await tokens.authorized(itself, never)).toBe('token-4');
  });
});

describe('one asking', () => {
  test('serves all who wait', async () => {
    const { tokens, forms, hold } = await begin();
    const release = hold();
    const waiting = Array.from({ length: 8 }, () => tokens.authorized(itself, never));
    await expect.poll(() => forms.length).toBe(1);
    release();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['token-1']));
    expect(forms).toHaveLength(1);
  });

  test('goes on for the others where one gives up', async () => {
    const { tokens, forms, hold } = await begin();
    const release = hold();
    const leaving = new AbortController();
    const left = tokens.authorized(itself, leaving.signal);
    const waiting = tokens.authorized(itself, never);
    await expect.poll(() => forms.length).toBe(1);
    leaving.abort(new Error('enough'));
    await expect(left).rejects.toThrow('enough');
    release();
    expect(await waiting).toBe('token-1');
  });

  test('renews for all whose token was refused at once', async () => {
    const { tokens, forms } = await begin();
    const work = async (token: string) => {
      if (token === 'token-1') throw refused();
      return token;
    };
    const done = await Promise.all(Array.from({ length: 5 }, () => tokens.authorized(work, never)));
    expect(new Set(done)).toEqual(new Set(['token-2']));
    expect(forms).toHaveLength(2);
  });

  test('ends with the source', async () => {
    const { tokens, forms, hold } = await begin();
    const release = hold();
    const waiting = tokens.authorized(itself, never);
    await expect.poll(() => forms.length).toBe(1);
    tokens.close();
    await expect(waiting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    release();
  });
});

describe('work that is refused', () => {
  test('is done once more with a new token, and then given up', async () => {
    const { tokens, forms } = await begin();
    const seen: string[] = [];
    const work = async (token: string) => {
      seen.push(token);
      throw refused();
    };
    await expect(tokens.authorized(work, never)).rejects.toMatchObject({ details: { status: 401 } });
    expect(seen).toEqual(['token-1', 'token-2']);
    expect(forms).toHaveLength(2);
  });

  test.each([
    ['another status', refused(403)],
    ['another failure', new BusbarError('SOURCE_FAILED', 'no', { details: { status: 500 } })],
  ])('for %s is not done again', async (_, error) => {
    const { tokens, forms } = await begin();
    await expect(tokens.authorized(() => Promise.reject(error), never)).rejects.toBe(error);
    expect(forms).toHaveLength(1);
  });
});

describe('the monitor is told of a login', () => {
  test.each([
    [{ status: 400, body: { error: 'invalid_grant' } }, 'AUTH'],
    [{ status: 401, body: { error: 'invalid_client' } }, 'AUTH'],
    [{ status: 400, body: { error: 'invalid_scope' } }, 'REFUSED'],
    [{ body: '<html>' }, 'MALFORMED'],
  ])('that answers %j as %s, without a secret', async (answered, outcome) => {
    const { tokens, answer, told } = await begin();
    answer(answered, answered);
    await tokens.authorized(itself, never).catch(() => {});
    expect(told[0]).toMatchObject({ endpoint: 'login', outcome });
    expect(JSON.stringify(told)).not.toContain('sesame');
  });
});

describe('no secret and no token is in an error', () => {
  test.each([
    [
      'that refuses and repeats what it was sent',
      { status: 400, body: { error: 'invalid_grant', error_description: 'no user me with open sesame' } },
      { code: 'SOURCE_REFUSED', message: expect.stringMatching(/status 400: invalid_grant$/) },
    ],
    [
      'with an error code that is none',
      { status: 400, body: { error: 'wrong: open sesame' } },
      { code: 'SOURCE_REFUSED', message: expect.stringMatching(/status 400$/) },
    ],
    [
      'that is cut off',
      { body: '{"access_token":"secret-token' },
      { code: 'SOURCE_FAILED', message: expect.stringContaining('something else than a JSON object') },
    ],
    [
      'without the token that is asked for',
      { body: { id_token: 'secret-token' } },
      { code: 'SOURCE_FAILED', message: expect.stringContaining('no access_token') },
    ],
    [
      'that is a page',
      { body: '<html>open sesame</html>' },
      { code: 'SOURCE_FAILED', message: expect.stringContaining('something else than a JSON object') },
    ],
  ])('of an answer %s', async (_, answered, expected) => {
    const { tokens, answer } = await begin();
    answer(answered, answered);
    const error: unknown = await tokens.authorized(itself, never).catch((each: unknown) => each);
    expect(error).toMatchObject(expected);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/sesame|secret-token/);
  });
});
