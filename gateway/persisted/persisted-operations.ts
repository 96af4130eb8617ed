import { getOperationAST, parse } from 'graphql';
import type { Logger } from 'pino';
import { BusbarError } from '../../domain/errors.ts';
import { may, type Rights } from '../../domain/rights.ts';
import type { CoreConfig } from '../../runtime/config.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import { TextCache } from '../limits/text-cache.ts';
import { type KnownOperations, NO_OPERATIONS_KNOWN, sha256Of } from './manifest.ts';

/** What a request says of its operation: a text, the hash of one, or both. */
export interface OperationReference {
  readonly query?: unknown;
  /** As GraphQL over HTTP has it: `sha256:<hash>`, or the hash alone. */
  readonly documentId?: unknown;
  /** With `persistedQuery` as Apollo's clients send it. */
  readonly extensions?: unknown;
}

/**
 * Operations by their hashes, and whether one may be executed at all. Who asks for one by hash has no more rights, and no less, than
 * who sends its text.
 */
export interface PersistedOperations {
  /**
   * The text that is meant; undefined where no hash is named, and the text is what it is. A text that comes with its hash, from
   * somebody who may execute it, can be asked for by the hash from then on, until others have taken its place.
   * @throws BusbarError `PERSISTED_QUERY_NOT_FOUND`, to which clients answer with the text; `BAD_USER_INPUT`.
   */
  textOf(reference: OperationReference, rights: Rights): string | undefined;
  /** Whether a text may be executed. */
  admits(text: string, rights: Rights): boolean;
  /** Notes that a text was let through, once for each time: where it is not known, this says so in the log. */
  letThrough(text: string): void;
}

export type PersistedStage = CoreConfig['PERSISTED'];

interface PersistedOptions {
  readonly stage: PersistedStage;
  readonly known?: KnownOperations;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Of texts that clients have brought. */
const CHARACTERS_MAX = 4_000_000;
const LENGTH_MAX = 65_536;
/** Unknown operations are logged once each, as far as they are remembered. */
const TOLD_MAX = 1_000;

export function createPersistedOperations(options: PersistedOptions): PersistedOperations {
  const { stage, known = NO_OPERATIONS_KNOWN, log, metrics } = options;
  const brought = new TextCache<string>(CHARACTERS_MAX, LENGTH_MAX);
  const told = new Set<string>();

  const tell = (text: string) => {
    const sha256 = sha256Of(text);
    metrics.unknownOperations.inc();
    if (told.has(sha256) || told.size >= TOLD_MAX) return;
    told.add(sha256);
    log.warn({ sha256, operation: nameOf(text) }, 'unknown operation');
  };

  const mayExecute = (text: string, rights: Rights) =>
    stage === 'allow' ||
    stage === 'log' ||
    (stage === 'known-for-most' && may(rights, 'ADMINISTER')) ||
    known.has(text);

  return {
    textOf(reference, rights) {
      const hash = hashOf(reference);
      if (hash === undefined) return undefined;
      const { query } = reference;
      if (typeof query !== 'string' || query === '') {
        const text = known.textOf(hash) ?? brought.get(hash);
        if (text === undefined) throw new BusbarError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
        return text;
      }
      if (sha256Of(query) !== hash) throw new BusbarError('BAD_USER_INPUT', 'the hash is not that of the text');
      if (mayExecute(query, rights)) brought.set(hash, query, query.length);
      return query;
    },
    admits: mayExecute,
    letThrough(text) {
      if (stage === 'log' && !known.has(text)) tell(text);
    },
  };
}

/** @throws BusbarError `FORBIDDEN` */
export function requireKnown(persisted: PersistedOperations, text: string, rights: Rights): void {
  if (persisted.admits(text, rights)) return;
  const message = 'only operations that were registered are executed here: register this one first';
  throw new BusbarError('FORBIDDEN', message, { details: { sha256: sha256Of(text) } });
}

const HASH = /^(?:sha256:)?([0-9a-f]{64})$/;

/** @throws BusbarError `BAD_USER_INPUT` where something is named that is no hash. */
function hashOf({ documentId, extensions }: OperationReference): string | undefined {
  const named = documentId ?? apolloHash(extensions);
  if (named === undefined || named === null) return undefined;
  const hash = typeof named === 'string' ? HASH.exec(named)?.[1] : undefined;
  if (hash === undefined)
    throw new BusbarError('BAD_USER_INPUT', 'an operation is named by its SHA-256, in lower case');
  return hash;
}

function apolloHash(extensions: unknown): unknown {
  const persisted = fieldOf(extensions, 'persistedQuery');
  if (persisted === undefined || persisted === null) return undefined;
  if (fieldOf(persisted, 'version') !== 1) {
    throw new BusbarError('BAD_USER_INPUT', 'there is version 1 of persisted queries');
  }
  return fieldOf(persisted, 'sha256Hash') ?? '';
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** For people; what it does is behind its hash. */
function nameOf(text: string): string | undefined {
  try {
    return getOperationAST(parse(text, { maxTokens: NAMED_TOKENS_MAX }))?.name?.value;
  } catch {
    return undefined;
  }
}

const NAMED_TOKENS_MAX = 10_000;
