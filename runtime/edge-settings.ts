import { z } from 'zod';
import { AddressList } from './address-list.ts';

const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const listed = (list: string) =>
  list
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
const addresses = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform(listed)
    .transform((list, context) => {
      try {
        return new AddressList(list);
      } catch (error) {
        context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
        return z.NEVER;
      }
    });

/** How a gateway meets the network: who may call it by what name, from where, and how much of it one may take. */
export const EDGE_SETTINGS = {
  TLS_CERT: z
    .string()
    .optional()
    .describe(
      'File of the certificate with its chain, PEM. With it the gateway speaks TLS only; read again when it changes.',
    ),
  TLS_KEY: z.string().optional().describe('File of the certificate’s private key, PEM.'),
  TRUST_PROXY: addresses('').describe(
    'Proxies whose X-Forwarded-For, -Proto and -Host are believed: addresses and networks (10.1.0.0/16), loopback, private, separated by commas. Not set: none.',
  ),
  OPERATIONS_FROM: addresses('loopback').describe(
    'Who may read /metrics, and why something is not ready, without a credential: as TRUST_PROXY.',
  ),
  HOSTS_ALLOWED: z
    .string()
    .transform(listed)
    .optional()
    .describe(
      'Names that requests may call the gateway by beside those of the loopback, separated by commas. Not set: any, and none while it is open to everybody.',
    ),
  CORS_ORIGINS: z
    .string()
    .default('')
    .transform(listed)
    .refine((list) => list.every(isOrigin), 'must be origins, https://desk.example.com, separated by commas')
    .describe('Origins whose pages may ask, and open sockets, separated by commas. Not set: none but our own.'),
  CONNECTIONS_MAX: whole(10, 1_000_000).default(20_000).describe('Most connections to the gateway, sockets included.'),
  REQUEST_SECONDS: whole(1, 600)
    .default(30)
    .describe('How long a request may take to arrive, its body included. Seconds.'),
  SOCKETS_MAX: whole(1, 1_000_000).default(10_000).describe('Most WebSockets to one gateway.'),
  SOCKETS_PER_IDENTITY: whole(1, 100_000)
    .default(100)
    .describe(
      'Most WebSockets and event streams of one API key or user to one gateway; not while it is open to everybody.',
    ),
  SUBSCRIPTIONS_PER_SOCKET: whole(1, 100_000)
    .default(200)
    .describe('Most operations under way on one WebSocket, subscriptions included.'),
  SOCKET_MESSAGE_BYTES: whole(1_024, 64 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('Longest message a WebSocket may bring. Bytes.'),
  SOCKET_INIT_SECONDS: whole(1, 60)
    .default(5)
    .describe('How long a WebSocket may take to say who it is (connection_init). Seconds.'),
  SOCKET_PING_SECONDS: whole(1, 3_600)
    .default(12)
    .describe(
      'How often a WebSocket is asked whether it still lives; without an answer by the next, it is cut. Seconds.',
    ),
  SESSION_WARNING_SECONDS: whole(1, 3_600)
    .default(60)
    .describe('How long before a credential ends its WebSockets are told so, to renew it. Seconds.'),
};

function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text;
}
