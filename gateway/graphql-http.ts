import { IncomingMessage, type ServerResponse } from 'node:http';
import { type ExecutionArgs, execute, type GraphQLSchema, getOperationAST } from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import { cutShort, whenClosed } from '../runtime/http-service.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Context, Renewal } from '../schema/context.ts';
import { type DenialNotes, errorsIn } from './audit/notes.ts';
import type { AttendAnswer } from './auth/attended-answer.ts';
import { Tenure } from './auth/tenure.ts';
import { sendOrdinaryAnswers } from './cache/ordinary-answers.ts';
import { type Caller, callerOf } from './caller.ts';
import type { ErrorMask } from './errors.ts';
import { endContext } from './limits/ending-context.ts';
import { withinTime } from './limits/execution-time.ts';
import type { Intake } from './limits/intake.ts';
import { limitOperations } from './limits/limit-operations.ts';
import { withStatus } from './limits/refusal-status.ts';
import { beyondShare, type Shares } from './limits/shares.ts';
import { requireSoundParameters } from './limits/sound-parameters.ts';
import { TextCache } from './limits/text-cache.ts';
import { executeCompiled } from './live/compiled-operations.ts';
import { heldSubscription } from './live/held-subscription.ts';
import { LastFrames } from './live/last-frames.ts';
import type { SharedSubscriptions } from './live/shared-subscriptions.ts';
import type { Member } from './live/subscription-group.ts';
import type { SqlCounter } from './sql-counter.ts';

/** What each request comes with: the one that opened the socket where it comes by WebSocket. */
export interface NodeRequest {
  readonly req: IncomingMessage;
  /** Of HTTP. */
  readonly res?: ServerResponse;
  /** Of a socket: until when its rights are what they are now. */
  readonly tenure?: Tenure | undefined;
  /** Of a socket. */
  readonly renewal?: Renewal;
}

/** What came with it: for a socket, the one that opened it. */
export function requestIn(args: ExecutionArgs): IncomingMessage | undefined {
  return foundIn(args, 'req', IncomingMessage);
}

/** Of whoever asks by a socket. */
export function tenureIn(args: ExecutionArgs): Tenure | undefined {
  return foundIn(args, 'tenure', Tenure);
}

function foundIn<Kind>(
  { contextValue }: ExecutionArgs,
  name: keyof NodeRequest,
  kind: abstract new (...given: never[]) => Kind,
): Kind | undefined {
  const found: unknown = typeof contextValue === 'object' && contextValue !== null && Reflect.get(contextValue, name);
  return found instanceof kind ? found : undefined;
}

/**
 * GraphQL over HTTP: GET, POST and server-sent events. One request is one operation: no
 * batches, no uploads. Closed to pages of other origins.
 */
export function createGraphqlHttp(options: {
  schema: GraphQLSchema;
  path: string;
  makeContext: (caller: Caller) => Context;
  subscriptions: SharedSubscriptions;
  /** In which streams count beside sockets. */
  shares: Shares;
  /** How long each result of a stream may wait to be taken once it has ended, before its connection is cut. */
  untakenMsMax: number;
  attend: AttendAnswer;
  intake: Intake;
  denied: DenialNotes;
  mask: ErrorMask;
  metrics: Metrics;
  sql: SqlCounter | undefined;
}): YogaServerInstance<NodeRequest, object> {
  const { schema, path, makeContext, subscriptions, shares, attend, untakenMsMax, intake, denied, mask, metrics, sql } =
    options;
  return createYoga<NodeRequest, object>({
    schema,
    graphqlEndpoint: path,
    context: ({ req }) => ({ ...makeContext(callerOf(req)) }),
    maskedErrors: { maskError: (error) => withStatus(mask.error(error)) },
    // The mask logs what is ours to know; yoga would log every client's mistake as an error.
    logging: false,
    cors: false,
    batching: false,
    multipart: false,
    landingPage: false,
    parserAndValidationCache: {
      documentCache: new TextCache(DOCUMENT_CHARACTERS_MAX, DOCUMENT_LENGTH_MAX),
      errorCache: NO_CACHE,
      // The errors of a document would be kept as long as it is, each with its stack: limits remember which documents are sound.
      validationCache: false,
    },
    graphiql: false,
    plugins: [
      requireSoundParameters(),
      maskValidation(mask),
      limitOperations(intake),
      compileQueries(makeContext, intake),
      measureOperations(metrics),
      noteDenials(denied),
      shareSubscriptions({ subscriptions, shares, attend, intake, untakenMsMax, metrics }),
      ...(sql ? [tellSql(sql)] : []),
      sendOrdinaryAnswers(),
    ],
  });
}

