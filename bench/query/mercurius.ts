/** Mercurius on fastify, with jit after the first request. */
import fastify from 'fastify';
import { GraphQLScalarType } from 'graphql';
import mercurius from 'mercurius';
import { DATE_TIME, PEER_SDL, resolveLmps } from './peer-schema.ts';
import { benchPool, tellPort } from './serve.ts';

const app = fastify();
const resolve = resolveLmps(benchPool());
await app.register(mercurius, {
  schema: PEER_SDL,
  resolvers: {
    DateTime: new GraphQLScalarType({ name: 'DateTime', ...DATE_TIME }),
    Query: { lmps: (_root: unknown, args: Parameters<typeof resolve>[0]) => resolve(args) },
  },
  jit: 1,
});
await app.listen({ port: 0, host: '127.0.0.1' });
for (const address of app.addresses()) if (typeof address === 'object') tellPort(address.port);
