import type { IncomingMessage } from 'node:http';
import { type ExecutionResult, type GraphQLError, Kind } from 'graphql';
import { isBusbarError } from '../../domain/errors.ts';
import type { Actor } from '../../prisma/operations/audit.ts';
import { DENIALS } from '../../schema/auditing-mutations.ts';
import { addressOf, type Caller, callerOf } from '../caller.ts';
import { originOf } from '../errors.ts';
import type { Denials } from './denials.ts';

/** Whoever asks, as the audit log names them. */
export function actorOf({ identity, address }: Caller, via: 'graphql' | 'export'): Actor {
  return { name: identity.name, subject: identity.subject, address, via };
}

/** Notes what was denied to whoever sent a request, on each of the ways in. */
export interface DenialNotes {
  /** Without a credential that is good. */
  unknown(request: IncomingMessage, error: unknown): void;
  /** @param request of HTTP, or the one that opened the socket. */
  among(errors: readonly GraphQLError[] | undefined, request: IncomingMessage): void;
}

export function createDenialNotes(denials: Denials | undefined): DenialNotes {
  return {
    unknown(request, error) {
      if (!isBusbarError(error, 'UNAUTHENTICATED')) return;
      denials?.note({ name: 'unknown', address: addressOf(request), via: 'graphql' }, [], error.message);
    },
    among(errors, request) {
      const denied = denials && errors?.filter(isDenial);
      if (!denied || denied.length === 0) return;
      const reasons = distinct(denied.map(({ message }) => message));
      denials.note(actorOf(callerOf(request), 'graphql'), distinct(denied.flatMap(fieldOf)), reasons.join('; '));
    },
  };
}

/** Of one request. */
const THINGS_MAX = 20;

function distinct(texts: readonly string[]): readonly string[] {
  const all = [...new Set(texts)];
  if (all.length <= THINGS_MAX) return all;
  return [...all.slice(0, THINGS_MAX), `… and ${all.length - THINGS_MAX} more`];
}

/** As the schema calls it: what whoever asks calls it may say anything. */
function fieldOf({ nodes = [] }: GraphQLError): string[] {
  const [node] = nodes;
  return node?.kind === Kind.FIELD ? [node.name.value] : [];
}

function isDenial(error: GraphQLError): boolean {
  const origin = originOf(error);
  // What was masked has its code still, and its origin no more.
  return DENIALS.has(isBusbarError(origin) ? origin.code : error.extensions.code);
}

/** Of an answer that is no stream. */
export function errorsIn(result: ExecutionResult | AsyncIterable<unknown>): readonly GraphQLError[] | undefined {
  return Symbol.asyncIterator in result ? undefined : result.errors;
}
