import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BusbarError } from '../domain/errors.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';

export interface HttpService {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /**
   * Takes no new connection, lets answers under way finish for up to `graceMs`, then cuts what is left.
   */
  close(graceMs: number): Promise<void>;
}

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/**
 * An HTTP server on one address, listening when this resolves. Requests are counted by status.
 * @param port 0 picks a free one.
 */
export async function listenHttp(options: {
  host: string;
  port: number;
  metrics: Metrics;
  handle: HttpHandler;
}): Promise<HttpService> {
  const { host, port, metrics, handle } = options;
  let closing = false;
  /** Connections that have not asked for anything yet, as browsers keep ready; Node does not count them as idle. */
  const silent = new Set<Socket>();
  const server = createServer((request, response) => {
    silent.delete(request.socket);
    response.once('finish', () => metrics.httpRequests.inc({ status: response.statusCode }));
    // A kept-alive connection becomes idle only after its answer is through, and would then keep the server open.
    response.once('close', () => closing && setImmediate(() => server.closeIdleConnections()));
    void handle(request, response);
  });
  server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('upgrade', ({ socket }) => silent.delete(socket));
  server.listen(port, host);
  await once(server, 'listening').catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'EADDRINUSE' ? 'another program listens there; choose another port' : cause.message;
    throw new BusbarError('UNAVAILABLE', `cannot listen on ${host}, port ${port}: ${reason}`, { cause });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${shownHost}:${address.port}`,
    port: address.port,
    server,
    async close(graceMs) {
      closing = true;
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      for (const socket of silent) socket.destroy();
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

/**
 * Answers `/health/live`, `/health/ready` and `/metrics`.
 * @returns false where the request is for something else.
 */
export async function answerOperations(
  request: IncomingMessage,
  response: ServerResponse,
  { health, metrics }: { health: Health; metrics: Metrics },
): Promise<boolean> {
  switch (pathOf(request)) {
    case '/health/live':
      // That this line runs is the answer: the loop turns.
      answerJson(response, 200, { live: true });
      return true;
    case '/health/ready': {
      const report = health.report();
      answerJson(response, report.ready ? 200 : 503, report);
      return true;
    }
    case '/metrics':
      response.writeHead(200, { 'content-type': metrics.registry.contentType });
      response.end(await metrics.registry.metrics());
      return true;
    default:
      return false;
  }
}

export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
