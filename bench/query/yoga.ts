/** graphql-yoga as it comes, or with graphql-jit: `jit`. */
import { type ExecutionArgs, execute } from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import { createYoga, type Plugin } from 'graphql-yoga';
import { peerSchema } from './peer-schema.ts';
import { benchPool, serve } from './serve.ts';

const compiled = new WeakMap<object, CompiledQuery>();

const jit: Plugin = {
  onExecute({ setExecuteFn }) {
    setExecuteFn((args: ExecutionArgs) => {
      const known = compiled.get(args.document);
      const query = known ?? compileQuery(args.schema, args.document, args.operationName ?? undefined);
      if (!isCompiledQuery(query)) return execute(args);
      if (!known) compiled.set(args.document, query);
      return query.query(args.rootValue, args.contextValue, args.variableValues ?? {});
    });
  },
};

const yoga = createYoga({
  schema: peerSchema(benchPool()),
  logging: false,
  landingPage: false,
  graphiql: false,
  plugins: process.argv[2] === 'jit' ? [jit] : [],
});
await serve((request, response) => void yoga(request, response));
