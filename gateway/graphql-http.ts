import type { IncomingMessage } from 'node:http';
import { type ExecutionArgs, execute, type GraphQLSchema, getOperationAST } from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import type { Metrics } from '../runtime/metrics.ts';
import type { Context } from '../schema/context.ts';
import { type Caller, callerOf } from './caller.ts';
import type { ErrorMask } from './errors.ts';
import { graphiqlOptions, renderPage } from './graphiql/page.ts';
import { executeCompiled } from './live/compiled-operations.ts';
import type { SharedSubscriptions } from './live/shared-subscriptions.ts';
import type { SqlCounter } from './sql-counter.ts';

/** What each request comes with: the one that opened the socket where it comes by WebSocket. */
export interface NodeRequest {
  readonly req: IncomingMessage;
}

/**
 * GraphQL over HTTP: GET, POST, server-sent events, and GraphiQL for a browser. One request is one operation: no
 * batches, no uploads. Closed to pages of other origins.
 */
export function createGraphqlHttp(options: {
  schema: GraphQLSchema;
  path: string;
  makeContext: (caller: Caller) => Context;
  subscriptions: SharedSubscriptions;
  mask: ErrorMask;
  metrics: Metrics;
  clock: () => number;
  sql: SqlCounter | undefined;
}): YogaServerInstance<NodeRequest, object> {
  const { schema, path, makeContext, subscriptions, mask, metrics, clock, sql } = options;
  return createYoga<NodeRequest, object>({
    schema,
    graphqlEndpoint: path,
    context: ({ req }) => ({ ...makeContext(callerOf(req)) }),
    maskedErrors: { maskError: (error) => mask.error(error) },
    // The mask logs what is ours to know; yoga would log every client's mistake as an error.
    logging: false,
    cors: false,
    batching: false,
    multipart: false,
    landingPage: false,
    graphiql: () => graphiqlOptions(clock()),
    renderGraphiQL: renderPage,
    plugins: [
      maskValidation(mask),
      compileQueries(makeContext),
      measureOperations(metrics),
      shareSubscriptions(subscriptions, metrics),
      ...(sql ? [tellSql(sql)] : []),
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
function compileQueries(makeContext: (caller: Caller) => Context): Plugin<NodeRequest> {
  return {
    onExecute({ args, setExecuteFn }) {
      const { contextValue } = args;
      const renewed = () => ({ ...contextValue, ...makeContext(callerOf(contextValue.req)) });
      const isQuery = getOperationAST(args.document, args.operationName)?.operation === 'query';
      setExecuteFn(isQuery ? (given: ExecutionArgs) => executeCompiled(given, renewed) : execute);
    },
  };
}

function measureOperations(metrics: Metrics): Plugin {
  return {
    onExecute({ args }) {
      const operation = getOperationAST(args.document, args.operationName)?.operation ?? 'query';
      const stop = metrics.operationSeconds.startTimer({ operation });
      return { onExecuteDone: () => void stop() };
    },
  };
}

/** Server-sent events are members of the same groups as sockets. A request that is cut off leaves its group at once. */
function shareSubscriptions(subscriptions: SharedSubscriptions, metrics: Metrics): Plugin {
  return {
    onSubscribe({ args, setSubscribeFn }) {
      const { signal } = args.contextValue.request;
      setSubscribeFn(async (given: ExecutionArgs) => {
        const results = await subscriptions.subscribe(given);
        if (!(Symbol.asyncIterator in results)) return results;
        const leave = () => void results.return?.();
        if (signal.aborted) leave();
        else signal.addEventListener('abort', leave, { once: true });
        return results;
      });
      return { onSubscribeResult: () => ({ onNext: () => metrics.framesSent.inc() }) };
    },
  };
}
