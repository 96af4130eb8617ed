import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { type BusbarError, isBusbarError } from '../domain/errors.ts';
import type { Health } from '../runtime/health.ts';
import { answerJson, answerOperations, type HttpService, listenHttp, pathOf } from '../runtime/http-service.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Context } from '../schema/context.ts';
import { type Authenticator, OPEN } from './auth/authenticator.ts';
import type { AnswerCache } from './cache/answer-cache.ts';
import { admit, type Caller, callerOf, inNameOfAll } from './caller.ts';
import { createEngine } from './engine.ts';
import { createErrorMask } from './errors.ts';
import { EXPORT_PATH, type Exports } from './export/exports.ts';
import { createGraphqlHttp } from './graphql-http.ts';
import { createHotLane } from './hot/lane.ts';
import type { HotStore } from './hot/root-plan.ts';
import { createFieldConflations } from './live/field-conflations.ts';
import { createSharedSubscriptions } from './live/shared-subscriptions.ts';
import { isSameOrigin } from './origin.ts';
import { readBody } from './request-body.ts';
import type { SqlCounter } from './sql-counter.ts';
import { attachWebSockets, type WebSocketEndpoint } from './websocket.ts';

const PATH = '/graphql';
const BODY_BYTES_MAX = 1024 * 1024;
/** How long requests under way may take to finish once the gateway is told to close. */
const GRACE_MS = 5_000;
const MEMBER_FRAMES_MAX = 2_048;

export interface Gateway {
  /** Resolves when requests are served. Once only. */
  listen(): Promise<{ url: string; port: number }>;
  /**
   * Says that it is not ready, takes no new connection, ends live streams (sockets with 1001, so that clients reconnect
   * elsewhere) and lets requests under way finish within the grace.
   */
  close(): Promise<void>;
}

export interface GatewayOptions {
  readonly schema: GraphQLSchema;
  /** A new one for each request, and for each event of a subscription. */
  readonly makeContext: (caller: Caller) => Context;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Keeps the answers to those queries; closed with the gateway's owner. Without it, each is read anew. */
  readonly cache?: AnswerCache;
  /** Where the queries that are asked most read by plans of their own; without it, they go the way of all others. */
  readonly hot?: HotStore;
  /** Answers then say what they took of the store, as far as it was asked by the counter's pool. */
  readonly sql?: SqlCounter;
  /** Milliseconds UTC. */
  readonly clock?: () => number;
  readonly graceMs?: number;
  /** Results an EVERY subscription may have waiting before it is ended with its cursor. */
  readonly memberFramesMax?: number;
  /** Without it, the gateway is open. */
  readonly authenticator?: Authenticator;
  /** Answers what is under `/export/`; without it, nothing is. */
  readonly exports?: Exports;
}

/** GraphQL over HTTP, server-sent events and graphql-ws, GraphiQL, exports, health and metrics, on one port. */
export function createGateway(options: GatewayOptions): Gateway {
  const {
    schema,
    makeContext,
    log,
    metrics,
    health,
    host,
    port,
    clock = Date.now,
    graceMs = GRACE_MS,
    memberFramesMax = MEMBER_FRAMES_MAX,
    authenticator = OPEN,
    exports,
    hot,
    cache,
    sql,
  } = options;
  const serving = health.component('gateway');
  const mask = createErrorMask(log);
  const subscriptions = createSharedSubscriptions({
    freshContext: (rights) => makeContext(inNameOfAll(rights)),
    mask,
    metrics,
    memberFramesMax,
    standingFields: new Set(['jobProgress', 'feedHealth', 'apiHealth', 'pnl']),
    conflations: createFieldConflations(() => metrics.conflatedTicks.inc()),
  });
  const yoga = createGraphqlHttp({ schema, path: PATH, makeContext, subscriptions, mask, metrics, clock, sql });
  const engine = createEngine(yoga, mask);
  const hotLane = hot && createHotLane({ schema, store: hot, metrics, log, sql, cache });
  let listening: { http: HttpService; webSockets: WebSocketEndpoint } | undefined;
  let closing: Promise<void> | undefined;

  const answerGraphql = async (request: IncomingMessage, response: ServerResponse) => {
    if (!isSameOrigin(request)) return refuse(response, 403, 'pages of other origins may not ask');
    const body = await readBody(request, BODY_BYTES_MAX);
    if (body === undefined) return refuse(response, 413, `a request may have ${BODY_BYTES_MAX} bytes`);
    if (hotLane && (await hotLane.answer(request, body, response, callerOf(request).identity.rights))) return;
    await yoga(Object.assign(request, { body }), response);
  };

  const counting = (answer: () => Promise<void>) => (sql ? sql.during(answer) : answer());

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      if (await answerOperations(request, response, { health, metrics })) return;
      // Before anything else is read of it.
      admit(request, await authenticator.identify(request.headers.authorization));
      if (pathOf(request) === PATH) return await counting(() => answerGraphql(request, response));
      if (exports && pathOf(request).startsWith(EXPORT_PATH)) return await exports(request, response);
      if (pathOf(request) === '/') response.writeHead(302, { location: PATH }).end();
      else answerJson(response, 404, { error: 'not found' });
    } catch (error) {
      if (isBusbarError(error) && error.exposed) return answerRefusal(response, error);
      // A request that broke off on the way is its client's matter.
      if (request.destroyed && !request.complete) return;
      log.error({ err: error, path: pathOf(request) }, 'request failed');
      if (response.headersSent) response.destroy();
      else answerJson(response, 500, { error: 'unexpected error' });
    }
  };

  const close = async () => {
    serving.failed('closing');
    const { http, webSockets } = listening ?? {};
    const socketsClosed = webSockets?.close(graceMs);
    // Sockets are told 1001 first, which clients answer by reconnecting; a completion would tell them to stay away.
    subscriptions.close();
    await Promise.all([socketsClosed, http?.close(graceMs)]);
  };

  return {
    async listen() {
      const http = await listenHttp({ host, port, metrics, handle });
      const { server } = http;
      const webSockets = attachWebSockets({
        server,
        path: PATH,
        authenticator,
        engine,
        subscriptions,
        mask,
        log,
        metrics,
      });
      listening = { http, webSockets };
      serving.ok();
      return { url: http.url, port: http.port };
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Whoever may not ask at all is answered before the question is read. */
function answerRefusal(response: ServerResponse, { code, message, details }: BusbarError): void {
  response.setHeader('connection', 'close');
  if (code === 'UNAUTHENTICATED') response.setHeader('www-authenticate', 'Bearer realm="busbar"');
  const status = code === 'UNAUTHENTICATED' ? 401 : 503;
  answerJson(response, status, { errors: [{ message, extensions: { ...details, code } }] });
}

/** The body was not read, so the connection cannot carry another request. */
function refuse(response: ServerResponse, status: number, error: string): void {
  response.setHeader('connection', 'close');
  answerJson(response, status, { error });
}
