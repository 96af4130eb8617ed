import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';

/**
 * Sends an answer in the best encoding that is accepted, with a strong validator where it has a tag: `304` to a GET that has it
 * already. Clients may keep it but have to ask each time, since corrections come for any day.
 */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  mediaType: MediaType,
): Promise<void> {
  const coding = answer.codingFor(request.headers);
  const validator = answer.tag && `"${answer.tag}.${SHORT[mediaType]}.${coding ?? 'identity'}"`;
  const headers = validator ? { 'cache-control': 'private, no-cache', etag: validator } : {};
  response.appendHeader('vary', 'Accept, Accept-Encoding');
  // A POST that names what it has would have to be refused with 412, which helps nobody: it is answered.
  if (request.method === 'GET' && validator && names(request.headers['if-none-match'], validator)) {
    response.writeHead(304, headers).end();
    return;
  }
  const body = await answer.in(coding);
  response.writeHead(200, {
    ...headers,
    'content-type': `${mediaType}; charset=utf-8`,
    'content-length': body.length,
    ...(coding && { 'content-encoding': coding }),
  });
  response.end(body);
}

const SHORT = {
  'application/graphql-response+json': 'graphql',
  'application/json': 'json',
  'text/html': 'html',
} as const;

type MediaType = keyof typeof SHORT;

/** A proxy that compresses makes a validator weak; what it stands for is the same. */
function names(header: string | undefined, validator: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((each) => [validator, '*'].includes(each.trim().replace(/^W\//, '')));
}
