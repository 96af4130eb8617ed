import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { Clock, SourceParts } from '../../feed.ts';
import { outcomeOfAnswer } from '../../sources/call-outcome.ts';
import { createHttpSource, type HttpSource } from '../../sources/http.ts';
import type { HttpAnswer } from '../../sources/http-answer.ts';
import { createTokenSource, type Grant, TOKEN_BREAKER, type TokenSource } from '../../sources/oauth-token.ts';
import type { CkwSettings } from './settings.ts';

const LIMITS = {
  timeoutMs: 60_000,
  // A month of one tariff is 0.8 MB.
  bytesMax: 16 * 1024 * 1024,
  // Where it stays throttled the poll fails: the next one is half an hour later, and CKW's window of 999 s has ended.
  triesMax: 3,
  backoffMs: 60_000,
  backoffMsMax: 300_000,
  breaker: TOKEN_BREAKER,
};
const LOGIN = { timeoutMs: 30_000, bytesMax: 256 * 1024, triesMax: 3, backoffMs: 2_000, backoffMsMax: 30_000 };
/** What an answer to a login says that does not say it. */
const TOKEN_LIFETIME_MS = HOUR_MS;

/** What is in an answer; `damaged` where it has something and nothing of that can be read. */
export type Judge = (bytes: Buffer) => { readonly noData?: boolean; readonly damaged?: boolean };

/** CKW's data over HTTP, for all three feeds. */
export interface CkwSource {
  /**
   * An answer that is whole. One that cannot be read is asked for again, as one that failed: a page that comes with status
   * 200, or half of an answer.
   * @param endpoint what is asked, as operators know it.
   * @param judge whether there is anything in it, and anything that can be used; throws `MALFORMED` where it cannot be read.
   * @throws BusbarError `THROTTLED`, `SOURCE_FAILED` after retries; `SOURCE_REFUSED`.
   */
  ask(endpoint: string, request: string, judge: Judge, signal: AbortSignal): Promise<Buffer>;
  /** Ends with the given one, and where the source is closed. */
  until(signal: AbortSignal): AbortSignal;
  close(): Promise<void>;
}

export function createCkwSource(settings: CkwSettings, parts: SourceParts): CkwSource {
  const { clock, turns } = parts;
  const asCkw = { ...parts, source: 'CKW' };
  // Whether CKW counts its limit by what is asked or by who asks is not known: all three feeds take turns.
  const http = createHttpSource({ ...asCkw, ...LIMITS, pacer: turns.of('ckw', settings.CKW_REQUEST_SPACING_MS) });
  const login = createHttpSource({ ...asCkw, ...LOGIN, pacer: turns.of('ckw-login', 1_000) });
  const tokens = tokensOf(settings, login, clock);
  const base = settings.CKW_URL.replace(/\/$/, '');
  const closing = new AbortController();
  return {
    ask: async (endpoint, request, judge, signal) => {
      const get = (headers: Readonly<Record<string, string>>) =>
        http.get(`${base}/${request}`, (answer) => whole(answer, judge), {
          endpoint,
          signal,
          headers,
          outcomeOf: outcomeOfAnswer,
          conditional: true,
        });
      const { bytes } = await (tokens
        ? tokens.authorized((token) => get({ authorization: `Bearer ${token}` }), signal)
        : get({}));
      return bytes;
    },
    until: (signal) => AbortSignal.any([signal, closing.signal]),
    close: async () => {
      closing.abort();
      tokens?.close();
      await Promise.all([http.close(), login.close()]);
    },
  };
}

function whole({ bytes }: HttpAnswer, judge: Judge) {
  try {
    return { bytes, ...judge(bytes) };
  } catch (error) {
    if (!isBusbarError(error, 'MALFORMED')) throw error;
    throw new BusbarError('SOURCE_FAILED', error.message, { cause: error });
  }
}

/** @throws BusbarError `CONFIG_INVALID` where a login is given without what it needs. */
function tokensOf(settings: CkwSettings, http: HttpSource, clock: Clock): TokenSource | undefined {
  const { CKW_TOKEN_URL: url } = settings;
  if (url === undefined) return undefined;
  return createTokenSource({
    http,
    clock,
    url,
    grant: grantOf(settings),
    tokenField: 'access_token',
    lifetimeMs: TOKEN_LIFETIME_MS,
  });
}

function grantOf({
  CKW_CLIENT_ID: clientId,
  CKW_CLIENT_SECRET: clientSecret,
  CKW_USERNAME: username,
  CKW_PASSWORD: password,
}: CkwSettings): Grant {
  if (clientId && clientSecret) return { type: 'client_credentials', clientId, clientSecret };
  if (clientId && username && password) return { type: 'password', username, password, clientId };
  throw new BusbarError(
    'CONFIG_INVALID',
    'CKW_TOKEN_URL: needs CKW_CLIENT_ID and CKW_CLIENT_SECRET, or CKW_CLIENT_ID, CKW_USERNAME and CKW_PASSWORD',
  );
}
