import { type DocumentNode, GraphQLError, type ParseOptions, parse, type Source } from 'graphql';
import { BusbarError } from '../../domain/errors.ts';
import { may, type Rights } from '../../domain/rights.ts';
import {
  beyondDepth,
  beyondTokens,
  type DocumentShape,
  requireShape,
  requireShort,
  shapeOf,
} from './document-shape.ts';
import type { DocumentLimits, Introspection } from './request-limits.ts';

const shapes = new WeakMap<DocumentNode, DocumentShape>();

/**
 * Reads a text as far as it may go.
 * @throws BusbarError `LIMIT_EXCEEDED`; GraphQLError where it is no document.
 */
export function parseBounded(text: string | Source, limits: DocumentLimits, options: ParseOptions = {}): DocumentNode {
  requireShort(typeof text === 'string' ? text : text.body, limits);
  try {
    const document = parse(text, { ...options, maxTokens: limits.tokens });
    const shape = shapeOf(document, limits.fields);
    requireShape(shape, limits);
    shapes.set(document, shape);
    return document;
  } catch (error) {
    // Of parentheses in parentheses, the parser and we run out of stack.
    if (error instanceof RangeError) throw beyondDepth(limits);
    if (error instanceof GraphQLError && TOO_MANY_TOKENS.test(error.message)) throw beyondTokens(limits);
    throw error;
  }
}

/** The parser has no code for it; the test of the limit notices where it says it in other words. */
const TOO_MANY_TOKENS = /Document contains more tha[nt] \d+ tokens/;

/** @throws BusbarError `FORBIDDEN` where a document asks what the schema has, and its sender may not know. */
export function requireIntrospection(document: DocumentNode, rights: Rights, introspection: Introspection): void {
  if (!shapes.get(document)?.introspects || mayIntrospect(rights, introspection)) return;
  throw new BusbarError('FORBIDDEN', 'what the schema has is not told to you: ask without `__schema` and `__type`');
}

export function mayIntrospect(rights: Rights, introspection: Introspection): boolean {
  if (introspection === 'analysts') return may(rights, 'ANALYSIS');
  if (introspection === 'admins') return may(rights, 'ADMINISTER');
  return introspection === 'all';
}
