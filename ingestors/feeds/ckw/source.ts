import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { Pacer } from '../../feed.ts';
import { type Clock, createHttpSource, type HttpSource } from '../../sources/http.ts';
import { createTokenSource, type Grant, type TokenSource } from '../../sources/oauth-token.ts';
import type { CkwSettings } from './settings.ts';

/** A month of one tariff is 0.8 MB. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const TIMEOUT_MS = 60_000;
/** Where it stays throttled the poll fails: the next one is half an hour later, and CKW's window of 999 s has ended. */
const RETRIES = { triesMax: 3, backoffMs: 60_000, backoffMsMax: 300_000 };
const LOGIN = { timeoutMs: 30_000, bytesMax: 256 * 1024, triesMax: 3, backoffMs: 2_000, backoffMsMax: 30_000 };
/** What an answer to a login says that does not say it. */
const TOKEN_LIFETIME_MS = HOUR_MS;

export interface CkwParts {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly pacer: Pacer;
  readonly loginPacer: Pacer;
}

/** CKW's data over HTTP, for all three feeds. */
export interface CkwSource {
  /**
   * An answer that is whole. One that cannot be read is asked for again, as one that failed: a page that comes with status
   * 200, or half of an answer.
   * @param check throws `MALFORMED` where it cannot be read.
   * @throws BusbarError `THROTTLED`, `SOURCE_FAILED` after retries; `SOURCE_REFUSED`.
   */
  ask(request: string, check: (bytes: Buffer) => void, signal: AbortSignal): Promise<Buffer>;
  /** Ends with the given one, and where the source is closed. */
  until(signal: AbortSignal): AbortSignal;
  close(): Promise<void>;
}

export function createCkwSource(settings: CkwSettings, { clock, random, pacer, loginPacer }: CkwParts): CkwSource {
  const http = createHttpSource({
    clock,
    random,
    pacer,
    timeoutMs: TIMEOUT_MS,
    bytesMax: ANSWER_BYTES_MAX,
    ...RETRIES,
  });
  const login = createHttpSource({ clock, random, pacer: loginPacer, ...LOGIN });
  const tokens = tokensOf(settings, login, clock);
  const base = settings.CKW_URL.replace(/\/$/, '');
  const closing = new AbortController();
  return {
    ask: (request, check, signal) => {
      const get = (headers: Readonly<Record<string, string>>) =>
        http.get(`${base}/${request}`, ({ bytes }) => whole(bytes, check), { signal, headers });
      return tokens ? tokens.authorized((token) => get({ authorization: `Bearer ${token}` }), signal) : get({});
    },
    until: (signal) => AbortSignal.any([signal, closing.signal]),
    close: async () => {
      closing.abort();
      tokens?.close();
      await Promise.all([http.close(), login.close()]);
    },
  };
}

function whole(bytes: Buffer, check: (bytes: Buffer) => void): Buffer {
  try {
    check(bytes);
    return bytes;
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
