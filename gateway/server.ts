import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { type BusbarError, isBusbarError } from '../domain/errors.ts';
import { may } from '../domain/rights.ts';
import type { CertificateFiles } from '../runtime/certificate.ts';
import type { Health } from '../runtime/health.ts';
import {
  answerJson,
  answerOperations,
  type HttpLimits,
  type HttpService,
  listenHttp,
  pathOf,
} from '../runtime/http-service.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Context } from '../schema/context.ts';
import type { Denials } from './audit/denials.ts';
import { createDenialNotes } from './audit/notes.ts';
import { createAttendance } from './auth/attended-answer.ts';
import { type Authenticator, OPEN } from './auth/authenticator.ts';
import type { AnswerCache } from './cache/answer-cache.ts';
import { admit, type Caller, callerOf, cameFrom, inNameOfAll } from './caller.ts';
import { createEngine } from './engine.ts';
import { createErrorMask } from './errors.ts';
import { EXPORT_PATH, type Exports } from './export/exports.ts';
import { createFront, type FrontSettings, LOOPBACK_FRONT } from './front/front.ts';
import { createPageVisits } from './graphiql/page-visits.ts';
import { createGraphqlHttp } from './graphql-http.ts';
import { createHotLane } from './hot/lane.ts';
import type { HotStore } from './hot/root-plan.ts';
import { createIntake, type IntakeOptions } from './limits/intake.ts';
import { retryHeaders, statusOf } from './limits/refusal-status.ts';
import { Shares } from './limits/shares.ts';
import { createFieldConflations } from './live/field-conflations.ts';
import { createSharedSubscriptions } from './live/shared-subscriptions.ts';
import { resolvedRequest } from './persisted/resolved-request.ts';
import { bodyOf, readBody } from './request-body.ts';
import { contextOfNextEvent } from './rights/scoped-context.ts';
import { SOCKET_LIMITS, type SocketLimits } from './sockets/socket-limits.ts';
import type { SqlCounter } from './sql-counter.ts';
import { attachWebSockets, type WebSocketEndpoint } from './websocket.ts';

const PATH = '/graphql';
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
  /** By what names and from where it may be called; without it, from this machine. */
  readonly front?: FrontSettings;
  readonly httpLimits?: Partial<HttpLimits>;
  readonly socketLimits?: Partial<SocketLimits>;
  /** Without it, whatever passes encryption on is in front of the gateway. */
  readonly tls?: CertificateFiles;
  /** What may be asked for, and how often; without it, as much as by default, as often as anybody likes. */
  readonly intake?: IntakeOptions;
  /** Told what is denied; without it, that is not noted. */
  readonly denials?: Denials;
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
    tls,
    httpLimits = {},
  } = options;
  const socketLimits = { ...SOCKET_LIMITS, ...options.socketLimits };
  const shares = new Shares(socketLimits.perIdentityMax);
  const front = createFront(options.front ?? LOOPBACK_FRONT, metrics);
  const attend = createAttendance({ authenticator, metrics, clock });
  const serving = health.component('gateway');
  const intake = createIntake(options.intake ?? {}, { log, metrics });
  const denied = createDenialNotes(options.denials);
  const mask = createErrorMask(log, intake.refused);
  const subscriptions = createSharedSubscriptions({
    contexts: (rights) => {
      const context = makeContext(inNameOfAll(rights));
      return () => contextOfNextEvent(context);
    },
    mask,
    metrics,
    memberFramesMax,
    standingFields: new Set(['jobProgress', 'feedHealth', 'apiHealth', 'pnl']),
    conflations: createFieldConflations(() => metrics.conflatedTicks.inc()),
  });
  const yoga = createGraphqlHttp({
    schema,
    path: PATH,
    makeContext,
    subscriptions,
    shares,
    attend,
    untakenMsMax: socketLimits.untakenMsMax,
    intake,
    denied,
    mask,
    metrics,
    sql,
  });
  const pageVisits = createPageVisits({ path: PATH, authenticator, front, intake, clock });
  const engine = createEngine(yoga, mask, intake);
  const hotLane = hot && createHotLane({ schema, store: hot, metrics, log, sql, cache, intake });
  let listening: { http: HttpService; webSockets: WebSocketEndpoint } | undefined;
  let closing: Promise<void> | undefined;

  const answerGraphql = async (request: IncomingMessage, response: ServerResponse) => {
    await intake.begin(request, response);
    const text = await readBody(request, intake.limits.bodyBytesMax, intake.countBody(request, response));
    const body = resolvedRequest(request, text, intake.persisted);
    if (hotLane && (await hotLane.answer(request, body, response, callerOf(request).identity.rights))) return;
    await yoga(Object.assign(request, { body: bodyOf(body) }), response);
  };

  const counting = (answer: () => Promise<void>) => (sql ? sql.during(answer) : answer());

  /** This machine, and those who may see how feeds stand: all of them, as figures are of all. */
  const isInsider = async (request: IncomingMessage) => {
    if (front.isInsider(request)) return true;
    const { authorization } = request.headers;
    if (authorization === undefined) return false;
    const { rights } = await authenticator.identify(authorization);
    return may(rights, 'FEEDS') && rights.feeds === 'ALL';
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      cameFrom(request, front.senderOf(request).address);
      if (front.answer(request, response)) return;
      if (await answerOperations(request, response, { health, metrics, isInsider })) return;
      if (await pageVisits.answer(request, response)) return;
      // Before anything else is read of it.
      admit(request, await authenticator.identify(request.headers.authorization));
      if (pathOf(request) === PATH) return await counting(() => answerGraphql(request, response));
      if (exports && pathOf(request).startsWith(EXPORT_PATH)) {
        attend(request, response, 0);
        await intake.begin(request, response);
        return await exports(request, response);
      }
      if (pathOf(request) === '/') response.writeHead(302, { location: PATH }).end();
      else answerJson(response, 404, { error: 'not found' });
    } catch (error) {
      intake.refused(error);
      denied.unknown(request, error);
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
      const http = await listenHttp({ host, port, metrics, handle, limits: httpLimits, tls, log });
      const { server } = http;
      const webSockets = attachWebSockets({
        server,
        path: PATH,
        front,
        limits: socketLimits,
        shares,
        holdSubscription: intake.holdSubscription,
        clock,
        authenticator,
        denied,
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

/** Whoever may not ask, or not so, is answered before the question is understood. */
function answerRefusal(response: ServerResponse, { code, message, details }: BusbarError): void {
  // What was not read of a request is not read any more, so that the connection cannot carry another one.
  if (!response.req.complete) response.setHeader('connection', 'close');
  if (code === 'UNAUTHENTICATED') response.setHeader('www-authenticate', 'Bearer realm="busbar"');
  for (const [name, value] of Object.entries(retryHeaders({ code, details }))) response.setHeader(name, value);
  answerJson(response, statusOf({ code, details }), { errors: [{ message, extensions: { ...details, code } }] });
}
