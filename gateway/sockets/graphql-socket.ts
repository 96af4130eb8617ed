import { CloseCode, type Server } from 'graphql-ws';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import type { Metrics } from '../../runtime/metrics.ts';
import { closeSocket } from './socket-connection.ts';

/** Bytes a socket may have unsent and still be listened to. */
const UNSENT_BYTES_MAX = 1024 * 1024;

/**
 * Lets graphql-ws speak over a socket of `ws`: as its own adapter does, but that nothing is printed, and that whoever does not take
 * what it asked for is not heard until it has: answers to what it goes on asking would fill the memory.
 */
export function speakGraphql<Extra extends { messageLength: number }>(
  server: Server<Extra>,
  socket: WebSocket,
  extra: Extra,
  { log, metrics, pingMs }: { log: Logger; metrics: Metrics; pingMs: number },
): void {
  socket.on('error', (err) => {
    metrics.socketsClosed.inc({ reason: 'message' });
    log.debug({ err }, 'socket failed');
  });
  const closed = server.opened(
    {
      protocol: socket.protocol,
      send: (data) =>
        new Promise((resolve) => {
          if (socket.readyState === socket.OPEN) socket.send(data, () => resolve());
          else resolve();
        }),
      close: (code = CloseCode.InternalServerError, reason = '') => closeSocket(socket, code, reason),
      onMessage: (receive) =>
        socket.on('message', (data) => {
          // Whoever was told to go may stay for a while, and go on asking.
          if (socket.readyState !== socket.OPEN) return;
          listenOnlyToReaders(socket);
          const text = String(data);
          extra.messageLength = text.length;
          receive(text).catch((err: unknown) => {
            log.error({ err }, 'socket message failed');
            closeSocket(socket, CloseCode.InternalServerError, 'unexpected error');
          });
        }),
    },
    extra,
  );
  keepAlive(socket, pingMs, metrics);
  socket.on('ping', (data) => {
    listenOnlyToReaders(socket);
    socket.pong(data, undefined, () => undefined);
  });
  socket.once('close', (code, reason) => {
    closed(code, String(reason)).catch((err: unknown) => log.error({ err }, 'socket not cleared up'));
  });
}

/** What is sent last is through when all before it is. */
function listenOnlyToReaders(socket: WebSocket): void {
  if (socket.bufferedAmount <= UNSENT_BYTES_MAX || socket.isPaused || socket.readyState !== socket.OPEN) return;
  socket.pause();
  socket.ping(undefined, undefined, () => socket.resume());
}

/** A peer that is gone without a word is noticed by its silence. */
function keepAlive(socket: WebSocket, everyMs: number, metrics: Metrics): void {
  let answered = true;
  const timer = setInterval(() => {
    if (answered) {
      answered = false;
      socket.ping(undefined, undefined, () => undefined);
    } else {
      metrics.socketsClosed.inc({ reason: 'dead' });
      socket.terminate();
    }
  }, everyMs);
  socket.on('pong', () => {
    answered = true;
  });
  socket.once('close', () => clearInterval(timer));
}
