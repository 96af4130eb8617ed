import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import { type CsvRow, columnKey } from '../../sources/csv-table.ts';
import { intervalMsOf } from '../../sources/report-poller.ts';
import type { Said } from '../../sources/told-places.ts';
import { createIntervalFinder } from './interval.ts';
import { nodeFrom } from './locations.ts';
import type { Problem } from './problem.ts';
import { REPORTS, type ReportName } from './reports.ts';

/**
 * The columns of both reports: Interval, GMTIntervalEnd, [BAA], Settlement Location, Pnode, LMP, MLC, MCC, MEC. Their case,
 * blanks, underscores and order vary by day, and the day's file of the real-time report has other names for some. LMP = MEC
 * (energy) + MCC (congestion) + MLC (loss), as they are published.
 */
export interface Columns {
  readonly end: string | undefined;
  readonly label: string | undefined;
  readonly area: string | undefined;
  readonly location: string;
  readonly pnode: string | undefined;
  readonly last: string | undefined;
}

/** @throws BusbarError `MALFORMED` where a column is missing, or comes twice. */
export function columnsOf(header: string): Columns {
  const keys = header.split(',').map(columnKey);
  const find = (...names: readonly string[]) => names.find((name) => keys.includes(name));
  const columns = {
    end: find('gmtintervalend', 'gmtinterval'),
    label: find('interval'),
    area: find('baa'),
    location: find('settlementlocation', 'settlementlocationname'),
    pnode: find('pnode', 'pnodename'),
  };
  const { end, label, location } = columns;
  const prices = Object.values(PRICES).every((name) => keys.includes(name));
  if (location === undefined || (end ?? label) === undefined || !prices) {
    throw malformed(`the columns of SPP's prices are not all there: ${header.slice(0, 300)}`);
  }
  if (new Set(keys).size < keys.length) throw malformed(`two columns have one name: ${header.slice(0, 300)}`);
  return { ...columns, location, last: keys.at(-1) };
}

/** Whether a file begins with a header that has them. */
export function hasColumns(bytes: Buffer): boolean {
  const [header = ''] = bytes.subarray(0, HEADER_BYTES_MAX).toString('utf8').trimStart().split(/\r?\n/, 1);
  try {
    return columnsOf(header).location !== '';
  } catch (error) {
    if (isBusbarError(error, 'MALFORMED')) return false;
    throw error;
  }
}

const HEADER_BYTES_MAX = 8192;

const PRICES = { lmp: 'lmp', energy: 'mec', congestion: 'mcc', loss: 'mlc' } as const;

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

export type RowReader = (row: CsvRow, columns: Columns) => LmpFact | Problem;

export function createRowReader(report: ReportName): RowReader {
  const { run } = REPORTS[report];
  const intervalOf = createIntervalFinder(intervalMsOf({ run }));
  return (row, { end, label, area, location }) => {
    if (row.ragged) return { code: 'NOT_THE_FORMAT', reason: 'the line has another count of fields than the header' };
    const textIn = (column: string | undefined) => (column === undefined ? '' : row.get(column));
    const node = nodeFrom(area && row.get(area), row.get(location));
    if (typeof node !== 'string') return node;
    const interval = intervalOf(textIn(label), textIn(end));
    if ('reason' in interval) return interval;
    const prices = pricesOf(row);
    return 'reason' in prices ? prices : { node, run, ...interval, ...prices, ghg: null };
  };
}

/** What a row tells of its node: the balancing authority area it clears in, and the pnode behind the settlement location. */
export function placeSaidIn(row: CsvRow, { area, pnode }: Columns): Said {
  return {
    zone: area === undefined ? undefined : row.get(area),
    aliases: pnode === undefined ? undefined : [row.get(pnode)],
  };
}

/**
 * Whether a line without its end is whole all the same: SPP's prices add up to the last digit, and a time or a BAA that is cut
 * off is none. Only of a location half the name is one, too.
 */
export function isSurelyWhole({ lmp, energy, congestion, loss }: LmpFact, { last, location }: Columns): boolean {
  if (last === location || energy === null || congestion === null || loss === null) return false;
  return Math.abs(lmp - (energy + congestion + loss)) < 1e-6;
}

type Prices = Pick<LmpFact, 'lmp' | 'energy' | 'congestion' | 'loss'>;

/** Blank is not 0: without a price there is no fact, and a blank component is null. */
function pricesOf(row: CsvRow): Prices | Problem {
  const wrong = Object.values(PRICES).find((column) => row.get(column) !== '' && !isNumber(row.get(column)));
  if (wrong !== undefined) {
    return { code: 'BAD_VALUE', reason: `${wrong.toUpperCase()} is "${row.get(wrong)}", expected a decimal number` };
  }
  const priceOf = (column: string) => (row.get(column) === '' ? null : Number(row.get(column)));
  const lmp = priceOf(PRICES.lmp);
  if (lmp === null) return { code: 'MISSING_FIELD', reason: 'LMP is blank' };
  return {
    lmp,
    energy: priceOf(PRICES.energy),
    congestion: priceOf(PRICES.congestion),
    loss: priceOf(PRICES.loss),
  };
}

function isNumber(text: string): boolean {
  return DECIMAL.test(text) && Number.isFinite(Number(text));
}

function malformed(message: string): BusbarError {
  return new BusbarError('MALFORMED', message);
}
