import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer, Encoding } from './answer.ts';

/**
 * Sends an answer in the best encoding that is accepted, with a strong validator where it has a tag: `304` to a GET that has it
 * already. Clients may keep it but have to ask each time, since corrections come for any day.
 */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  mediaType: string,
): Promise<void> {
  // What is sent once is not worth compressing, and is as the ordinary way would send it.
  const accepted = answer.tag === undefined ? AS_IT_IS : acceptedEncodings(request.headers['accept-encoding']);
  const encoding = answer.encodingOf(accepted);
  const validator = answer.tag === undefined ? undefined : `"${answer.tag}.${shortOf(mediaType)}.${encoding}"`;
  const headers =
    validator === undefined
      ? {}
      : { 'cache-control': 'private, no-cache', vary: 'Accept, Accept-Encoding', etag: validator };
  // A POST that names what it has would have to be refused with 412, which helps nobody: it is answered.
  if (request.method === 'GET' && validator !== undefined && names(request.headers['if-none-match'], validator)) {
    response.writeHead(304, headers).end();
    return;
  }
  const body = await answer.in(encoding);
  response.writeHead(200, {
    ...headers,
    'content-type': `${mediaType}; charset=utf-8`,
    'content-length': body.length,
    ...(encoding !== 'identity' && { 'content-encoding': encoding }),
  });
  response.end(body);
}

const AS_IT_IS: ReadonlySet<Encoding> = new Set(['identity']);

const ENCODINGS: readonly Encoding[] = ['br', 'gzip', 'identity'];

/** @param header `br;q=1.0, gzip;q=0.8, *;q=0.1`; without one nothing but the bytes themselves is taken for granted. */
export function acceptedEncodings(header: string | string[] | undefined): ReadonlySet<Encoding> {
  const accepted = new Set<Encoding>();
  const weights = new Map(
    String(header ?? '')
      .toLowerCase()
      .split(',')
      .map((each) => {
        const [name = '', ...parameters] = each.split(';').map((part) => part.trim());
        const weight = parameters.find((part) => part.startsWith('q='));
        return [name, weight === undefined ? 1 : Number(weight.slice(2))] as const;
      }),
  );
  for (const encoding of ENCODINGS) {
    if ((weights.get(encoding) ?? weights.get('*') ?? 0) > 0) accepted.add(encoding);
  }
  return accepted;
}

/** A proxy that compresses makes a validator weak; what it stands for is the same. */
function names(header: string | undefined, validator: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((each) => [validator, '*'].includes(each.trim().replace(/^W\//, '')));
}

function shortOf(mediaType: string): string {
  return mediaType === 'application/json' ? 'json' : 'graphql';
}
