import { z } from 'zod';

const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** What one request may ask for, and how much of it one caller. */
export const LIMIT_SETTINGS = {
  BODY_BYTES_MAX: whole(1_024, 64 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('Longest body of a GraphQL request. Bytes.'),
  BODY_BYTES_PER_IDENTITY: whole(1_024, 64 * 1024 * 1024 * 1024)
    .default(32 * 1024 * 1024)
    .describe(
      'Most bytes in the bodies of one API key or user whose GraphQL requests are under way at one gateway, two of the longest at least; not while it is open to everybody.',
    ),
  QUERY_CHARACTERS_MAX: whole(1_000, 16_000_000)
    .default(250_000)
    .describe('Most characters of a GraphQL document, in as many lines as it may have tokens.'),
  QUERY_TOKENS_MAX: whole(100, 1_000_000)
    .default(10_000)
    .describe('Most tokens (names, punctuation, values) of a GraphQL document.'),
  QUERY_DEPTH_MAX: whole(3, 100)
    .default(12)
    .describe('Deepest field of a GraphQL document; introspection may have 20 whatever this says.'),
  QUERY_FIELDS_MAX: whole(10, 100_000)
    .default(1_000)
    .describe('Most fields of a GraphQL operation, those of a fragment counted each time it is used.'),
  QUERY_ALIASES_MAX: whole(1, 100_000)
    .default(200)
    .describe('Most aliases of a GraphQL operation, those of a fragment counted each time it is used.'),
  SUBSCRIPTION_CHARACTERS_MAX: whole(1_024, 16_000_000)
    .default(64 * 1024)
    .describe(
      'Most characters that a subscription may come with, its document and variables, which are kept as long as it lives.',
    ),
  SUBSCRIPTION_BYTES_PER_IDENTITY: whole(1_024, 64 * 1024 * 1024 * 1024)
    .default(64 * 1024 * 1024)
    .describe(
      'Most bytes that the subscriptions of one API key or user keep of their documents and variables at one gateway, some 430 kB where 1,000 nodes are named in the document, 50 kB in a variable; not while it is open to everybody.',
    ),
  COST_MAX: whole(1_000, 1_000_000_000)
    .default(3_000_000)
    .describe(
      'Most that one GraphQL operation may cost, told from its arguments before it runs: rows and points it may answer with, rows of nested lists for each row above them, and a tenth of what is only counted.',
    ),
  EXPORT_ROWS_MAX: whole(1_000, 10_000_000_000)
    .default(100_000_000)
    .describe(
      'Most rows an export may ask for, where nodes, run and range tell how many there are. Others end in time.',
    ),
  EXECUTION_SECONDS_MAX: whole(1, 600)
    .default(30)
    .describe('How long a GraphQL query may take; the store cancels each of its statements after as long. Seconds.'),
  RATE_PER_MINUTE: whole(0, 100_000_000)
    .optional()
    .describe(
      'Points that one identity may spend in a minute, at all gateways that share REDIS_URL: 1 an operation, and 1 more for each 1,000 of its cost; an export is 1, whatever its size. 0: as many as it likes. Not set: 6,000, and 0 while AUTH is open, where identities are addresses.',
    ),
  INTROSPECTION: z
    .enum(['all', 'analysts', 'admins', 'none'])
    .default('analysts')
    .describe(
      'Who may ask what the schema has, and gets GraphiQL: all, analysts and whoever may do more, admins, or none. While AUTH is open everybody is an admin.',
    ),
  PERSISTED: z
    .enum(['allow', 'log', 'known-for-most', 'only-known'])
    .default('allow')
    .describe(
      'Which operations are executed: allow, all; log, all, and those not in PERSISTED_FILE are logged; known-for-most, of those who are no admins only what the file has; only-known, of everybody.',
    ),
  PERSISTED_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File of known operations, JSON of SHA-256 to text, as `npm run codegen:client` writes client/generated/persisted-documents.json.',
    ),
};

interface Given {
  readonly PERSISTED?: string | undefined;
  readonly PERSISTED_FILE?: string | undefined;
}

/** What each setting by itself cannot tell. */
export function limitProblems({ PERSISTED: stage, PERSISTED_FILE: file }: Given): string[] {
  return stage === 'allow' || file ? [] : [`PERSISTED: ${stage} needs PERSISTED_FILE, without which nothing is known`];
}
