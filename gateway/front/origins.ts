import type { IncomingMessage, ServerResponse } from 'node:http';

/** What pages may send beside what they always may; that they may send it, browsers remember for a while. */
const REQUEST_HEADERS = 'authorization, content-type, accept, if-none-match';
/** What pages may read of an answer beside what they always may. */
const ANSWER_HEADERS =
  'content-disposition, etag, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset, www-authenticate';
const REMEMBERED_SECONDS = 600;

/**
 * Whether a request comes from a page of this server, of an origin that may ask, or from no page at all. Programs send no `Origin`; a
 * browser sends one with every WebSocket and every request that could change something, and pages cannot forge it.
 * @param host the name the client called us by.
 */
export function isWelcome(
  { headers }: IncomingMessage,
  host: string | undefined,
  origins: ReadonlySet<string>,
): boolean {
  const { origin } = headers;
  if (origin === undefined || origins.has(origin)) return true;
  // An opaque origin is `null`: a sandboxed frame or a file.
  return URL.canParse(origin) && new URL(origin).host === host;
}

/**
 * Lets pages of these origins read the answer. Never with cookies, which we know none of: whoever asks shows a credential of its own.
 * @returns whether it is the question that browsers ask before the question, and answered.
 */
export function letPagesRead(
  request: IncomingMessage,
  response: ServerResponse,
  origins: ReadonlySet<string>,
): boolean {
  if (origins.size === 0) return false;
  response.setHeader('vary', 'origin');
  const { origin } = request.headers;
  if (origin === undefined || !origins.has(origin)) return false;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', ANSWER_HEADERS);
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false;
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, HEAD, POST',
    'access-control-allow-headers': REQUEST_HEADERS,
    'access-control-max-age': String(REMEMBERED_SECONDS),
  });
  response.end();
  return true;
}
