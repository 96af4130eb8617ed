import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExecutionArgs } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { messageOf } from '../domain/errors.ts';
import { pathOf } from '../runtime/http-service.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Authenticator } from './auth/authenticator.ts';
import { admit } from './caller.ts';
import type { Engine } from './engine.ts';
import type { ErrorMask } from './errors.ts';
import type { SharedSubscriptions } from './live/shared-subscriptions.ts';
import { socketStream } from './live/socket-stream.ts';
import { isSameOrigin } from './origin.ts';

/** Who they are was not proved, or no longer is. */
const UNAUTHENTICATED = 4401;
const MESSAGE_BYTES_MAX = 1024 * 1024;

export interface WebSocketEndpoint {
  /** Closes every socket with 1001, and cuts those that have not answered within the grace. */
  close(graceMs: number): Promise<void>;
}

/**
 * graphql-ws on the server's `/graphql`. Queries and mutations work over it too.
 *
 * A page of another site may not open a socket: browsers let it, without asking, and on the loopback nothing else would
 * stand between that page and the data.
 */
export function attachWebSockets(options: {
  server: Server;
  path: string;
  authenticator: Authenticator;
  engine: Engine;
  subscriptions: SharedSubscriptions;
  mask: ErrorMask;
  log: Logger;
  metrics: Metrics;
}): WebSocketEndpoint {
  const { server, path, authenticator, engine, subscriptions, mask, log, metrics } = options;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX });

  const endpoint = useServer<Record<string, unknown>, { socket: WebSocket; request: IncomingMessage }>(
    {
      async onConnect({ connectionParams, extra: { socket, request } }) {
        const { authorization = request.headers.authorization } = connectionParams ?? {};
        try {
          admit(request, await authenticator.identify(typeof authorization === 'string' ? authorization : undefined));
        } catch (error) {
          socket.close(UNAUTHENTICATED, messageOf(error));
          return false;
        }
        return true;
      },
      async onSubscribe({ extra }, __, payload) {
        const prepared = await engine.prepare(payload, extra.request);
        return 'errors' in prepared ? prepared.errors : prepared.args;
      },
      execute: (args: ExecutionArgs) => engine.execute(args),
      subscribe: (args: ExecutionArgs) => subscriptions.subscribe(args),
      onOperation({ extra }, id, _, __, result) {
        if (!(Symbol.asyncIterator in result)) return undefined;
        return socketStream(result, id, extra.socket, metrics);
      },
      onError: (_, __, ___, errors) => errors.map((error) => mask.error(error).toJSON()),
      isProd: true,
    },
    sockets,
  );

  sockets.on('connection', (socket) => {
    metrics.sockets.inc();
    socket.once('close', () => metrics.sockets.dec());
    socket.on('error', (error) => log.debug({ err: error }, 'socket failed'));
  });

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (pathOf(request) !== path) return refuse(socket, '404 Not Found');
    if (!isSameOrigin(request)) return refuse(socket, '403 Forbidden');
    sockets.handleUpgrade(request, socket, head, (webSocket) => sockets.emit('connection', webSocket, request));
  });

  return {
    async close(graceMs) {
      const cut = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, graceMs);
      await endpoint.dispose();
      clearTimeout(cut);
    },
  };
}

function refuse(socket: Duplex, status: string): void {
  socket.on('error', () => undefined);
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
