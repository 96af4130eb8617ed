/** graphql-yoga behind graphql-ws, as its documentation says: one source and one execution a subscriber. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { buildSchema, type ExecutionArgs } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { createPubSub, createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';
import { portOf } from '../port-of.ts';
import { ticksOf } from './protocol.ts';
import { serveEmitting } from './server-process.ts';

type Update = { cursor: string; ticks: object[] };

const schema = buildSchema(`
  enum MarketRun { REAL_TIME_5_MIN }
  type PricingNode { id: ID! }
  type Lmp { node: PricingNode! start: String! revision: Int! lmp: Float! energy: Float congestion: Float loss: Float }
  type LmpUpdate { cursor: String! ticks: [Lmp!]! }
  type Query { up: Boolean }
  type Subscription { lmp(run: MarketRun): LmpUpdate! }
`);
const pubSub = createPubSub<{ lmp: [Update] }>();
const lmp = schema.getSubscriptionType()?.getFields().lmp;
if (lmp) {
  lmp.subscribe = () => pubSub.subscribe('lmp');
  lmp.resolve = (update) => update;
}

const yoga = createYoga({ schema, logging: false });
const server = createServer(yoga).listen(0, '127.0.0.1');
useServer(
  {
    execute: (args: ExecutionArgs) => yoga.getEnveloped().execute(args),
    subscribe: (args: ExecutionArgs) => yoga.getEnveloped().subscribe(args),
    async onSubscribe(context, _id, params) {
      const { schema: enveloped, contextFactory, parse, validate } = yoga.getEnveloped({ ...context, params });
      const args = {
        schema: enveloped,
        operationName: params.operationName,
        document: parse(params.query),
        variableValues: params.variables,
        contextValue: await contextFactory(),
      };
      const errors = validate(args.schema, args.document);
      return errors.length > 0 ? errors : args;
    },
  },
  new WebSocketServer({ server, path: '/graphql' }),
);
await once(server, 'listening');
serveEmitting(portOf(server), (number) => {
  const ticks = ticksOf(number, Date.now()).map(({ node, startAt, ...rest }) => ({
    ...rest,
    node: { id: node },
    start: new Date(startAt).toISOString(),
    energy: rest.lmp,
    congestion: 0,
    loss: 0,
  }));
  pubSub.publish('lmp', { cursor: `0123456789ab-${number}`, ticks });
});
