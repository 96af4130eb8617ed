import type { IncomingMessage } from 'node:http';
import { type DocumentNode, type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import type { YogaServerInstance } from 'graphql-yoga';
import type { ErrorMask } from './errors.ts';
import type { NodeRequest } from './graphql-http.ts';

/** The GraphQL of the HTTP endpoint for whoever does not come by HTTP: the same parser, rules, context and masking. */
export interface Engine {
  /** @param request the one that opened the socket. */
  prepare(
    payload: SubscribePayload,
    request: IncomingMessage,
  ): Promise<{ args: ExecutionArgs } | { errors: readonly GraphQLError[] }>;
  execute(args: ExecutionArgs): Promise<ExecutionResult>;
}

export function createEngine(yoga: YogaServerInstance<NodeRequest, object>, mask: ErrorMask): Engine {
  const executes = new WeakMap<object, (args: ExecutionArgs) => Promise<ExecutionResult>>();
  return {
    async prepare({ query, operationName, variables }, req) {
      const enveloped = yoga.getEnveloped({ req, params: { query, operationName, variables } });
      try {
        const document: DocumentNode = enveloped.parse(query);
        const errors = enveloped.validate(enveloped.schema, document);
        if (errors.length > 0) return { errors: errors.map(withoutHttp) };
        const contextValue: object = await enveloped.contextFactory();
        executes.set(contextValue, async (args) => enveloped.execute(args));
        return {
          args: {
            schema: enveloped.schema,
            document,
            operationName: operationName ?? null,
            variableValues: variables ?? null,
            contextValue,
          },
        };
      } catch (error) {
        return { errors: [withoutHttp(mask.error(error))] };
      }
    },
    async execute(args) {
      const run =
        typeof args.contextValue === 'object' && args.contextValue ? executes.get(args.contextValue) : undefined;
      if (!run) throw new TypeError('only what was prepared can be executed');
      return mask.result(await run(args));
    },
  };
}

/** The HTTP layer notes its status on errors and removes the note when it answers; here nobody would. */
function withoutHttp(error: GraphQLError): GraphQLError {
  const { http: _, ...extensions } = error.extensions;
  return new GraphQLError(error.message, {
    nodes: error.nodes ?? null,
    source: error.source ?? null,
    positions: error.positions ?? null,
    path: error.path ?? null,
    extensions,
  });
}
