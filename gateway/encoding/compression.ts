import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { acceptedCoding, type Coding } from './preferences.ts';

/** What is shorter fits a packet as it is. */
const COMPRESSED_BYTES_MIN = 1_024;
/** What brotli does quickly: a megabyte of prices to a fifth in 15 ms, where the best takes seconds. */
const BROTLI = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT },
};
const GZIP = { level: 4 };

/** How a body of so many bytes is best sent to who asks so; undefined: as it is. */
export function codingFor(bytes: number, headers: IncomingHttpHeaders): Coding | undefined {
  return isWorthwhile(bytes) ? acceptedCoding(headers) : undefined;
}

export function isWorthwhile(bytes: number): boolean {
  return bytes >= COMPRESSED_BYTES_MIN;
}

/** On a thread of its own: the loop turns meanwhile. */
export function compress(plain: Buffer, coding: Coding): Promise<Buffer> {
  return coding === 'br' ? promisify(brotliCompress)(plain, BROTLI) : promisify(gzip)(plain, GZIP);
}
