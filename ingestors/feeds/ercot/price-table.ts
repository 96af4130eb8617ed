import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import type { ReportName } from './reports.ts';

/** A report as a table, wherever it came from: a page of the API or a CSV of the archive. */
export interface PriceTable {
  /** What it says it is, beside its columns. */
  readonly says: ReportName | undefined;
  /** As `columnKey` makes them. */
  readonly columns: readonly string[];
  readonly rows: readonly PriceRow[];
}

export interface PriceRow {
  /** The value in a column as text, trimmed; blank where there is none. */
  get(column: string): string;
  /** Another count of values than there are columns, or a value that is none. */
  readonly ragged: boolean;
  /** The bytes end with it, without a line end: its last value may be a part of itself. */
  readonly cutOff: boolean;
  /** The row with its columns: a payload that can be decoded by itself. */
  raw(): Buffer;
}

/** Where a report has what is read of it. */
export interface PriceColumns {
  readonly point: string;
  readonly price: string;
  /** `false` or `N`, `true` or `Y`: the second, standard-time pass through the hour that is repeated in autumn. */
  readonly repeated: string;
  /** The columns that say when, in the order in which `intervalOf` takes them. */
  readonly when: readonly string[];
  readonly type?: string;
}

const ALTERNATIVES: Readonly<Record<ReportName, readonly PriceColumns[]>> = {
  'np4-190-cd': [
    {
      point: 'settlementpoint',
      price: 'settlementpointprice',
      repeated: 'dstflag',
      when: ['deliverydate', 'hourending'],
    },
  ],
  'np6-905-cd': ['settlementpoint', 'settlementpointname'].map((point) => ({
    point,
    price: 'settlementpointprice',
    repeated: 'dstflag',
    when: ['deliverydate', 'deliveryhour', 'deliveryinterval'],
    type: 'settlementpointtype',
  })),
  'np6-788-cd': ['repeathourflag', 'repeatedhourflag'].map((repeated) => ({
    point: 'settlementpoint',
    price: 'lmp',
    repeated,
    when: ['scedtimestamp'],
  })),
};

/**
 * Which report a table is, by its columns; ERCOT has others that look alike (LMP by bus, day-ahead by bus).
 * @throws BusbarError `MALFORMED` where it is none of the three, a column occurs twice, or it says that it is another.
 */
export function reportOf({ says, columns }: PriceTable): {
  readonly report: ReportName;
  readonly columns: PriceColumns;
} {
  if (new Set(columns).size < columns.length) throw malformed(`a column occurs twice: ${columns.join(', ')}`);
  for (const report of Object.keys(ALTERNATIVES).filter(isKnown)) {
    const found = ALTERNATIVES[report].find((each) => neededBy(each).every((name) => columns.includes(name)));
    if (!found) continue;
    if (says !== undefined && says !== report)
      throw malformed(`it says it is ${says}, but has the columns of ${report}`);
    return { report, columns: found };
  }
  throw malformed(`no report of prices has these columns: ${columns.join(', ').slice(0, 300)}`);
}

/** Whether its columns are those of a report of prices. */
export function isReport(table: PriceTable): boolean {
  try {
    return reportOf(table) !== undefined;
  } catch (error) {
    if (isBusbarError(error, 'MALFORMED')) return false;
    throw error;
  }
}

function isKnown(name: string): name is ReportName {
  return Object.hasOwn(ALTERNATIVES, name);
}

function neededBy({ point, price, repeated, when, type }: PriceColumns): readonly string[] {
  return [point, price, repeated, ...when, ...(type === undefined ? [] : [type])];
}

export function malformed(message: string, cause?: unknown): BusbarError {
  return new BusbarError('MALFORMED', message, { cause });
}
