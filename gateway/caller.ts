import type { IncomingMessage } from 'node:http';

/** Who asks. Until there are identities, that is from where. */
export interface Caller {
  /** IP address of the other end; behind a proxy, the proxy's. */
  readonly address: string;
}

/** @param request of HTTP, or the one that opened the socket. */
export function callerOf({ socket }: IncomingMessage): Caller {
  return { address: socket.remoteAddress ?? 'an unknown address' };
}

/** An event of a subscription is executed once for all who get it, in nobody's name. */
export const NOBODY: Caller = { address: 'nowhere' };
