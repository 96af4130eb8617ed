import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSchema, type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { type WebSocket, WebSocketServer } from 'ws';

/** What a subscription is answered with; the script's steps are used up one by one, the last one for ever. */
export type Step = (after: string | undefined, socket: WebSocket) => AsyncGenerator<ExecutionResult> | ExecutionResult;

export interface ScriptedGateway {
  readonly url: string;
  readonly port: number;
  /** The `after` of every subscription so far. */
  readonly asked: readonly (string | undefined)[];
  /** Resolves when a subscription was ended before its answers were. */
  readonly left: Promise<void>;
  close(): Promise<void>;
}

export const NUMBERS = 'subscription Numbers($after: String) { numbers(after: $after) { cursor value } }';

/** A stand-in that speaks graphql-ws and says what it is told to, for what the real gateway cannot be brought to say. */
export async function startScriptedGateway(...script: Step[]): Promise<ScriptedGateway> {
  const asked: (string | undefined)[] = [];
  let leave: () => void = () => undefined;
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const server = createServer();
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  const endpoint = useServer<Record<string, unknown>, { socket: WebSocket }>(
    {
      schema,
      context: ({ extra }) => extra,
      subscribe: (args: ExecutionArgs) => {
        const { after } = args.variableValues ?? {};
        asked.push(typeof after === 'string' ? after : undefined);
        const step = script.length > 1 ? script.shift() : script[0];
        if (!step) throw new Error('there is no script');
        const answer = step(asked.at(-1), (args.contextValue as { socket: WebSocket }).socket);
        return Symbol.asyncIterator in answer ? noticingReturn(answer, leave) : answer;
      },
      isProd: true,
    },
    sockets,
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    port,
    asked,
    left,
    async close() {
      await endpoint.dispose();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const schema = buildSchema(`
  type Query { hello: String }
  type Number { cursor: String! value: Int! part: Int }
  type Subscription { numbers(after: String): Number! states: Int! }
`);

/** The update with this number; its cursor is the number too. */
export function number(value: number): ExecutionResult {
  return { data: { numbers: { cursor: `${value}`, value } } };
}

export function failure(code: string, details: Record<string, unknown> = {}): ExecutionResult {
  return { errors: [new GraphQLError(`it is ${code}`, { extensions: { ...details, code } })] };
}

/** These answers and then the end, which may be a while in coming. */
export async function* answers(
  results: readonly ExecutionResult[],
  end?: Promise<unknown>,
): AsyncGenerator<ExecutionResult> {
  yield* results;
  await end;
}

/** A generator that waits could not be returned by itself. */
function noticingReturn(
  source: AsyncGenerator<ExecutionResult>,
  onReturn: () => void,
): AsyncIterableIterator<ExecutionResult> {
  return {
    next: () => source.next(),
    async return() {
      onReturn();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
