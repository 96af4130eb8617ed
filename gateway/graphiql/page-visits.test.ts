import { afterEach, describe, expect, test } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import { startGateway, type TestGateway } from '../../tests/support/gateway.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { IntakeOptions } from '../limits/intake.ts';
import { REQUEST_LIMITS, type RequestLimits } from '../limits/request-limits.ts';

const CLOSED: Authenticator = {
  async identify() {
    throw new BusbarError('UNAUTHENTICATED', 'no credential');
  },
  watch: () => () => undefined,
};
/** As Chromium and Firefox ask for what is typed into their address bars. */
const BROWSERS = [
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7',
  'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
];
const PROGRAMS = [
  'application/json, text/html',
  'application/json,text/html;q=0.1',
  'text/html;q=0.1, */*',
  'text/event-stream, text/html',
  'text/html;q=0',
  '*/*',
];

let gateway: TestGateway;
let now: number;
afterEach(() => gateway.close());

async function start(authenticator?: Authenticator, intake: IntakeOptions = {}): Promise<void> {
  now = Date.UTC(2026, 5, 15, 12, 2);
  gateway = await startGateway({ intake, edge: { clock: () => now }, ...(authenticator && { authenticator }) });
}

const visit = (headers: Record<string, string> = {}, search = '') =>
  fetch(gateway.url + search, { headers: { accept: BROWSERS[0] ?? '', 'accept-encoding': 'identity', ...headers } });

const withIntrospection = (introspection: RequestLimits['introspection']) => ({
  limits: { ...REQUEST_LIMITS, introspection },
});

describe('Whoever shows no credential where one is required', () => {
  test.each(BROWSERS)('is shown the page, and is told nothing: %s', async (accept) => {
    await start(CLOSED);
    const response = await visit({ accept }, '?query={__typename}');
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await response.text()).toContain('Bearer ');
  });

  test.each(PROGRAMS)('is refused as a program: %s', async (accept) => {
    await start(CLOSED);
    const response = await visit({ accept }, '?query={__typename}');
    expect([response.status, (await response.json()).data]).toEqual([401, undefined]);
  });

  test.each([...BROWSERS, ...PROGRAMS])('is refused whatever is asked where there is no page: %s', async (accept) => {
    await start(CLOSED, withIntrospection('none'));
    for (const search of ['', '?query={__typename}', '?query=subscription{lmp{cursor}}']) {
      const response = await visit({ accept }, search);
      const text = await response.text();
      expect([response.status, JSON.parse(text)]).toMatchObject([
        401,
        { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
      ]);
    }
  });
});

describe('The page', () => {
  test('is not sent to whoever has it, until its examples are of another hour', async () => {
    await start();
    const etag = (await visit()).headers.get('etag') ?? '';
    const again = await visit({ 'if-none-match': etag });
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
    now += 60 * 60_000;
    const later = await visit({ 'if-none-match': etag });
    expect([later.status, (await later.text()).includes('2026-06-15T14:00:00.000Z')]).toEqual([200, true]);
  });

  test('is sent compressed', async () => {
    await start();
    const plain = await (await visit()).text();
    for (const coding of ['br', 'gzip']) {
      const response = await visit({ 'accept-encoding': coding });
      expect(response.headers.get('content-encoding')).toBe(coding);
      expect(Number(response.headers.get('content-length'))).toBeLessThan(plain.length / 3);
      expect((await response.text()) === plain).toBe(true);
    }
  });

  test('differs by whether a credential is to be entered', async () => {
    await start();
    const open = (await visit()).headers.get('etag');
    await gateway.close();
    await start(CLOSED);
    expect((await visit()).headers.get('etag')).not.toBe(open);
  });
});
