import { BusbarError, messageOf } from '../../../domain/errors.ts';
import type { IsoneReport } from './reports.ts';

/**
 * What an answer holds, before its rows are read. In JSON:
 *
 *   {"HourlyLmps": {"HourlyLmp": [row, row, …]}}     or FiveMinLmps and FiveMinLmp
 *
 * The JSON is made from XML, so wherever there is one of something it may stand there without its array, and where there is
 * nothing stands "" or null. Errors come as HTML; without `Accept: application/json` the answer is XML.
 *
 * @throws BusbarError `NO_DATA` where there are no rows; `SOURCE_REFUSED` for a page that says 401 and `SOURCE_FAILED` for any
 *   other page, as of maintenance; `MALFORMED` for all else, with a cause where the bytes are damaged and not only strange.
 */
export function rowsIn(bytes: Buffer, report: IsoneReport): readonly unknown[] {
  const text = textOf(bytes);
  if (/^\s*</.test(text)) throw markupError(text);
  const rows = listOf(parsed(text)).flatMap((document) => rowsOf(document, report));
  if (rows.length === 0) throw new BusbarError('NO_DATA', `ISO-NE has no ${report.row} there`);
  return rows;
}

/** One thing stands for a list of one; "", null and nothing at all for an empty list. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null || value === '') return [];
  return Array.isArray(value) ? value : [value];
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function rowsOf(document: unknown, { list, row }: IsoneReport): readonly unknown[] {
  // A request for what is current is answered without the outer key.
  if (isRecord(document) && Object.hasOwn(document, row)) return listOf(document[row]);
  if (!isRecord(document) || !Object.hasOwn(document, list)) throw unexpected(list, document);
  return listOf(document[list]).flatMap((each) => {
    if (isRecord(each) && (Object.hasOwn(each, row) || Object.keys(each).length === 0)) return listOf(each[row]);
    throw unexpected(row, each);
  });
}

function unexpected(key: string, found: unknown): BusbarError {
  const what = isRecord(found) ? `the keys ${Object.keys(found).slice(0, 10).join(', ')}` : JSON.stringify(found);
  return new BusbarError('MALFORMED', `expected ${key}, found ${what.slice(0, 200)}`);
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new BusbarError('MALFORMED', 'the answer is not UTF-8', { cause });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BusbarError('MALFORMED', `the answer is not JSON, or is cut off: ${messageOf(cause)}`, { cause });
  }
}

function markupError(text: string): BusbarError {
  const beginning = text.slice(0, 2000);
  if (!/<!doctype html|<html/i.test(beginning))
    return new BusbarError('MALFORMED', 'the answer is XML: ask for application/json');
  if (/unauthorized|status 401/i.test(beginning)) return refusedCredentials();
  return new BusbarError('SOURCE_FAILED', 'ISO-NE answered with a page instead of data, as in maintenance');
}

export function refusedCredentials(cause?: unknown): BusbarError {
  return new BusbarError('SOURCE_REFUSED', 'ISO-NE does not know the user: check ISONE_USERNAME and ISONE_PASSWORD', {
    cause,
    details: { status: 401 },
  });
}
