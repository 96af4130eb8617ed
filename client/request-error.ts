import type { ErrorCode } from '../domain/errors.ts';

/**
 * Every way a request can fail, and whether the same request can succeed later. Those of the gateway's contract come as
 * `extensions.code`; what the client finds by itself is below them.
 */
const CODES = {
  BAD_USER_INPUT: { retriable: false },
  UNAUTHENTICATED: { retriable: false },
  FORBIDDEN: { retriable: false },
  NOT_FOUND: { retriable: false },
  LIMIT_EXCEEDED: { retriable: false },
  RATE_LIMITED: { retriable: true },
  CURSOR_EXPIRED: { retriable: false },
  UNAVAILABLE: { retriable: true },
  INTERNAL_SERVER_ERROR: { retriable: false },
  /** The gateway could not be reached, or the connection broke. */
  NETWORK_FAILED: { retriable: true },
  TIMED_OUT: { retriable: true },
  /** The answer is not GraphQL: something else than a gateway is there. */
  MALFORMED: { retriable: false },
  /** A code this client does not know; `errors` has it. */
  UNKNOWN: { retriable: false },
} as const satisfies Partial<Record<ErrorCode | ClientOnly, { retriable: boolean }>>;

type ClientOnly = 'INTERNAL_SERVER_ERROR' | 'NETWORK_FAILED' | 'TIMED_OUT' | 'UNKNOWN';

export type RequestErrorCode = keyof typeof CODES;

/** An error of a GraphQL answer, as it came. */
export interface AnsweredError {
  readonly message: string;
  readonly path?: readonly (string | number)[] | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

interface RequestErrorOptions {
  readonly cause?: unknown;
  readonly cursor?: string | undefined;
  readonly errors?: readonly AnsweredError[];
  readonly data?: unknown;
}

/** A query or subscription that failed. */
export class RequestError extends Error {
  readonly code: RequestErrorCode;
  readonly retriable: boolean;
  /** All errors of the answer; `code`, `message` and `path` are the first one's. Empty where there was no answer. */
  readonly errors: readonly AnsweredError[];
  /** The field that failed. */
  readonly path: readonly (string | number)[] | undefined;
  /** Of a subscription: pass it as `after` to go on behind the last update received. */
  readonly cursor: string | undefined;
  /** What the answer held besides its errors. */
  readonly data: unknown;

  constructor(code: RequestErrorCode, message: string, options: RequestErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = code;
    this.code = code;
    this.retriable = CODES[code].retriable;
    this.errors = options.errors ?? [];
    this.path = this.errors[0]?.path;
    this.cursor = options.cursor;
    this.data = options.data;
  }

  /** The same error at another place; undefined: there is none. */
  at(cursor: string | undefined): RequestError {
    const { code, message, cause, errors, data } = this;
    return new RequestError(code, message, { cause, cursor, errors, data });
  }
}

export function isRequestError(error: unknown, code?: RequestErrorCode): error is RequestError {
  return error instanceof RequestError && (code === undefined || error.code === code);
}

/** @param errors of a GraphQL answer, at least one. */
export function requestErrorFrom(errors: readonly AnsweredError[], data?: unknown): RequestError {
  const [first] = errors;
  const { code, cursor } = first?.extensions ?? {};
  return new RequestError(isCode(code) ? code : 'UNKNOWN', first?.message ?? 'the answer has no data', {
    errors,
    data,
    cursor: typeof cursor === 'string' ? cursor : undefined,
  });
}

function isCode(code: unknown): code is RequestErrorCode {
  return typeof code === 'string' && Object.hasOwn(CODES, code);
}
