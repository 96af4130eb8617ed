import type { ServerResponse } from 'node:http';

/** Browsers that were here by TLS come by nothing else for so long. */
const HSTS_SECONDS = 365 * 24 * 60 * 60;

/** What every answer says to a browser: it is data, of its type, for nobody's frame, and no address of ours is told on. */
const HEADERS = [
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-resource-policy', 'same-origin'],
] as const;

export function setSecurityHeaders(response: ServerResponse, isSecure: boolean): void {
  for (const [name, value] of HEADERS) response.setHeader(name, value);
  if (isSecure) response.setHeader('strict-transport-security', `max-age=${HSTS_SECONDS}`);
}

/**
 * For the page of GraphiQL: its one script and the workers it makes of texts within it, and styles, which its editor writes as it goes.
 * @param scriptHash of the page: `sha256-…`.
 * @param host the name the client called us by: not every browser counts sockets to it among what is its own.
 */
export function pagePolicy(scriptHash: string, host: string | undefined): string {
  const sockets = host !== undefined && /^[\w.:[\]-]+$/.test(host) ? ` ws://${host} wss://${host}` : '';
  return [
    "default-src 'none'",
    `script-src '${scriptHash}' blob:`,
    'worker-src blob:',
    "style-src 'unsafe-inline'",
    'img-src data:',
    'font-src data:',
    `connect-src 'self'${sockets}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
