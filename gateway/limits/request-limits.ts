import type { CoreConfig } from '../../runtime/config.ts';

/** What one request may ask for. */
export interface RequestLimits {
  /** Of the body, decoded. */
  readonly bodyBytesMax: number;
  /** Of the bodies of one identity whose requests are under way; never less than two of the longest. */
  readonly bodyBytesPerIdentity: number;
  readonly document: DocumentLimits;
  /** Of what a subscription comes with, its document and variables. */
  readonly subscriptionCharactersMax: number;
  /** Of what the subscriptions of one identity came with, and of their documents' trees. */
  readonly subscriptionBytesPerIdentity: number;
  /** See field-costs.ts for what costs how much. */
  readonly costMax: number;
  readonly executionMsMax: number;
  readonly introspection: Introspection;
}

/** Each of a whole document, or of one of its operations with all its fragments in their places. */
export interface DocumentLimits {
  readonly characters: number;
  /** The place of each error is found by counting them. */
  readonly lines: number;
  readonly tokens: number;
  /** Operations and fragments. */
  readonly definitions: number;
  readonly depth: number;
  readonly introspectionDepth: number;
  readonly fields: number;
  readonly rootFields: number;
  readonly aliases: number;
  readonly directives: number;
  /** Times that one place of the answer is selected: the rule of overlapping fields compares each with each. */
  readonly repeats: number;
}

export type Introspection = CoreConfig['INTROSPECTION'];

export const REQUEST_LIMITS: RequestLimits = {
  bodyBytesMax: 1024 * 1024,
  bodyBytesPerIdentity: 32 * 1024 * 1024,
  document: {
    characters: 250_000,
    lines: 10_000,
    tokens: 10_000,
    definitions: 200,
    depth: 12,
    // What GraphiQL asks is 15 deep.
    introspectionDepth: 20,
    fields: 1_000,
    rootFields: 100,
    aliases: 200,
    directives: 100,
    repeats: 50,
  },
  subscriptionCharactersMax: 64 * 1024,
  subscriptionBytesPerIdentity: 64 * 1024 * 1024,
  costMax: 3_000_000,
  executionMsMax: 30_000,
  introspection: 'analysts',
};

export function requestLimitsOf(core: CoreConfig): RequestLimits {
  return {
    bodyBytesMax: core.BODY_BYTES_MAX,
    bodyBytesPerIdentity: core.BODY_BYTES_PER_IDENTITY,
    document: {
      ...REQUEST_LIMITS.document,
      characters: core.QUERY_CHARACTERS_MAX,
      lines: core.QUERY_TOKENS_MAX,
      tokens: core.QUERY_TOKENS_MAX,
      depth: core.QUERY_DEPTH_MAX,
      fields: core.QUERY_FIELDS_MAX,
      aliases: core.QUERY_ALIASES_MAX,
      rootFields: Math.min(REQUEST_LIMITS.document.rootFields, core.QUERY_FIELDS_MAX),
    },
    subscriptionCharactersMax: core.SUBSCRIPTION_CHARACTERS_MAX,
    subscriptionBytesPerIdentity: core.SUBSCRIPTION_BYTES_PER_IDENTITY,
    costMax: core.COST_MAX,
    executionMsMax: core.EXECUTION_SECONDS_MAX * 1_000,
    introspection: core.INTROSPECTION,
  };
}
