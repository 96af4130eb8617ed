import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Logger } from 'pino';
import { BusbarError } from '../domain/errors.ts';
import type { AddressList } from './address-list.ts';
import { type CertificateFiles, readCertificate, watchCertificate } from './certificate.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';
import { SilentConnections } from './silent-connections.ts';

export interface HttpService {
  readonly url: string;
  readonly port: number;
  readonly server: Server | TlsServer;
  /**
   * Takes no new connection, lets answers under way finish for up to `graceMs`, then cuts what is left.
   */
  close(graceMs: number): Promise<void>;
}

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** What a client may take of a server before it is known. */
export interface HttpLimits {
  readonly connectionsMax: number;
  /** Connections that have not asked for anything; one more takes the place of the oldest. */
  readonly silentMax: number;
  /** Until a request's headers are there, from the connection or the last answer on. */
  readonly headersMs: number;
  /** Until the whole request is there. */
  readonly requestMs: number;
}

const HTTP_LIMITS: HttpLimits = {
  connectionsMax: 20_000,
  silentMax: 1_000,
  headersMs: 10_000,
  requestMs: 30_000,
};

/**
 * An HTTP server on one address, listening when this resolves. Requests are counted by status.
 * @param port 0 picks a free one.
 * @throws BusbarError `UNAVAILABLE`, and `CONFIG_INVALID` where the certificate is none.
 */
export async function listenHttp(options: {
  host: string;
  port: number;
  metrics: Metrics;
  handle: HttpHandler;
  limits?: Partial<HttpLimits>;
  tls?: CertificateFiles | undefined;
  /** How often the certificate's files are looked at. */
  tlsEveryMs?: number;
  log?: Logger;
}): Promise<HttpService> {
  const { host, port, metrics, handle, tls, tlsEveryMs, log } = options;
  const limits = { ...HTTP_LIMITS, ...options.limits };
  let closing = false;
  const silent = new SilentConnections(limits.silentMax, () => metrics.connectionsCut.inc({ reason: 'crowded' }));
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    silent.heard(request.socket);
    response.once('finish', () => metrics.httpRequests.inc({ status: response.statusCode }));
    // A kept-alive connection becomes idle only after its answer is through, and would then keep the server open.
    response.once('close', () => closing && setImmediate(() => server.closeIdleConnections()));
    void handle(request, response);
  };
  const server = tls
    ? createTlsServer(
        { ...timesOf(limits), ...(await readCertificate(tls)), handshakeTimeout: limits.headersMs },
        listener,
      )
    : createServer(timesOf(limits), listener);
  server.maxConnections = limits.connectionsMax;
  server.on('drop', () => metrics.connectionsCut.inc({ reason: 'full' }));
  server.on('connection', (socket) => silent.add(socket));
  server.on('upgrade', ({ socket }) => silent.heard(socket));
  server.listen(port, host);
  await once(server, 'listening').catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'EADDRINUSE' ? 'another program listens there; choose another port' : cause.message;
    throw new BusbarError('UNAVAILABLE', `cannot listen on ${host}, port ${port}: ${reason}`, { cause });
  });
  const unwatch = tls ? renewing(server, tls, { log, everyMs: tlsEveryMs }) : undefined;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `${tls ? 'https' : 'http'}://${shownHost}:${address.port}`,
    port: address.port,
    server,
    async close(graceMs) {
      closing = true;
      unwatch?.();
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      silent.destroy();
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

function timesOf({ headersMs, requestMs }: HttpLimits): ServerOptions {
  return {
    headersTimeout: headersMs,
    requestTimeout: Math.max(headersMs, requestMs),
    connectionsCheckingInterval: Math.min(headersMs, 5_000),
  };
}

/** Connections from now on are made with the new certificate. */
function renewing(
  server: Server | TlsServer,
  tls: CertificateFiles,
  { log, everyMs }: { log: Logger | undefined; everyMs: number | undefined },
): () => void {
  return watchCertificate(tls, {
    ...(everyMs !== undefined && { everyMs }),
    onRead: (context) => {
      if ('setSecureContext' in server) server.setSecureContext(context);
      log?.info('certificate read again');
    },
    onFailed: (err) => log?.warn({ err }, 'certificate not read, the one before stays'),
  });
}

/**
 * Answers `/health/live`, `/health/ready` and `/metrics`. That it lives and is ready anybody may know, whom an orchestrator sends
 * among them; figures, and what is wrong, tell of feeds and hosts, and are for insiders.
 * @param isInsider asked only where it matters.
 * @returns false where the request is for something else.
 */
export async function answerOperations(
  request: IncomingMessage,
  response: ServerResponse,
  {
    health,
    metrics,
    isInsider,
  }: { health: Health; metrics: Metrics; isInsider: (request: IncomingMessage) => boolean | Promise<boolean> },
): Promise<boolean> {
  switch (pathOf(request)) {
    case '/health/live':
      // That this line runs is the answer: the loop turns.
      answerJson(response, 200, { live: true });
      return true;
    case '/health/ready': {
      const report = health.report();
      // Who cannot be known is told what anybody may know, and not refused.
      const isToldAll = await Promise.resolve(request)
        .then(isInsider)
        .catch(() => false);
      answerJson(response, report.ready ? 200 : 503, isToldAll ? report : { ready: report.ready });
      return true;
    }
    case '/metrics':
      if (!(await isInsider(request)))
        answerJson(response, 403, { error: 'figures are for insiders: OPERATIONS_FROM' });
      else await answerMetrics(response, metrics);
      return true;
    default:
      return false;
  }
}

async function answerMetrics(response: ServerResponse, { registry }: Metrics): Promise<void> {
  const text = await registry.metrics();
  response.writeHead(200, { 'content-type': registry.contentType }).end(text);
}

export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

/**
 * Whether a request came from one of these addresses by itself. One that says it was passed on came from whoever sent it, and the
 * proxy that passed it on may well be on this machine.
 */
export function directlyFrom(list: AddressList): (request: IncomingMessage) => boolean {
  return ({ headers, socket }) => {
    const passedOn = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
    return !passedOn && list.has(socket.remoteAddress ?? '');
  };
}

/** Calls back when a connection has ended, be it before this call: nobody is told of a close that was. */
export function whenClosed(response: ServerResponse, closed: () => void): void {
  if (response.closed || response.destroyed) closed();
  else response.once('close', closed);
}

/** Breaks an answer off so that nobody takes what came for the whole. A connection under TLS cannot be reset; its end is not announced. */
export function cutShort(response: ServerResponse): void {
  const { socket } = response;
  if (socket && !('encrypted' in socket)) socket.resetAndDestroy();
  response.destroy();
}
