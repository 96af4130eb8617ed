import type { IncomingMessage } from 'node:http';
import type { Rights } from '../../domain/rights.ts';
import { callerOf } from '../caller.ts';
import type { OperationReference, PersistedOperations } from './persisted-operations.ts';

/**
 * Puts the text of an operation in the place of its hash, so that whoever reads the request then finds it as if it had come so.
 * @returns the body. Of a GET the address is changed.
 * @throws BusbarError `PERSISTED_QUERY_NOT_FOUND`, `BAD_USER_INPUT`.
 */
export function resolvedRequest(request: IncomingMessage, body: string, persisted: PersistedOperations): string {
  const { rights } = callerOf(request).identity;
  if (request.method === 'GET') request.url = resolvedUrl(request.url ?? '', persisted, rights);
  return request.method === 'POST' && NAMES_HASH.test(body) ? resolvedBody(body, persisted, rights) : body;
}

/** Most requests name none: then nothing is read twice. */
const NAMES_HASH = /persistedQuery|documentId/;

function resolvedBody(body: string, persisted: PersistedOperations, rights: Rights): string {
  const asked = jsonFrom(body);
  const text = asked && persisted.textOf(asked, rights);
  if (text === undefined) return body;
  const { documentId: _, ...others } = asked ?? {};
  return JSON.stringify({ ...others, query: text });
}

function resolvedUrl(url: string, persisted: PersistedOperations, rights: Rights): string {
  const start = url.indexOf('?');
  if (start < 0 || !NAMES_HASH.test(url)) return url;
  const parameters = new URLSearchParams(url.slice(start));
  const extensions = jsonFrom(parameters.get('extensions') ?? '');
  const documentId = parameters.get('documentId') ?? undefined;
  const text = persisted.textOf({ query: parameters.get('query') ?? '', documentId, extensions }, rights);
  if (text === undefined) return url;
  parameters.delete('documentId');
  parameters.set('query', text);
  return `${url.slice(0, start)}?${parameters}`;
}

/** What is no object is somebody else's to refuse. */
function jsonFrom(text: string): OperationReference | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
