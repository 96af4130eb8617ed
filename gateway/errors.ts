import { type ExecutionResult, GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { isBusbarError } from '../domain/errors.ts';

/**
 * What a client may see of an error.
 *
 * - A `BusbarError` that is exposed shows its message, its code and its details.
 * - What GraphQL itself says about a request (syntax, validation, variables) shows as it is, with `BAD_USER_INPUT`.
 * - Anything else is logged with its cause and shows as `Unexpected error.`: messages of drivers carry host names, SQL
 *   and values.
 */
export interface ErrorMask {
  error(error: unknown): GraphQLError;
  result<Result extends ExecutionResult>(result: Result): Result;
}

export function createErrorMask(log: Logger): ErrorMask {
  // Several layers mask what passes through them; what was masked once is not judged, or logged, again.
  const shown = new WeakSet<object>();

  const mask = (error: unknown): GraphQLError => {
    if (error instanceof GraphQLError && shown.has(error)) return error;
    const masked = judge(error, log);
    shown.add(masked);
    return masked;
  };

  return {
    error: mask,
    result: (result) => (result.errors ? { ...result, errors: result.errors.map(mask) } : result),
  };
}

function judge(error: unknown, log: Logger): GraphQLError {
  const located = error instanceof GraphQLError ? error : undefined;
  const origin = originOf(error);
  if (isBusbarError(origin) && origin.exposed) {
    if (origin.code === 'UNAVAILABLE') log.warn({ err: origin, path: located?.path }, 'request could not be served');
    return shownAs(located, origin.message, { ...origin.details, code: origin.code });
  }
  if (origin instanceof GraphQLError && !isServersFault(origin, located)) {
    return shownAs(located ?? origin, origin.message, { ...origin.extensions, code: 'BAD_USER_INPUT' });
  }
  log.error({ err: origin, path: located?.path }, 'request failed');
  const cause = origin instanceof Error ? origin : new Error(String(origin));
  return shownAs(located, 'Unexpected error.', { code: 'INTERNAL_SERVER_ERROR' }, cause);
}

function originOf(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError ? originOf(error.originalError) : error;
}

/**
 * A resolver's value that does not fit its field is a GraphQLError too (`Float cannot represent …`), but it points at no
 * place of the request: it says something about us, not about the client.
 */
function isServersFault(origin: GraphQLError, located: GraphQLError | undefined): boolean {
  return located?.path !== undefined && origin.nodes === undefined && origin.extensions.code === undefined;
}

/** @param originalError kept off the wire; the HTTP layer answers 500 where one is there and no data. */
function shownAs(
  located: GraphQLError | undefined,
  message: string,
  extensions: Record<string, unknown>,
  originalError?: Error,
): GraphQLError {
  return new GraphQLError(message, {
    nodes: located?.nodes ?? null,
    source: located?.source ?? null,
    positions: located?.positions ?? null,
    path: located?.path ?? null,
    originalError: originalError ?? null,
    extensions,
  });
}
