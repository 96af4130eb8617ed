import { isUtf8 } from 'node:buffer';
import { setImmediate as letOthersRun } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import { columnKey } from '../../sources/csv-table.ts';

/**
 * The CSV of all LBMP reports, one row a node and stamp; day-ahead files leave the quotes out:
 *
 *   "Time Stamp","Name","PTID","LBMP ($/MWHr)","Marginal Cost Losses ($/MWHr)","Marginal Cost Congestion ($/MWHr)"
 *   "07/03/2024 00:05:00","CAPITL",61757,21.53,1.69,0.00
 *
 * Old files write the unit in other ways, and some have one column more: columns are found by how their names begin.
 *
 * Lines are split here and not by csv-parse, which takes about twice as long for a day of generators (172,200 rows, 12 MB)
 * and lets nobody run meanwhile. Only a line whose commas do not add up goes through it.
 */
export interface LbmpTable {
  readonly header: string;
  readonly rows: readonly LbmpRow[];
  /** Lines that are no row. */
  readonly bad: readonly { readonly line: string; readonly reason: string }[];
}

/** A row as text, trimmed. */
export interface LbmpRow {
  readonly stamp: string;
  readonly name: string;
  /** The operator's number of the node; blank where there is no such column. */
  readonly ptid: string;
  readonly lbmp: string;
  readonly losses: string;
  readonly congestion: string;
  readonly line: string;
}

/** Lines between two pauses: some 10 ms of work. */
export const ROWS_PER_TURN = 10_000;

/** @throws BusbarError `MALFORMED` where the text is not UTF-8 or has no such header. */
export async function readLbmpRows(bytes: Buffer): Promise<LbmpTable> {
  if (!isUtf8(bytes)) throw new BusbarError('MALFORMED', 'the text is not UTF-8');
  const lines = linesOf(bytes);
  const header = lines[0] ?? '';
  const columns = columnsOf(header);
  const rows: LbmpRow[] = [];
  const bad: { line: string; reason: string }[] = [];
  const cutOff = isCutOff(bytes) ? lines.length - 1 : undefined;
  for (let at = 1; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const row = at === cutOff ? 'the bytes end within the line' : rowOf(line, columns);
    if (typeof row === 'string') bad.push({ line, reason: row });
    else rows.push(row);
    if (at % ROWS_PER_TURN === 0) await letOthersRun();
  }
  return { header, rows, bad };
}

/** Whether there is a line beyond the header. */
export function hasRows(bytes: Buffer): boolean {
  return bytes.toString('latin1').trim().includes('\n');
}

/** Whether the header has the columns of prices. */
export function hasColumns(bytes: Buffer): boolean {
  try {
    return columnsOf(linesOf(bytes.subarray(0, HEADER_BYTES_MAX))[0] ?? '').count > 0;
  } catch (error) {
    if (isBusbarError(error, 'MALFORMED')) return false;
    throw error;
  }
}

const HEADER_BYTES_MAX = 8192;

/**
 * Whether the bytes may end within a line. Prices have two places: a last line that has no line end and ends otherwise may
 * have lost a part.
 */
export function isCutOff(bytes: Buffer): boolean {
  const text = bytes.subarray(-2000).toString('latin1');
  const last = text.slice(text.lastIndexOf('\n') + 1).trim();
  return last !== '' && !/,"?-?\d*\.\d\d"?$/.test(last);
}

interface Columns {
  readonly count: number;
  readonly stamp: number;
  readonly name: number;
  /** -1 where there is none. */
  readonly ptid: number;
  readonly lbmp: number;
  readonly losses: number;
  readonly congestion: number;
}

function columnsOf(header: string): Columns {
  const names = (fieldsOf(header, header.split(',').length) ?? []).map(columnKey);
  const place = (beginning: string) => {
    const found = names.filter((name) => name.startsWith(beginning));
    if (found.length === 1 && found[0] !== undefined) return names.indexOf(found[0]);
    const problem = found.length === 0 ? 'no column' : 'more than one column';
    throw new BusbarError('MALFORMED', `there is ${problem} "${beginning}…": ${header.slice(0, 300)}`);
  };
  return {
    count: names.length,
    stamp: place('timestamp'),
    name: place('name'),
    ptid: names.indexOf('ptid'),
    lbmp: place('lbmp'),
    losses: place('marginalcostlosses'),
    congestion: place('marginalcostcongestion'),
  };
}

/** @returns a reason where the line is no row. */
function rowOf(line: string, columns: Columns): LbmpRow | string {
  const fields = fieldsOf(line, columns.count);
  if (!fields) return 'the line has a quote that is not closed';
  if (fields.length !== columns.count) return `the line has ${fields.length} fields, expected ${columns.count}`;
  const at = (column: number) => fields[column]?.trim() ?? '';
  return {
    stamp: at(columns.stamp),
    name: at(columns.name),
    ptid: at(columns.ptid),
    lbmp: at(columns.lbmp),
    losses: at(columns.losses),
    congestion: at(columns.congestion),
    line,
  };
}

/** @returns undefined where a quote is not closed. */
function fieldsOf(line: string, count: number): readonly string[] | undefined {
  const fields = line.split(',');
  if (!line.includes('"')) return fields;
  if (fields.length === count && fields.every(isPlainOrQuoted)) return fields.map(unquoted);
  try {
    return parse(line)[0];
  } catch {
    return undefined;
  }
}

function isPlainOrQuoted(field: string): boolean {
  const quote = field.indexOf('"');
  return quote < 0 || (quote === 0 && field.length > 1 && field.indexOf('"', 1) === field.length - 1);
}

function unquoted(field: string): string {
  return field.startsWith('"') ? field.slice(1, -1) : field;
}

function linesOf(bytes: Buffer): readonly string[] {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}
