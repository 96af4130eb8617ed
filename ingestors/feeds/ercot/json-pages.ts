import { z } from 'zod';
import { BusbarError, messageOf } from '../../../domain/errors.ts';
import { columnKey } from '../../sources/csv-table.ts';
import { malformed, type PriceRow, type PriceTable } from './price-table.ts';
import { isReportName, type ReportName } from './reports.ts';

/**
 * A page of the API, its rows by position:
 *
 *   {"_meta": {"totalRecords", "pageSize", "totalPages", "currentPage", "query"}, "report": {"reportEMIL": "NP4-190-CD", …},
 *    "fields": [{"name": "deliveryDate", …}, …], "data": [["2025-11-02", "01:00", "HB_HUBAVG", 56.16, false], …], "_links"}
 *
 * and instead of one: {"error_key": "throttled", "error_message"} of the API, {"statusCode": 401, "message"} of the gateway
 * before it.
 */
const PAGE = z.object({
  _meta: z
    .object({ totalRecords: z.number().int().min(0), totalPages: z.number().int().min(0) })
    .partial()
    .optional(),
  report: z.object({ reportEMIL: z.string() }).partial().optional(),
  fields: z.array(z.object({ name: z.string() })).min(1),
  data: z.array(z.unknown()),
});

const TROUBLE = z.object({
  error_key: z.string().optional(),
  error_message: z.string().optional(),
  statusCode: z.number().optional(),
  message: z.string().optional(),
});

export interface JsonPage extends PriceTable {
  /** Of the whole answer, as far as the page tells. */
  readonly totalPages: number | undefined;
  readonly totalRecords: number | undefined;
}

/**
 * Reads pages that follow one another, each from the start of a line.
 * @throws BusbarError `MALFORMED`, and what the API says instead of a page: `THROTTLED`, `SOURCE_FAILED`, `SOURCE_REFUSED`.
 */
export function jsonPages(text: string): readonly JsonPage[] {
  return jsonTexts(text.trim()).map(pageFrom);
}

/** A page begins with a line of its own. So do other things of a single page that was laid out anew. */
function jsonTexts(text: string): readonly string[] {
  const texts = text.split(/\r?\n(?=\{)/);
  return texts.length > 1 && isJson(text) ? [text] : texts;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function pageFrom(text: string): JsonPage {
  const parsed = parsedJson(text);
  const page = PAGE.safeParse(parsed);
  if (!page.success) throw troubleIn(parsed) ?? malformed('the JSON is no page of a report: it lacks fields or data');
  const { _meta, report, fields, data } = page.data;
  const names = fields.map(({ name }) => name);
  const columns = names.map(columnKey);
  const places = new Map(columns.map((column, place) => [column, place]));
  return {
    says: emilIn(report?.reportEMIL),
    columns,
    rows: data.map((row) => rowFrom(row, names, places, report?.reportEMIL)),
    totalPages: _meta?.totalPages,
    totalRecords: _meta?.totalRecords,
  };
}

/** What the body of an answer says is wrong; undefined where it is no such body. */
export function troubleIn(parsed: unknown): BusbarError | undefined {
  const trouble = TROUBLE.safeParse(parsed);
  if (!trouble.success) return undefined;
  const { error_key: key, error_message, statusCode, message } = trouble.data;
  if (key === undefined && statusCode === undefined) return undefined;
  const said = `ERCOT says ${key ?? statusCode}: ${(error_message ?? message ?? 'nothing more').slice(0, 300)}`;
  if (key === 'throttled' || statusCode === 429) return new BusbarError('THROTTLED', said);
  return new BusbarError(statusCode !== undefined && statusCode >= 500 ? 'SOURCE_FAILED' : 'SOURCE_REFUSED', said);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(`the JSON cannot be read, it may be cut off: ${messageOf(error)}`, error);
  }
}

/** @throws BusbarError `MALFORMED` for a report that is not read here, whatever its columns. */
function emilIn(emil: string | undefined): ReportName | undefined {
  if (emil === undefined) return undefined;
  const name = emil.toLowerCase();
  if (!isReportName(name)) throw malformed(`${emil} is no report of prices that is read here`);
  return name;
}

function rowFrom(
  row: unknown,
  names: readonly string[],
  places: ReadonlyMap<string, number>,
  reportEMIL: string | undefined,
): PriceRow {
  const values: readonly unknown[] = Array.isArray(row) ? row : [];
  return {
    get: (column) => textOf(values[places.get(column) ?? -1]),
    ragged: values.length !== names.length || values.some((value) => typeof value === 'object' && value !== null),
    cutOff: false,
    raw: () =>
      Buffer.from(JSON.stringify({ report: { reportEMIL }, fields: names.map((name) => ({ name })), data: [row] })),
  };
}

function textOf(value: unknown): string {
  return value === null || value === undefined ? '' : String(value).trim();
}