/** An answer that is a stream is none of a request alone. */
function tellSql(sql: SqlCounter): Plugin {
  return {
    onExecutionResult({ result, setResult }) {
      if (!result || Array.isArray(result) || Symbol.asyncIterator in result) return;
      setResult({ ...result, extensions: { ...result.extensions, sql: sql.counted() } });
    },
  };
}

function maskValidation(mask: ErrorMask): Plugin {
  return {
    onValidate:
      () =>
      ({ result, setResult }) =>
        setResult(result.map(mask.error)),
  };
}

/**
 * By graphql-js and its compiler: yoga's own executor puts root fields into the answer as they come, and not in the order of the
 * document, as GraphQL has it. A mutation is never asked a second time, and so never compiled.
 */
function compileQueries(makeContext: (caller: Caller) => Context, { limits }: Intake): Plugin<NodeRequest> {
  return {
    onExecute({ args, setExecuteFn }) {
      const { contextValue } = args;
      let late: Error | undefined;
      const renewed = () => {
        if (late) throw late;
        return { ...contextValue, ...makeContext(callerOf(contextValue.req)) };
      };
      const end = (error: Error) => {
        late = error;
        endContext(contextValue, error);
      };
      const isQuery = getOperationAST(args.document, args.operationName)?.operation === 'query';
      const executeQuery = (given: ExecutionArgs) =>
        withinTime(executeCompiled(given, renewed), limits.executionMsMax, end);
      setExecuteFn(isQuery ? executeQuery : execute);
    },
  };
}

/** Documents take some hundred bytes a token, and a token may be a single character. */
const DOCUMENT_CHARACTERS_MAX = 1_000_000;
const DOCUMENT_LENGTH_MAX = 16_384;
/** Texts that are no documents are as many as anybody likes. */
const NO_CACHE = { get: () => undefined, set: () => undefined };

function measureOperations(metrics: Metrics): Plugin {
  return {
    onExecute({ args }) {
      const operation = getOperationAST(args.document, args.operationName)?.operation ?? 'query';
      const stop = metrics.operationSeconds.startTimer({ operation });
      return { onExecuteDone: () => void stop() };
    },
  };
}

function noteDenials(denied: DenialNotes): Plugin<NodeRequest> {
  return {
    onExecute({ args }) {
      const { req } = args.contextValue;
      return { onExecuteDone: ({ result }) => denied.among(errorsIn(result), req) };
    },
    onSubscribe({ args }) {
      const { req } = args.contextValue;
      return { onSubscribeResult: ({ result }) => denied.among(errorsIn(result), req) };
    },
  };
}

/** Server-sent events are members of the same groups as sockets. A request that is cut off leaves its group at once. */
function shareSubscriptions({
  subscriptions,
  shares,
  attend,
  intake,
  untakenMsMax,
  metrics,
}: {
  subscriptions: SharedSubscriptions;
  shares: Shares;
  attend: AttendAnswer;
  intake: Intake;
  untakenMsMax: number;
  metrics: Metrics;
}): Plugin<NodeRequest> {
  return {
    onSubscribe({ args, setSubscribeFn }) {
      const { request, req, res } = args.contextValue;
      const { signal } = request;
      let lastFrames: LastFrames | undefined;
      setSubscribeFn(async (given: ExecutionArgs) => {
        if (res) takePlace(shares, req, res);
        const giveBack = intake.holdSubscription(callerOf(req).identity.subject, given.document, charactersIn(given));
        const results = await heldSubscription(giveBack, subscriptions.subscribe(given, res && attend(req, res)));
        if (!(Symbol.asyncIterator in results)) return results;
        const leave = () => void results.return?.();
        if (signal.aborted) leave();
        else signal.addEventListener('abort', leave, { once: true });
        if (res && !res.closed) lastFrames = lastFramesTo(res, results, untakenMsMax, metrics);
        return results;
      });
      const onNext = () => {
        metrics.framesSent.inc();
        lastFrames?.taken();
      };
      return { onSubscribeResult: () => ({ onNext }) };
    },
  };
}

function charactersIn({ document, variableValues }: ExecutionArgs): number {
  return (document.loc?.source.body.length ?? 0) + JSON.stringify(variableValues ?? {}).length;
}

/** Until all that was taken is on its way. */
function lastFramesTo(res: ServerResponse, results: Member, untakenMsMax: number, metrics: Metrics): LastFrames {
  const lastFrames = new LastFrames(results, untakenMsMax, () => {
    metrics.connectionsCut.inc({ reason: 'untaken' });
    cutShort(res);
  });
  res.once('close', () => lastFrames.over());
  return lastFrames;
}

/** Until its answer has ended. @throws BusbarError `RATE_LIMITED` */
function takePlace(shares: Shares, req: IncomingMessage, res: ServerResponse): void {
  const giveBack = shares.take(callerOf(req).identity.subject);
  if (!giveBack) throw beyondShare('streams', shares.max, 'sockets and event streams');
  whenClosed(res, giveBack);
}
