import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';

/**
 * Sends an answer in the best encoding that is accepted, with a strong validator to a GET: `304` where it has that already. Clients may
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
  readonly status: number;
  /** All but `vary`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: there is none. */
  readonly body: Buffer | undefined;
}

/** Whether an answer comes with a validator. A POST cannot ask by one, and what was refused is to be asked again. */
export function isValidated({ method }: IncomingMessage, status: number): boolean {
  return method === 'GET' && status === 200;
}

/** An answer as `request` accepts it. */
export async function writtenAnswer(
  request: IncomingMessage,
  answer: Answer,
  mediaType: MediaType,
  status = 200,
): Promise<WrittenAnswer> {
  const coding = answer.codingFor(request.headers);
  const validator = isValidated(request, status)
    ? `"${answer.hash}.${SHORT[mediaType]}.${coding ?? 'identity'}"`
    : undefined;
  const headers = validator ? { 'cache-control': 'private, no-cache', etag: validator } : {};
  if (validator && names(request.headers['if-none-match'], validator)) return { status: 304, headers, body: undefined };
  const body = await answer.in(coding);
  return {
    status,
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
