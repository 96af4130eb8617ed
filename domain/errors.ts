/**
 * Every error Busbar raises on purpose, in one table.
 *
 * - `exposed`: the message may be shown to a client; otherwise it is masked and logged.
 * - `retriable`: trying the same thing again later can succeed.
 *
 * The codes in capitals of the GraphQL contract appear as `extensions.code`.
 */
const ERRORS = {
  BAD_USER_INPUT: { exposed: true, retriable: false },
  UNAUTHENTICATED: { exposed: true, retriable: false },
  FORBIDDEN: { exposed: true, retriable: false },
  NOT_FOUND: { exposed: true, retriable: false },
  LIMIT_EXCEEDED: { exposed: true, retriable: false },
  RATE_LIMITED: { exposed: true, retriable: true },
  /** The hash of an operation that nobody has brought yet: asking again with its text helps. */
  PERSISTED_QUERY_NOT_FOUND: { exposed: true, retriable: true },
  CURSOR_EXPIRED: { exposed: true, retriable: false },
  UNAVAILABLE: { exposed: true, retriable: true },
  /** The configuration is wrong; the process ends with exit code 2. */
  CONFIG_INVALID: { exposed: false, retriable: false },
  /** Another process has taken over the (feed, partition); what this one holds may not be committed. */
  FENCED: { exposed: false, retriable: true },
  /** A source says in its own words that there is nothing for the request. Not a failure. */
  NO_DATA: { exposed: false, retriable: false },
  /** A source asks us to slow down. */
  THROTTLED: { exposed: false, retriable: true },
  /** A source refuses the request for good: another try would get the same answer. */
  SOURCE_REFUSED: { exposed: false, retriable: false },
  /** A source failed or could not be reached. */
  SOURCE_FAILED: { exposed: false, retriable: true },
  /** A source's answer is not in the format it promises. */
  MALFORMED: { exposed: false, retriable: false },
} as const;

export type ErrorCode = keyof typeof ERRORS;

export class BusbarError extends Error {
  readonly code: ErrorCode;
  readonly exposed: boolean;
  readonly retriable: boolean;
  /** Machine-readable facts a client may act on, for instance the cursor to resume from. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = code;
    this.code = code;
    this.exposed = ERRORS[code].exposed;
    this.retriable = ERRORS[code].retriable;
    this.details = options.details ?? {};
  }
}

export function isBusbarError(error: unknown, code?: ErrorCode): error is BusbarError {
  return error instanceof BusbarError && (code === undefined || error.code === code);
}

/**
 * The message of anything that was thrown; never empty, never throws. Node reports a refused connection to a host of
 * several addresses as an AggregateError whose own message is empty: its parts say what happened.
 */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '' && error.errors.length > 0) {
    return error.errors.map(messageOf).join('; ');
  }
  if (error instanceof Error) return error.message || error.name;
  // An object without a prototype cannot become a string by itself.
  return typeof error === 'object' && error !== null ? Object.prototype.toString.call(error) : String(error);
}
