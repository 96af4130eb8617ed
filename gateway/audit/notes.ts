import type { IncomingMessage } from 'node:http';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { isBusbarError, messageOf } from '../../domain/errors.ts';
import type { Actor } from '../../prisma/operations/audit.ts';
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
      const asked = new Set(denied.map(({ path }) => path?.filter((step) => typeof step === 'string').join('.') ?? ''));
      denials.note(actorOf(callerOf(request), 'graphql'), [...asked].slice(0, FIELDS_MAX), messageOf(denied[0]));
    },
  };
}

/** Of one request. */
const FIELDS_MAX = 20;

function isDenial(error: GraphQLError): boolean {
  return error.extensions.code === 'FORBIDDEN' || isBusbarError(originOf(error), 'FORBIDDEN');
}

/** Of an answer that is no stream. */
export function errorsIn(result: ExecutionResult | AsyncIterable<unknown>): readonly GraphQLError[] | undefined {
  return Symbol.asyncIterator in result ? undefined : result.errors;
}
