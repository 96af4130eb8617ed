import { isUtf8 } from 'node:buffer';
import { BusbarError, type ErrorCode, messageOf } from '../../../domain/errors.ts';

/**
 * What Data Miner 2 answers, in JSON:
 *
 *   {"links": [{"rel", "href"}…], "items": [{…}…], "searchSpecification": {…}, "totalRows": 325176}   a page
 *   [{…}…]                                        the rows alone, of a request with `download=true`
 *   {"errors": [{"field", "message", "detail": ["…"]}]}                                               a refusal
 *   {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 12 seconds."}                of the gateway before it
 */
export interface Page {
  readonly items: readonly unknown[];
  /** By `rel`: `self`, `metadata`, `next` where there is more. */
  readonly links: ReadonlyMap<string, string>;
  /** Of all pages; undefined where the page does not say. */
  readonly totalRows: number | undefined;
}

/**
 * The JSON texts of a payload: one page, or several behind one another.
 * @throws BusbarError `MALFORMED` where there is none, `SOURCE_FAILED` for an HTML page.
 */
export function pageTexts(bytes: Buffer): readonly string[] {
  if (!isUtf8(bytes)) throw malformed('the payload is not UTF-8 text');
  const text = bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trim();
  if (text === '') throw malformed('the payload is empty');
  if (text.startsWith('<'))
    throw new BusbarError('SOURCE_FAILED', 'PJM answered with a page of HTML or XML, not with JSON');
  return jsonTexts(text);
}

/** @throws BusbarError what `errorIn` says; `MALFORMED` for what is no page. */
export function pageFrom(text: string): Page {
  const json = parsed(text);
  if (Array.isArray(json)) return { items: json, links: new Map(), totalRows: undefined };
  if (!isObject(json)) throw malformed('the payload is JSON, but no page of rows');
  const error = errorIn(json);
  if (error) throw error;
  if (!Array.isArray(json.items)) throw malformed('the payload has no "items": it is no page of rows');
  const { totalRows } = json;
  return {
    items: json.items,
    links: linksOf(json.links),
    totalRows: typeof totalRows === 'number' ? totalRows : undefined,
  };
}

/** What PJM or its gateway says to be wrong, in their own words; undefined where the body says nothing of the kind. */
function errorIn(json: unknown): BusbarError | undefined {
  if (!isObject(json)) return undefined;
  if (Array.isArray(json.errors))
    return new BusbarError('SOURCE_REFUSED', `PJM refuses: ${json.errors.map(refusalText).join('; ')}`);
  const { statusCode, message } = json;
  if (typeof statusCode !== 'number') return undefined;
  return new BusbarError(codeOf(statusCode, String(message)), `PJM says ${statusCode}: ${String(message)}`);
}

/** The same of text that may be cut off or no JSON at all. */
export function errorInText(text: string): BusbarError | undefined {
  try {
    return errorIn(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The gateway answers 403 where the calls of a day or month are used up. */
function codeOf(status: number, message: string): ErrorCode {
  if (status === 429 || (status === 403 && /quota/i.test(message))) return 'THROTTLED';
  return status >= 500 ? 'SOURCE_FAILED' : 'SOURCE_REFUSED';
}

function refusalText(error: unknown): string {
  if (!isObject(error)) return String(error);
  const detail = Array.isArray(error.detail) && error.detail.length > 0 ? ` (${error.detail.join(', ')})` : '';
  return `${String(error.field)}: ${String(error.message)}${detail}`;
}

function linksOf(links: unknown): ReadonlyMap<string, string> {
  const pairs = (Array.isArray(links) ? links : []).flatMap((link): [string, string][] =>
    isObject(link) && typeof link.rel === 'string' && typeof link.href === 'string' ? [[link.rel, link.href]] : [],
  );
  return new Map(pairs);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(`the payload is no JSON, or cut off: ${messageOf(error)}`);
  }
}

/** Data Miner writes a page in one line, so pages behind one another are lines; of a file that was laid out anew they are not. */
function jsonTexts(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.every((line) => /^[{[].*[}\]]$/.test(line)) ? lines : scannedTexts(text);
}

/** Splits where a bracket closes that no other one encloses. What is left over at the end is a text too, and a broken one. */
function scannedTexts(text: string): readonly string[] {
  const texts: string[] = [];
  let depth = 0;
  let from = 0;
  for (const { 0: mark, index } of text.matchAll(BRACKET_OR_STRING)) {
    if (mark.length > 1) continue;
    depth += mark === '{' || mark === '[' ? 1 : -1;
    if (depth > 0) continue;
    texts.push(text.slice(from, index + 1));
    from = index + 1;
  }
  const rest = text.slice(from).trim();
  return rest === '' ? texts : [...texts, rest];
}

/** A string is taken whole, since what it holds counts for nothing. */
const BRACKET_OR_STRING = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]/gs;

function malformed(message: string): BusbarError {
  return new BusbarError('MALFORMED', message);
}
