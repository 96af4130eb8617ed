import { XMLParser } from 'fast-xml-parser';
import { BusbarError, type ErrorCode, messageOf } from '../../../domain/errors.ts';
import { parseInstant } from '../../../domain/instant.ts';

/**
 * What OASIS says in XML. Errors come with HTTP 200, as a document in a zip or bare:
 *
 *   <m:OASISReport><m:MessageHeader><m:TimeDate>2023-11-16T18:39:53.815Z</m:TimeDate>…</m:MessageHeader>
 *     <m:MessagePayload><m:RTO>…<m:ERROR><m:ERR_CODE>1000</m:ERR_CODE><m:ERR_DESC>…</m:ERR_DESC></m:ERROR>
 *
 * with or without the prefix. Throttling can arrive as an HTML page, with HTTP 200 too.
 */
export type BodyKind = 'html' | 'xml' | 'other';

const ERROR_DOCUMENT_BYTES_MAX = 1024 * 1024;

/** Codes that mean something other than "this request is wrong". */
const ERROR_CODES: Readonly<Record<string, ErrorCode>> = {
  1000: 'NO_DATA',
  1001: 'NO_DATA',
  1003: 'SOURCE_FAILED',
  1015: 'SOURCE_FAILED',
};

const parser = new XMLParser({ removeNSPrefix: true, parseTagValue: false, ignoreAttributes: true });

export function bodyKind(bytes: Buffer): BodyKind {
  const start = headOf(bytes).trimStart().toLowerCase();
  if (/^<!doctype html|^<html/.test(start)) return 'html';
  return start.startsWith('<') ? 'xml' : 'other';
}

export function throttledByPage(): BusbarError {
  return new BusbarError('THROTTLED', 'OASIS answered with an HTML page, as it does when it is asked too often');
}

/**
 * Reads an XML answer, which is an error in one way or another: data is asked for as CSV.
 * @returns `NO_DATA`, `SOURCE_FAILED` (retriable) or `SOURCE_REFUSED` as OASIS' code says, with `details.oasisCode`;
 *   `MALFORMED` where the document is unreadable or is no error document.
 */
export function errorFromXml(bytes: Buffer): BusbarError {
  if (bytes.length > ERROR_DOCUMENT_BYTES_MAX) return notAnError();
  const found = oasisErrorIn(bytes);
  if (found instanceof BusbarError) return found;
  if (!found) return notAnError();
  const code = ERROR_CODES[found.code] ?? 'SOURCE_REFUSED';
  return new BusbarError(code, `OASIS says ${found.code}: ${found.description}`, {
    details: { oasisCode: found.code },
  });
}

/** The instant the document was made, where it says so in its header. */
export function timeDateOf(bytes: Buffer): number | undefined {
  const text = /<(?:\w+:)?TimeDate>\s*([^<\s]+)\s*</.exec(headOf(bytes))?.[1];
  return text === undefined ? undefined : parseInstant(text);
}

interface OasisError {
  readonly code: string;
  readonly description: string;
}

function oasisErrorIn(bytes: Buffer): OasisError | BusbarError | undefined {
  let document: unknown;
  try {
    document = parser.parse(bytes.toString('utf8'), true);
  } catch (error) {
    return new BusbarError('MALFORMED', `the XML cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const error = childOf(document, 'OASISReport', 'MessagePayload', 'RTO', 'ERROR');
  const first: unknown = Array.isArray(error) ? error[0] : error;
  const code = childOf(first, 'ERR_CODE');
  if (typeof code !== 'string' || !/^\d+$/.test(code)) return undefined;
  const description = childOf(first, 'ERR_DESC');
  return { code, description: typeof description === 'string' ? description : '' };
}

function childOf(node: unknown, ...path: readonly string[]): unknown {
  let at = node;
  for (const name of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Object.entries(at).find(([key]) => key === name)?.[1];
  }
  return at;
}

function notAnError(): BusbarError {
  return new BusbarError('MALFORMED', 'the answer is XML data, which is not read: ask with resultformat=6 for CSV');
}

function headOf(bytes: Buffer): string {
  return bytes
    .subarray(0, 2048)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
}
