import { isUtf8 } from 'node:buffer';
import { setImmediate as letOthersRun } from 'node:timers/promises';
import { BusbarError } from '../../../domain/errors.ts';

/**
 * The five-minute display, an object on one line:
 *
 *   {"headers":["INTERVAL","CPNODE","LMP","MLC","MCC"],
 *    "data":[["2025-12-03T00:00:00","INDIANA.HUB","250.66","6.13","209.47"],…]}
 *
 * A whole day is 750,000 rows in 47 MB. `JSON.parse` of it holds the process up for a second and takes some 250 MB; so rows are
 * found in the bytes here, and each is parsed by itself. The order of headers and data, and of the columns, is not relied on.
 */
export interface FiveMinuteRow {
  readonly interval: string;
  readonly node: string;
  readonly lmp: string;
  readonly mlc: string;
  readonly mcc: string;
}

/** A row and where its bytes are; undefined where it is not a list of as many texts as there are columns. */
export type RowReader = (row: FiveMinuteRow | undefined, from: number, to: number) => void;

export interface TablePlaces {
  /** The headers as MISO has them, as JSON. */
  readonly headers: string;
  /** Where the rows begin and end, without the brackets around them. */
  readonly from: number;
  readonly to: number;
}

const COLUMNS = ['INTERVAL', 'CPNODE', 'LMP', 'MLC', 'MCC'] as const;

/** Rows between two pauses: some 5 ms of work. */
const ROWS_PER_TURN = 2_000;

const [QUOTE, BACKSLASH, OPEN, CLOSE] = [0x22, 0x5c, 0x5b, 0x5d];

/** Whether it is such a display, whole or not, rather than another document. */
export function isFiveMinuteTable(bytes: Buffer): boolean {
  return bytes.includes('"headers"');
}

/** @throws BusbarError `MALFORMED` where a column is missing, the text is no such display, or it is cut off. */
export async function readFiveMinuteTable(bytes: Buffer, read: RowReader): Promise<TablePlaces> {
  if (!isUtf8(bytes)) throw malformed('the text is not UTF-8');
  const headers = headersOf(bytes);
  const columns = columnsOf(headers);
  const from = listAfter(bytes, '"data"') + 1;
  let rows = 0;
  for (let at = from; ; ) {
    const start = nextOf(bytes, at);
    if (bytes[start] === CLOSE) return { headers, from, to: endedAt(bytes, start) };
    if (bytes[start] !== OPEN) throw malformed(`there is no row at byte ${start}, or it is cut off there`);
    at = endOfRow(bytes, start) + 1;
    read(rowOf(bytes.toString('utf8', start, at), columns), start, at);
    if (++rows % ROWS_PER_TURN === 0) await letOthersRun();
  }
}

function headersOf(bytes: Buffer): string {
  const start = listAfter(bytes, '"headers"');
  return bytes.toString('utf8', start, endOfRow(bytes, start) + 1);
}

/** Where the list begins that is the value of a key. */
function listAfter(bytes: Buffer, key: string): number {
  const found = bytes.indexOf(key);
  const start = found < 0 ? -1 : bytes.indexOf('[', found);
  if (start < 0 || !/^\s*:\s*$/.test(bytes.toString('latin1', found + key.length, Math.min(start, found + 100))))
    throw malformed(`there is no list ${key}`);
  return start;
}

type Columns = Readonly<Record<(typeof COLUMNS)[number], number>> & { readonly count: number };

function columnsOf(headers: string): Columns {
  const names = (listFrom(headers) ?? []).map((name) => String(name).trim().toUpperCase());
  const place = (name: string) => {
    if (names.filter((each) => each === name).length !== 1)
      throw malformed(`there is not one column ${name}: ${headers.slice(0, 300)}`);
    return names.indexOf(name);
  };
  const [INTERVAL, CPNODE, LMP, MLC, MCC] = [
    place('INTERVAL'),
    place('CPNODE'),
    place('LMP'),
    place('MLC'),
    place('MCC'),
  ];
  return { INTERVAL, CPNODE, LMP, MLC, MCC, count: names.length };
}

function rowOf(text: string, columns: Columns): FiveMinuteRow | undefined {
  const values = listFrom(text);
  if (values?.length !== columns.count || values.some((value) => typeof value === 'object' && value !== null))
    return undefined;
  const textAt = (place: number) => String(values[place] ?? '').trim();
  return {
    interval: textAt(columns.INTERVAL),
    node: textAt(columns.CPNODE),
    lmp: textAt(columns.LMP),
    mlc: textAt(columns.MLC),
    mcc: textAt(columns.MCC),
  };
}

function listFrom(text: string): readonly unknown[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

/** Past blanks and commas. */
function nextOf(bytes: Buffer, at: number): number {
  let place = at;
  while (' \t\r\n,'.includes(String.fromCharCode(bytes[place] ?? 0))) place += 1;
  return place;
}

/** Where the bracket is that closes the row, past brackets in its texts. */
function endOfRow(bytes: Buffer, start: number): number {
  let isText = false;
  for (let at = start + 1; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) isText = !isText;
    else if (isText && byte === BACKSLASH) at += 1;
    else if (!isText && byte === CLOSE) return at;
  }
  throw malformed('the text is cut off');
}

/** The display ends with its data, or with its headers after them. */
function endedAt(bytes: Buffer, close: number): number {
  if (!/^\]\s*(,[^}]*)?\}\s*$/.test(bytes.toString('utf8', close, close + 10_000)))
    throw malformed('the text is cut off');
  return close;
}

function malformed(reason: string): BusbarError {
  return new BusbarError('MALFORMED', `this is no five-minute display of MISO: ${reason}`);
}
