import { isUtf8 } from 'node:buffer';
import { BusbarError } from '../../../domain/errors.ts';
import { columnKey } from '../../sources/csv-table.ts';

/** A file of SPP's inside a payload: one, or those of an hour one after the other, each with its own header. */
export interface CsvFile {
  readonly header: string;
  readonly body: string;
  /** The last line has its end, as SPP writes it; else it may be cut off. */
  readonly isEnded: boolean;
}

/** Some lines of a file, without its header. */
export interface Piece {
  readonly lines: string;
  readonly isLast: boolean;
}

/** Lines between two pauses, some 10 ms of work: a day-ahead file has 39,000 of them. */
const LINES_PER_PIECE = 500;

/**
 * The files of a payload. A line that names columns and holds no digit begins the next one, as no row is without a time.
 * @throws BusbarError `NO_DATA` for nothing, which is all that comes with SPP's 404 for a missing file; `SOURCE_FAILED` for a
 *   page in the place of a CSV; `MALFORMED` where the bytes are not UTF-8.
 */
export function filesIn(bytes: Buffer): readonly CsvFile[] {
  if (isBlank(bytes)) throw new BusbarError('NO_DATA', 'SPP has no such file');
  if (isPage(bytes)) throw new BusbarError('SOURCE_FAILED', `SPP answered with a page: ${beginningOf(bytes)}`);
  if (!isUtf8(bytes)) throw new BusbarError('MALFORMED', 'the text is not UTF-8');
  const text = withoutMark(bytes.toString('utf8')).trimStart();
  const starts = [0, ...headersAfterFirst(text)];
  return starts.map((start, i) => fileFrom(text.slice(start, starts[i + 1]), i + 1 < starts.length));
}

export function* piecesOf({ body }: CsvFile): Generator<Piece> {
  for (let start = 0; start < body.length; ) {
    let end = start;
    for (let lines = 0; lines < LINES_PER_PIECE && end < body.length; lines += 1) end = nextLine(body, end);
    yield { lines: body.slice(start, end), isLast: end === body.length };
    start = end;
  }
}

export function isBlank(bytes: Buffer): boolean {
  return beginningOf(bytes) === '' && withoutMark(bytes.toString('utf8')).trim() === '';
}

/** Whether it is HTML, XML or JSON. */
export function isPage(bytes: Buffer): boolean {
  return /^[<{[]/.test(beginningOf(bytes));
}

/** Whether it is a file with its header and nothing else: prices may yet come. */
export function isWithoutRows(bytes: Buffer): boolean {
  const header = bytes.indexOf('\n') < 0 ? bytes : bytes.subarray(0, bytes.indexOf('\n'));
  return isHeader(header.toString('utf8')) && isBlank(bytes.subarray(header.length));
}

function headersAfterFirst(text: string): number[] {
  const starts: number[] = [];
  for (let at = nextLine(text, 0); at < text.length; at = nextLine(text, at)) {
    if (isHeader(text.slice(at, nextLine(text, at)))) starts.push(at);
  }
  return starts;
}

const COLUMNS: ReadonlySet<string> = new Set(['interval', 'gmtintervalend', 'pnode', 'lmp', 'mlc', 'mcc', 'mec']);

function isHeader(line: string): boolean {
  return !/\d/.test(line) && line.split(',').filter((name) => COLUMNS.has(columnKey(name))).length >= 3;
}

/** Files are joined by a line end of their own: one that has its own before it leaves a blank line behind. */
function fileFrom(text: string, isFollowed: boolean): CsvFile {
  const rows = nextLine(text, 0);
  const isEnded = (isFollowed ? /\n\r?\n$/ : /\n$/).test(text);
  return { header: text.slice(0, rows).trimEnd(), body: text.slice(rows).trimEnd(), isEnded };
}

function nextLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end + 1;
}

function beginningOf(bytes: Buffer): string {
  return withoutMark(bytes.subarray(0, 100).toString('utf8')).trimStart();
}

function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, '');
}
