import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { ExecutionArgs } from 'graphql';
import { handleProtocols, makeServer } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { BusbarError } from '../domain/errors.ts';
import { pathOf } from '../runtime/http-service.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { type DenialNotes, errorsIn } from './audit/notes.ts';
import type { Authenticator } from './auth/authenticator.ts';
import { callerOf, cameFrom } from './caller.ts';
import type { Engine } from './engine.ts';
import type { ErrorMask } from './errors.ts';
import type { Front } from './front/front.ts';
import { requestIn, tenureIn } from './graphql-http.ts';
import type { Shares } from './limits/shares.ts';
import type { HoldSubscription } from './limits/subscription-share.ts';
import { heldSubscription } from './live/held-subscription.ts';
import type { SharedSubscriptions } from './live/shared-subscriptions.ts';
import { socketStream } from './live/socket-stream.ts';
import { Stream } from './live/stream.ts';
import { speakGraphql } from './sockets/graphql-socket.ts';
import { SocketCensus } from './sockets/socket-census.ts';
import { SocketConnection } from './sockets/socket-connection.ts';
import type { SocketLimits } from './sockets/socket-limits.ts';

/** An operation's id stands before each of its frames. */
const ID_CHARACTERS_MAX = 128;

export interface WebSocketEndpoint {
  /** Closes every socket with 1001, and cuts those that have not answered within the grace. */
  close(graceMs: number): Promise<void>;
}

interface Extra {
  readonly request: IncomingMessage;
  readonly socket: WebSocket;
  /** The connection below it. */
  readonly wire: Duplex;
  readonly connection: SocketConnection;
  /** Of the message that came last, in characters. */
  messageLength: number;
}

/**
 * graphql-ws on the server's `/graphql`. Queries and mutations work over it too.
 *
 * A page of another site may not open a socket: browsers let it, without asking, and on the loopback nothing else would
 * stand between that page and the data.
 */
export function attachWebSockets(options: {
  server: Server | TlsServer;
  path: string;
  front: Front;
  authenticator: Authenticator;
  denied: DenialNotes;
  engine: Engine;
  subscriptions: SharedSubscriptions;
  mask: ErrorMask;
  log: Logger;
  metrics: Metrics;
  limits: SocketLimits;
  shares: Shares;
  holdSubscription: HoldSubscription;
  /** Milliseconds UTC. */
  clock: () => number;
}): WebSocketEndpoint {
  const {
    server,
    path,
    front,
    authenticator,
    denied,
    engine,
    subscriptions,
    mask,
    log,
    metrics,
    limits,
    shares,
    holdSubscription,
    clock,
  } = options;
  const census = new SocketCensus(limits, shares, metrics);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytesMax,
    autoPong: false,
    perMessageDeflate: false,
    handleProtocols,
  });

  /** Of operations: graphql-ws keeps a message for as long as its operation is under way. */
  const messageLengths = new WeakMap<ExecutionArgs, number>();
  const subscribe = async (args: ExecutionArgs) => {
    const request = requestIn(args);
    if (!request) throw new TypeError('what was prepared for a socket has its request');
    try {
      const { subject } = callerOf(request).identity;
      const giveBack = holdSubscription(subject, args.document, messageLengths.get(args) ?? 0);
      return await heldSubscription(giveBack, subscriptions.subscribe(args, tenureIn(args)));
    } catch (error) {
      return { errors: [mask.error(error)] };
    }
  };

  const graphql = makeServer<Record<string, unknown>, Extra>({
    // Sockets that say nothing are counted and closed by their connection.
    connectionInitWaitTimeout: 0,
    onConnect({ connectionParams, extra: { request, connection } }) {
      const { authorization = request.headers.authorization } = connectionParams ?? {};
      return connection.admit(typeof authorization === 'string' ? authorization : undefined);
    },
    async onSubscribe({ extra: { request, connection, messageLength }, subscriptions: underWay }, id, payload) {
      const { over, tenure } = connection;
      if (over) return [mask.error(over)];
      const tooMuch = tooLong(id) ?? tooMany(Object.keys(underWay).length, limits.operationsMax);
      if (tooMuch) {
        metrics.socketOperationsRefused.inc();
        return [mask.error(tooMuch)];
      }
      const prepared = await engine.prepare(payload, { req: request, tenure, renewal: connection });
      if ('errors' in prepared) return prepared.errors;
      // Meanwhile it may have ended, or have other rights.
      const overNow = connection.over ?? tenure?.over;
      if (overNow) return [mask.error(overNow)];
      messageLengths.set(prepared.args, messageLength);
      return prepared.args;
    },
    execute: (args: ExecutionArgs) => engine.execute(args),
    async subscribe(args: ExecutionArgs) {
      const results = await subscribe(args);
      const request = requestIn(args);
      if (request) denied.among(errorsIn(results), request);
      return results;
    },
    onOperation({ extra: { socket, wire, connection } }, id, _, __, result) {
      if (!(result instanceof Stream)) return undefined;
      const { untakenMsMax } = limits;
      return socketStream(result, id, { socket, wire }, { metrics, untakenMsMax, onEnded: connection.began() });
    },
    onError({ extra: { request } }, __, ___, errors) {
      const shown = errors.map((error) => mask.error(error));
      denied.among(shown, request);
      return shown.map((error) => error.toJSON());
    },
  });

  const serve = (socket: WebSocket, wire: Duplex, request: IncomingMessage) => {
    const connection = new SocketConnection({
      socket,
      wire,
      request,
      authenticator,
      denied,
      census,
      limits,
      metrics,
      clock,
    });
    speakGraphql(
      graphql,
      socket,
      { request, socket, wire, connection, messageLength: 0 },
      { log, metrics, pingMs: limits.pingMs },
    );
  };

  server.on('upgrade', (request: IncomingMessage, wire: Duplex, head: Buffer) => {
    const refused = pathOf(request) === path ? front.refusal(request) : NOT_FOUND;
    if (!refused) {
      cameFrom(request, front.senderOf(request).address);
      sockets.handleUpgrade(request, wire, head, (socket) => serve(socket, wire, request));
      return;
    }
    metrics.socketsRefused.inc({ reason: refused.reason });
    refuse(wire, refused.status);
  });

  return {
    async close(graceMs) {
      const cut = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, graceMs);
      for (const socket of sockets.clients) socket.close(1001, 'Going away');
      await new Promise((resolve) => sockets.close(resolve));
      clearTimeout(cut);
    },
  };
}

const NOT_FOUND = { reason: 'path', status: 404 } as const;

function refuse(socket: Duplex, status: number): void {
  socket.on('error', () => undefined);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function tooLong(id: string): BusbarError | undefined {
  if (id.length <= ID_CHARACTERS_MAX) return undefined;
  return new BusbarError('LIMIT_EXCEEDED', `the id of an operation may have ${ID_CHARACTERS_MAX} characters`, {
    details: { limit: 'idCharacters', max: ID_CHARACTERS_MAX, asked: id.length },
  });
}

function tooMany(asked: number, max: number): BusbarError | undefined {
  if (asked <= max) return undefined;
  return new BusbarError(
    'LIMIT_EXCEEDED',
    `a socket may have ${max} operations under way: end one, or open another socket`,
    { details: { limit: 'operations', max, asked } },
  );
}
