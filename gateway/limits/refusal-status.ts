import type { GraphQLError } from 'graphql';

/** Statuses of what is refused before it is executed; any other has the one of GraphQL over HTTP. */
const STATUS: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  RATE_LIMITED: 429,
  // Apollo's clients ask again with the text.
  PERSISTED_QUERY_NOT_FOUND: 200,
  UNAVAILABLE: 503,
};

export interface Refusal {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export function statusOf({ code, details }: Refusal): number {
  if (details.limit === 'bodyBytes') return 413;
  if (details.limit === 'executionSeconds') return 200;
  return STATUS[code] ?? 400;
}

/** Headers that say when to ask again. */
export function retryHeaders({ details }: Refusal): Readonly<Record<string, string>> {
  const { retryAfterSeconds } = details;
  return typeof retryAfterSeconds === 'number' ? { 'retry-after': String(retryAfterSeconds) } : {};
}

/** Notes the status on an error as the HTTP layer reads it, in its place. */
export function withStatus(error: GraphQLError): GraphQLError {
  const { code, http, ...details } = error.extensions;
  // Of an answer that has data, a part is missing: its status stays as it is.
  if (error.path || http || typeof code !== 'string' || !SETTLED.has(code)) return error;
  const refusal = { code, details };
  const isOfGraphql = code === 'LIMIT_EXCEEDED';
  error.extensions.http = {
    status: statusOf(refusal),
    headers: retryHeaders(refusal),
    // By the older media type, such answers are 200.
    ...(isOfGraphql && { spec: true }),
  };
  return error;
}

const SETTLED: ReadonlySet<string> = new Set(['LIMIT_EXCEEDED', 'FORBIDDEN', 'RATE_LIMITED']);
