import { type DocumentNode, type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import type { YogaServerInstance } from 'graphql-yoga';
import { callerOf } from './caller.ts';
import type { ErrorMask } from './errors.ts';
import type { NodeRequest } from './graphql-http.ts';
import type { Intake } from './limits/intake.ts';

/** The GraphQL of the HTTP endpoint for whoever does not come by HTTP: the same parser, rules, context and masking. */
export interface Engine {
  /** @param node with the request that opened the socket. */
  prepare(
    payload: SubscribePayload,
    node: NodeRequest,
  ): Promise<{ args: ExecutionArgs } | { errors: readonly GraphQLError[] }>;
  execute(args: ExecutionArgs): Promise<ExecutionResult>;
}

export function createEngine(yoga: YogaServerInstance<NodeRequest, object>, mask: ErrorMask, intake: Intake): Engine {
  const executes = new WeakMap<object, (args: ExecutionArgs) => Promise<ExecutionResult>>();
  return {
    async prepare(payload, node) {
      const { operationName, variables } = payload;
      try {
        await intake.begin(node.req);
        const query = intake.persisted.textOf(payload, callerOf(node.req).identity.rights) ?? payload.query;
        const enveloped = yoga.getEnveloped({ ...node, params: { query, operationName, variables } });
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
        return { errors: [settled(mask.error(error))] };
      }
    },
    async execute(args) {
      const run =
        typeof args.contextValue === 'object' && args.contextValue ? executes.get(args.contextValue) : undefined;
      if (!run) throw new TypeError('only what was prepared can be executed');
      try {
        return mask.result(await run(args));
      } catch (error) {
        // Of what was not even executed, say for its time. Thrown, it would end the socket.
        return { errors: [settled(mask.error(error))] };
      }
    },
  };
}

/** An error of this request alone, in its place: masked once more as another, it would lose its code. */
function settled(error: GraphQLError): GraphQLError {
  delete error.extensions.http;
  return error;
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
