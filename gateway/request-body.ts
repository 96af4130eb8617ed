import type { IncomingMessage } from 'node:http';
import { beyondLimit } from './limits/beyond-limit.ts';
import type { CountPiece } from './limits/body-share.ts';

/**
 * The body as text. Where it is longer than allowed, the rest is not read, and the connection is of no further use.
 * @throws BusbarError `LIMIT_EXCEEDED`, and what the count throws.
 */
export async function readBody(request: IncomingMessage, bytesMax: number, count: CountPiece): Promise<string> {
  const told = Number(request.headers['content-length'] ?? 0);
  if (told > bytesMax) throw tooLong(bytesMax, told);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a request without an encoding is read as bytes');
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLong(bytesMax, undefined);
    count(chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * What was read, as yoga takes it. Of a string or of bytes it would first list the keys, which are as many as there are characters: for a
 * megabyte, half a second in which nobody else is answered.
 */
export function bodyOf(text: string): AsyncIterable<Buffer> & { readonly text: string } {
  return {
    // What has no key at all, yoga takes for a body that is still to be read.
    text,
    async *[Symbol.asyncIterator]() {
      yield Buffer.from(text);
    },
  };
}

function tooLong(bytesMax: number, told: number | undefined): Error {
  return beyondLimit('bodyBytes', bytesMax, told, 'ask in several requests');
}
