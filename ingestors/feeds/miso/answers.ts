import { BusbarError } from '../../../domain/errors.ts';

/**
 * What MISO says instead of data, judged by the body, for an answer and for a file alike.
 *
 *   {"status":404,"reason":"Empty data returned for date"}                     pricing API: nothing there
 *   {"statusCode":401,"message":"Access denied due to missing subscription key…"}   its front door
 *   {"statusCode":429,"message":"Rate limit is exceeded. Try again in 5 seconds."}
 *
 * The first is also what the pricing API says of a request that it misunderstands, as of an hour with a leading zero. This feed
 * names no hours, so that of its own requests it is taken at its word.
 */
export function errorInDocument(document: unknown): BusbarError | undefined {
  if (typeof document !== 'object' || document === null || 'data' in document) return undefined;
  const status = numberAt(document, 'status') ?? numberAt(document, 'statusCode');
  if (status === undefined) return undefined;
  const said = textAt(document, 'reason') ?? textAt(document, 'message') ?? '';
  const message = `MISO says ${status}: ${said.slice(0, 300)}`;
  if (status === 404 && /empty data/i.test(said)) return new BusbarError('NO_DATA', message);
  if (status === 429) return new BusbarError('THROTTLED', message);
  return new BusbarError(status >= 500 ? 'SOURCE_FAILED' : 'SOURCE_REFUSED', message);
}

/** A missing file is kept as no bytes at all: MISO's page for it says nothing more. */
export function missingFile(): BusbarError {
  return new BusbarError('NO_DATA', 'MISO has no such file, or not yet');
}

/** A page or an error in XML. */
export function isMarkup(bytes: Buffer): boolean {
  return /^\s*</.test(headOf(bytes));
}

export function failedByPage(): BusbarError {
  return new BusbarError('SOURCE_FAILED', 'MISO answered with a page instead of data');
}

export function isJson(bytes: Buffer): boolean {
  return /^\s*[[{]/.test(headOf(bytes));
}

function headOf(bytes: Buffer): string {
  return bytes
    .subarray(0, 1024)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
}

function numberAt(document: object, key: string): number | undefined {
  const value: unknown = Object.entries(document).find(([name]) => name === key)?.[1];
  return typeof value === 'number' ? value : undefined;
}

function textAt(document: object, key: string): string | undefined {
  const value: unknown = Object.entries(document).find(([name]) => name === key)?.[1];
  return typeof value === 'string' ? value : undefined;
}
