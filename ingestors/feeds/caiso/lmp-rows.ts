import { isUtf8 } from 'node:buffer';
import { setImmediate as letOthersRun } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { BusbarError } from '../../../domain/errors.ts';

/**
 * The CSV of the LMP reports, one row a node, interval and LMP_TYPE:
 *
 *   INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,OPR_INTERVAL,NODE_ID_XML,NODE_ID,NODE,
 *   MARKET_RUN_ID,LMP_TYPE,XML_DATA_ITEM,PNODE_RESMRID,GRP_TYPE,POS,MW,GROUP
 *
 * The order of columns differs by report, and the price is in MW, VALUE or PRC: columns are found by name. The GMT
 * instants are the truth; OPR_DT and OPR_HR (Pacific, hour-ending, 25 for the repeated hour of autumn) are not read.
 *
 * Lines are split here and not by csv-parse, which reads 0.13 million rows/s where splitting reads 1 million (107,520
 * rows of PRC_HASP_LMP): one hour of real-time prices for all nodes is 800,000 rows. Only a line that holds a quote,
 * which OASIS does not write, goes through csv-parse.
 */
export interface CsvMember {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A row as text, trimmed; a column that the report does not have is blank. */
export interface LmpRow {
  readonly start: string;
  readonly end: string;
  readonly node: string;
  readonly marketRunId: string;
  readonly lmpType: string;
  readonly dataItem: string;
  readonly price: string;
  /** The pnode or the resource that is priced, and what the request was for: `ALL`, `ALL_APNODES`. */
  readonly resource: string;
  readonly groupType: string;
  readonly line: string;
  /** True where the bytes end inside or right after a column that is read here: its value may be cut off. */
  readonly cutOff: boolean;
}

export interface RowReader {
  /** Called once, before any row. */
  header(line: string): void;
  row(row: LmpRow): void;
  /** A line that has not the header's columns. */
  badLine(line: string, reason: string): void;
}

/** A report has exactly one of them; which one differs by report and version. */
const PRICE_COLUMNS = ['MW', 'VALUE', 'PRC'];

/** Rows between two pauses: some 10 ms of work, so that a large file does not stall live subscribers. */
const ROWS_PER_TURN = 5_000;

/** @throws BusbarError `MALFORMED` where the text is not UTF-8 or its first line lacks a column that is needed. */
export async function readLmpRows(member: CsvMember, reader: RowReader): Promise<void> {
  const { text, header, columns, rowsAt } = opened(member);
  reader.header(header);
  let rows = 0;
  for (let from = rowsAt; from < text.length; ) {
    const { line, next, unterminated } = lineAt(text, from);
    if (line !== '') readLine(line, unterminated, columns, reader);
    from = next;
    if (++rows % ROWS_PER_TURN === 0) await letOthersRun();
  }
}

/**
 * Whether the bytes are whole, without reading the rows between the first line and the last.
 * @throws BusbarError `MALFORMED` as `readLmpRows` does, and where the last line is cut off.
 */
export function assertWhole(member: CsvMember): void {
  const { text, columns, rowsAt } = opened(member);
  const { line, unterminated } = lineAt(text, Math.max(rowsAt, text.lastIndexOf('\n') + 1));
  if (line === '' || !unterminated) return;
  if (columns.lastIsRead || fieldsOf(line)?.length !== columns.count) throw malformed(`${member.name} is cut off`);
}

/** The market run of the first row; blank where there is no row. Throws as `readLmpRows` does. */
export function marketRunIn(member: CsvMember): string {
  const { text, columns, rowsAt } = opened(member);
  return textAt(fieldsOf(lineAt(text, rowsAt).line) ?? [], columns.marketRunId);
}

interface OpenedCsv {
  readonly text: string;
  readonly header: string;
  readonly columns: Columns;
  readonly rowsAt: number;
}

function opened({ name, bytes }: CsvMember): OpenedCsv {
  if (!isUtf8(bytes)) throw malformed(`${name} is not UTF-8 text`);
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  const { line: header, next, unterminated } = lineAt(text, 0);
  if (unterminated) throw malformed(`${name} has no line end: it is not an OASIS CSV or is cut off`);
  return { text, header, columns: columnsOf(header, name), rowsAt: next };
}

/** The line that begins there, without its end, and where the next one begins. */
function lineAt(text: string, from: number) {
  const end = text.indexOf('\n', from);
  const unterminated = end < 0;
  const line = withoutReturn(text.slice(from, unterminated ? text.length : end));
  return { line, next: unterminated ? text.length : end + 1, unterminated };
}

function readLine(line: string, unterminated: boolean, columns: Columns, reader: RowReader): void {
  const fields = fieldsOf(line);
  if (fields?.length !== columns.count) {
    const count = fields ? `${fields.length} fields` : 'a quote that is not closed';
    reader.badLine(line, `the line has ${count}, expected ${columns.count} fields`);
    return;
  }
  reader.row({
    start: textAt(fields, columns.start),
    end: textAt(fields, columns.end),
    node: textAt(fields, columns.node),
    marketRunId: textAt(fields, columns.marketRunId),
    lmpType: textAt(fields, columns.lmpType),
    dataItem: textAt(fields, columns.dataItem),
    price: textAt(fields, columns.price),
    resource: textAt(fields, columns.resource),
    groupType: textAt(fields, columns.groupType),
    line,
    cutOff: unterminated && columns.lastIsRead,
  });
}

function textAt(fields: readonly string[], column: number): string {
  return fields[column]?.trim() ?? '';
}

/** @returns undefined where a quote is not closed. */
function fieldsOf(line: string): readonly string[] | undefined {
  if (!line.includes('"')) return line.split(',');
  try {
    return parse(line)[0];
  } catch {
    return undefined;
  }
}

/** Places of the columns; -1 for one that may be absent and is. */
interface Columns {
  readonly count: number;
  readonly start: number;
  readonly end: number;
  readonly node: number;
  readonly marketRunId: number;
  readonly lmpType: number;
  readonly dataItem: number;
  readonly price: number;
  readonly resource: number;
  readonly groupType: number;
  readonly lastIsRead: boolean;
}

function columnsOf(headerLine: string, memberName: string): Columns {
  const names = (fieldsOf(headerLine) ?? []).map((name) => name.trim().toUpperCase());
  const needed = (name: string) => {
    if (!names.includes(name)) throw malformed(`${memberName} has no column ${name}: it is not an OASIS LMP report`);
    return names.indexOf(name);
  };
  const places = {
    start: needed('INTERVALSTARTTIME_GMT'),
    end: needed('INTERVALENDTIME_GMT'),
    node: needed('NODE'),
    marketRunId: needed('MARKET_RUN_ID'),
    lmpType: needed('LMP_TYPE'),
    price: needed(priceColumnOf(names, memberName)),
    dataItem: names.indexOf('XML_DATA_ITEM'),
  };
  if (new Set(names).size < names.length) throw malformed(`${memberName} has two columns of one name`);
  const lastIsRead = Object.values(places).includes(names.length - 1);
  // What may be missing, or cut off, without harm to a price.
  const told = { resource: names.indexOf('PNODE_RESMRID'), groupType: names.indexOf('GRP_TYPE') };
  return { ...places, ...told, count: names.length, lastIsRead };
}

function priceColumnOf(names: readonly string[], memberName: string): string {
  const [column, ...others] = PRICE_COLUMNS.filter((name) => names.includes(name));
  if (column !== undefined && others.length === 0) return column;
  const found = column === undefined ? 'none' : [column, ...others].join(' and ');
  throw malformed(`${memberName} must have one price column of ${PRICE_COLUMNS.join(', ')}; it has ${found}`);
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function malformed(message: string): BusbarError {
  return new BusbarError('MALFORMED', message);
}
