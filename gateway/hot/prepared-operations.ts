import { type GraphQLSchema, validate } from 'graphql';
import { parseBounded } from '../limits/bounded-document.ts';
import { type DocumentLimits, REQUEST_LIMITS } from '../limits/request-limits.ts';
import { couldBeHot, createHotOperation, type HotOperation, operationOf } from './hot-operation.ts';

/** Operations by their texts, parsed, validated and planned once. The least recently used are forgotten. */
export interface PreparedOperations {
  /** @returns undefined where the operation is not hot, or not sound. */
  get(query: string, operationName: string | undefined): HotOperation | undefined;
}

const OPERATIONS_MAX = 1_000;
/** Longer texts are not kept, so that a thousand of them are 16 MB at most. */
const TEXT_LENGTH_MAX = 16_384;
const NAME = /^[A-Za-z_]\w{0,199}$/;

export function createPreparedOperations(
  schema: GraphQLSchema,
  max = OPERATIONS_MAX,
  limits = REQUEST_LIMITS.document,
): PreparedOperations {
  const kept = new Map<string, HotOperation | undefined>();
  return {
    get(query, operationName) {
      if (query.length > TEXT_LENGTH_MAX || (operationName !== undefined && !NAME.test(operationName)))
        return undefined;
      // No name holds a line's end, so that no two operations share a key.
      const key = `${operationName ?? ''}\n${query}`;
      const known = kept.has(key);
      const operation = known ? kept.get(key) : prepare(schema, query, operationName, limits);
      if (known) kept.delete(key);
      kept.set(key, operation);
      if (kept.size > max) kept.delete(kept.keys().next().value ?? key);
      return operation;
    },
  };
}

function prepare(
  schema: GraphQLSchema,
  query: string,
  operationName: string | undefined,
  limits: DocumentLimits,
): HotOperation | undefined {
  if (!couldBeHot(query)) return undefined;
  try {
    const document = parseBounded(query, limits);
    const operation = operationOf(document, operationName);
    if (!operation || validate(schema, document, undefined, { maxErrors: 1 }).length > 0) return undefined;
    return createHotOperation(schema, document, operation);
  } catch {
    // The ordinary way says what is wrong.
    return undefined;
  }
}
