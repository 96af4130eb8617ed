import { type ExecutionResult, GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { type BusbarError, isBusbarError } from '../domain/errors.ts';

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
  /** @param details shown with every error of it, as extensions. */
  result<Result extends ExecutionResult>(result: Result, details?: Details): Result;
  /**
   * The same for the events of one subscription, which may all fail alike: the log has what fails once, and again only after an
   * event that did not fail.
   */
  ofEvents(): ErrorMask;
}

type Details = Readonly<Record<string, unknown>>;

/** @param noted told of each error that is shown with its own code, once. */
export function createErrorMask(log: Logger, noted: (error: BusbarError) => void = () => {}): ErrorMask {
  // Several layers mask what passes through them; what was masked once is not judged, or logged, again.
  const shown = new WeakSet<object>();

  const maskWith = (tell: Tell) => (error: unknown, details: Details) => {
    if (error instanceof GraphQLError && shown.has(error)) return error;
    const masked = judge(error, details, tell, noted);
    shown.add(masked);
    return masked;
  };
  const create = (tell: Tell, succeeded: () => void): ErrorMask => {
    const mask = maskWith(tell);
    return {
      error: (error) => mask(error, {}),
      result: (result, details = {}) => {
        if (result.errors) return { ...result, errors: result.errors.map((error) => mask(error, details)) };
        succeeded();
        return result;
      },
      ofEvents: () => {
        const told = new Set<string>();
        return create(onceOf(told, log), () => told.clear());
      },
    };
  };
  return create(
    (level, fields, message) => log[level](fields, message),
    () => {},
  );
}

interface Fields {
  readonly err: unknown;
  readonly path: GraphQLError['path'];
}

type Tell = (level: 'warn' | 'error', fields: Fields, message: string) => void;

/** Whatever the positions in lists: a document has only so many fields. */
function onceOf(told: Set<string>, log: Logger): Tell {
  return (level, fields, message) => {
    const key = `${level} ${fields.path?.filter((step) => typeof step === 'string').join('.')}`;
    if (told.has(key)) return;
    told.add(key);
    log[level](fields, message);
  };
}

function judge(error: unknown, details: Details, tell: Tell, noted: (error: BusbarError) => void): GraphQLError {
  const located = error instanceof GraphQLError ? error : undefined;
  const origin = originOf(error);
  const fields = { err: origin, path: located?.path };
  if (isBusbarError(origin) && origin.exposed) {
    noted(origin);
    if (origin.code === 'UNAVAILABLE') tell('warn', fields, 'request could not be served');
    return shownAs(located, origin.message, { ...details, ...origin.details, code: origin.code });
  }
  if (origin instanceof GraphQLError && !isServersFault(origin, located)) {
    const extensions = { ...details, ...origin.extensions, code: 'BAD_USER_INPUT' };
    return shownAs(located ?? origin, origin.message, extensions);
  }
  tell('error', fields, 'request failed');
  const cause = origin instanceof Error ? origin : new Error(String(origin));
  return shownAs(located, 'Unexpected error.', { ...details, code: 'INTERNAL_SERVER_ERROR' }, cause);
}

/** What was thrown first. */
export function originOf(error: unknown): unknown {
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
