import type { IncomingMessage } from 'node:http';
import type { Rights } from '../domain/rights.ts';
import type { Identity } from './auth/identity.ts';

/** Who asks, and from where. */
export interface Caller {
  readonly identity: Identity;
  /** IP address of the other end; behind a proxy that is not trusted to say, the proxy's. */
  readonly address: string;
}

const identities = new WeakMap<IncomingMessage, Identity>();
const addresses = new WeakMap<IncomingMessage, string>();

/** Notes from where a request came, as far as it can be known. */
export function cameFrom(request: IncomingMessage, address: string): void {
  addresses.set(request, address);
}

/** IP address of the client, also of one that was not admitted. */
export function addressOf(request: IncomingMessage): string {
  return addresses.get(request) ?? request.socket.remoteAddress ?? 'an unknown address';
}

/** Notes who sent a request, before anything else is done with it. A socket that renews its credential notes it again. */
export function admit(request: IncomingMessage, identity: Identity): void {
  identities.set(request, identity);
}

/**
 * @param request of HTTP, or the one that opened the socket.
 * @throws TypeError as a programming error, where nobody asked who sent it.
 */
export function callerOf(request: IncomingMessage): Caller {
  const identity = identities.get(request);
  if (!identity) throw new TypeError('a request that was not admitted has no caller');
  return { identity, address: addressOf(request) };
}

/** An event of a subscription is executed once for all who get it, who share nothing but their rights. */
export function inNameOfAll(rights: Rights): Caller {
  const identity = { subject: 'subscribers', name: 'subscribers', rights, expiresAt: undefined };
  return { identity, address: 'nowhere' };
}
