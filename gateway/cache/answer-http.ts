import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';

/**
 * Sends an answer in the best encoding that is accepted, with a strong validator: `304` to a GET that has it already. Clients may
 * keep it but have to ask each time, since corrections come for any day.
 */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  mediaType: MediaType,
): Promise<void> {
  response.appendHeader('vary', ANSWERS_VARY_BY);
  const { status, headers, body } = await writtenAnswer(request, answer, mediaType);
  response.writeHead(status, headers).end(body);
}

/** What the same question may be answered by otherwise. */
export const ANSWERS_VARY_BY = 'Accept, Accept-Encoding';

export interface WrittenAnswer {
  readonly status: 200 | 304;
  /** All but `vary`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: there is none. */
  readonly body: Buffer | undefined;
}

/** An answer as `request` accepts it. */
export async function writtenAnswer(
  request: IncomingMessage,
  answer: Answer,
  mediaType: MediaType,
): Promise<WrittenAnswer> {
  const coding = answer.codingFor(request.headers);
  const isGet = request.method === 'GET';
  // To a POST, which cannot ask by it, it is told where it is known: then what is kept is known to be the same elsewhere.
  const tag = isGet ? answer.tagged() : answer.tag;
  const validator = tag && `"${tag}.${SHORT[mediaType]}.${coding ?? 'identity'}"`;
  const headers = validator ? { 'cache-control': 'private, no-cache', etag: validator } : {};
  // A POST that names what it has would have to be refused with 412, which helps nobody: it is answered.
  if (isGet && validator && names(request.headers['if-none-match'], validator))
    return { status: 304, headers, body: undefined };
  const body = await answer.in(coding);
  return {
    status: 200,
    headers: {
      ...headers,
      'content-type': `${mediaType}; charset=utf-8`,
      'content-length': String(body.length),
      ...(coding && { 'content-encoding': coding }),
    },
    body,
  };
}

const SHORT = {
  'application/graphql-response+json': 'graphql',
  'application/json': 'json',
  'text/html': 'html',
} as const;

export type MediaType = keyof typeof SHORT;

export function isJsonType(mediaType: string): mediaType is Exclude<MediaType, 'text/html'> {
  return mediaType !== 'text/html' && Object.hasOwn(SHORT, mediaType);
}

/** A proxy that compresses makes a validator weak; what it stands for is the same. */
function names(header: string | undefined, validator: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((each) => [validator, '*'].includes(each.trim().replace(/^W\//, '')));
}
