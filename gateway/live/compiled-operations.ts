import { type ExecutionArgs, type ExecutionResult, execute } from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';

type Executes = (rootValue: unknown, contextValue: object) => ExecutionResult | Promise<ExecutionResult>;

const compiled = new WeakMap<ExecutionArgs['document'], Map<string, CompiledQuery['query'] | undefined>>();

/**
 * How to execute a subscription's operation for each of its events. It is compiled once for all who send the same text (the
 * parser keeps documents): 200 accounts' PnL took 12.6% of a gateway's time when it was interpreted, and 4.6% compiled. What the
 * compiler does not take is interpreted.
 */
export function executesOf(args: ExecutionArgs): Executes {
  const query = compiledQuery(args);
  if (query) return (rootValue, contextValue) => query(rootValue, contextValue, args.variableValues ?? {});
  return (rootValue, contextValue) => execute({ ...args, rootValue, contextValue });
}

function compiledQuery({ schema, document, operationName }: ExecutionArgs): CompiledQuery['query'] | undefined {
  const operations = compiled.get(document) ?? new Map<string, CompiledQuery['query'] | undefined>();
  compiled.set(document, operations);
  const name = operationName ?? '';
  if (!operations.has(name)) {
    const result = compileQuery(schema, document, operationName ?? undefined);
    operations.set(name, isCompiledQuery(result) ? result.query : undefined);
  }
  return operations.get(name);
}
