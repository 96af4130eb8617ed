import type { IncomingMessage } from 'node:http';

/**
 * Whether a request comes from a page of this server, or from no page at all. Programs send no `Origin`; a browser
 * sends one with every WebSocket and every request that could change something, and pages cannot forge it.
 */
export function isSameOrigin({ headers }: IncomingMessage): boolean {
  if (headers.origin === undefined) return true;
  // An opaque origin is `null`: a sandboxed frame or a file.
  return URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host;
}
