import { setImmediate as letOthersRun } from 'node:timers/promises';
import { instantsAt, wallTimeAt } from '../../../domain/calendar.ts';
import { BusbarError } from '../../../domain/errors.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import { nodeNameFrom } from '../../../domain/market.ts';
import type { Decoded, Payload, Reject, RejectCode } from '../../feed.ts';
import { createToldPlaces, type ToldPlaces } from '../../sources/told-places.ts';
import { csvTable, filesIn, type NamedBytes } from './archive-files.ts';
import { type DeliveryInterval, intervalOf, type TimeProblem } from './delivery-interval.ts';
import { jsonPages } from './json-pages.ts';
import { kindOf } from './places.ts';
import { malformed, type PriceColumns, type PriceRow, type PriceTable, reportOf } from './price-table.ts';
import { CENTRAL, REPORTS, type ReportName, reportNamedIn } from './reports.ts';

/** Rows between two pauses: some 10 ms of work, so that a large file does not stall live subscribers. */
const ROWS_PER_TURN = 5_000;

/**
 * Decodes what ERCOT answers, or a file of it: pages of JSON, one or several after one another, a CSV of the archive, or a
 * zip of such.
 *
 * @returns one fact a settlement point and interval, in the order of intervals; a reject's raw bytes can be decoded again.
 * @throws BusbarError `NO_DATA` where there are fields and no rows; `THROTTLED`, `SOURCE_FAILED` or `SOURCE_REFUSED` where
 *   ERCOT says so in JSON; `MALFORMED` for what is none of these, HTML included, and for two reports in one payload.
 */
export async function decodeErcotLmp(payload: Payload): Promise<Decoded<LmpFact>> {
  const reading: Reading = {
    report: reportNamedIn(payload.name),
    instants: new Map(),
    prices: new Map(),
    repeats: [],
    rejects: [],
    places: createToldPlaces(),
  };
  let rows = 0;
  for (const file of await filesIn(payload)) {
    for (const table of tablesIn(file)) {
      const { report, columns } = reportOf(table);
      if (reading.report !== undefined && reading.report !== report) {
        throw malformed(`${file.name} is of ${report}, and the payload of ${reading.report}`);
      }
      reading.report = report;
      for (const row of table.rows) {
        take(row, report, columns, reading);
        if (++rows % ROWS_PER_TURN === 0) await letOthersRun();
      }
    }
  }
  if (rows === 0) throw new BusbarError('NO_DATA', 'the report has fields and no rows');
  for (const repeat of reading.repeats) settle(repeat, reading);
  const facts = [...reading.prices.values()].flatMap(({ fact }) => (fact ? [fact] : []));
  facts.sort((a, b) => a.startAt - b.startAt);
  return { facts, rejects: reading.rejects, ...reading.places.since(facts[0]?.startAt) };
}

/**
 * When ERCOT posted a file, which stands in its name, Central: `cdr.00012331.0000000000000000.20251101.133000.DAMSPNP4190.csv`.
 * Of several the newest; undefined where no name says it, or it was posted in the repeated hour.
 */
export async function publishedAtOf(payload: Payload): Promise<number | undefined> {
  const names = [payload.name, ...(await filesIn(payload)).map(({ name }) => name)];
  const instants = names.map(postedAt).filter((instant) => instant !== undefined);
  return instants.length === 0 ? undefined : Math.max(...instants);
}

interface Reading {
  report: ReportName | undefined;
  /** Few different times, each named very often. */
  readonly instants: Map<string, DeliveryInterval | TimeProblem>;
  readonly prices: Map<string, Taken>;
  /** Rows of a node and interval that were told before. */
  readonly repeats: Repeat[];
  readonly rejects: Reject[];
  readonly places: ToldPlaces;
}

/** The first row of a node and interval; without its fact once another row contradicted it. */
interface Taken {
  fact: LmpFact | undefined;
  readonly lmp: number;
  readonly row: PriceRow;
}

interface Repeat {
  readonly taken: Taken;
  readonly fact: LmpFact;
  readonly row: PriceRow;
}

interface Problem {
  readonly code: RejectCode;
  readonly reason: string;
}

function tablesIn(file: NamedBytes): readonly PriceTable[] {
  const start = file.bytes
    .subarray(0, 1024)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (start === '') throw malformed(`${file.name} is empty`);
  if (start.startsWith('<')) throw malformed(`${file.name} is a page of HTML or XML`);
  return start.startsWith('{') ? jsonPages(file.bytes.toString('utf8').replace(/^\uFEFF/, '')) : [csvTable(file)];
}

function take(row: PriceRow, report: ReportName, columns: PriceColumns, reading: Reading): void {
  const { instants, prices, rejects, places, repeats } = reading;
  const judged = judge(row, report, columns, instants);
  if ('reason' in judged) {
    rejects.push({ ...judged, raw: row.raw() });
    return;
  }
  const kind = columns.type !== undefined && places.isNew(judged.node) ? kindOf(row.get(columns.type)) : undefined;
  if (kind) places.tell(judged.node, { kind });
  const taken = prices.get(keyOf(judged.node, judged.startAt));
  if (taken) repeats.push({ taken, fact: judged, row });
  else prices.set(keyOf(judged.node, judged.startAt), { fact: judged, lmp: judged.lmp, row });
}

/**
 * A row that comes twice is one; of two that differ nobody can say which is right. Two of one pass of the repeated hour may be
 * one of each where the other pass is not told: the flag that keeps them apart is missing.
 */
function settle({ taken, fact, row }: Repeat, { prices, rejects }: Reading): void {
  const { node, startAt, lmp } = fact;
  const where = `${node} at ${new Date(startAt).toISOString()}`;
  const other = otherPassOf(startAt);
  const untold = other !== undefined && !prices.has(keyOf(node, other));
  if (!untold && taken.lmp === lmp) return;
  const problem: Problem = untold
    ? { code: 'AMBIGUOUS_TIME', reason: `two rows of ${where} in the repeated hour, and none of its other pass` }
    : { code: 'BAD_VALUE', reason: `two prices of ${where}: ${taken.lmp} and ${lmp}` };
  if (taken.fact) rejects.push({ ...problem, raw: taken.row.raw() });
  rejects.push({ ...problem, raw: row.raw() });
  taken.fact = undefined;
}

function keyOf(node: string, startAt: number): string {
  return `${startAt} ${node}`;
}

/** The other instant that the clocks of ERCOT show as they show this one, where there is one. */
function otherPassOf(startAt: number): number | undefined {
  return instantsAt(CENTRAL, wallTimeAt(CENTRAL, startAt)).find((instant) => instant !== startAt);
}

function judge(
  row: PriceRow,
  report: ReportName,
  columns: PriceColumns,
  instants: Reading['instants'],
): LmpFact | Problem {
  if (row.ragged) return { code: 'NOT_THE_FORMAT', reason: 'the row has not one value for each column' };
  if (row.cutOff) return { code: 'NOT_THE_FORMAT', reason: 'the last line has no line end and may be cut off' };
  const point = row.get(columns.point);
  const node = nodeNameFrom('ERCOT', pointName(point, columns.type === undefined ? '' : row.get(columns.type)));
  if (point === '' || !node) return { code: 'MISSING_FIELD', reason: 'the settlement point is blank or too long' };
  const interval = rememberedInterval(row, report, columns, instants);
  if ('reason' in interval) return interval;
  const price = row.get(columns.price);
  if (price === '') return { code: 'MISSING_FIELD', reason: `no price for ${point}` };
  if (!DECIMAL.test(price))
    return { code: 'BAD_VALUE', reason: `the price of ${point} is "${price}", expected a number` };
  const lmp = Number(price);
  return { node, run: REPORTS[report].run, ...interval, lmp, energy: null, congestion: null, loss: null, ghg: null };
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?$/;

/**
 * np6-905-cd has load zones twice under one name: with the mean of their nodes' prices (types LZ, LZ_DC) and with the
 * energy-weighted one (LZEW, LZ_DCEW), another number. The second is a node of its own.
 */
function pointName(point: string, type: string): string {
  return type.endsWith('EW') && !point.endsWith('_EW') ? `${point}_EW` : point;
}

function rememberedInterval(
  row: PriceRow,
  report: ReportName,
  columns: PriceColumns,
  instants: Reading['instants'],
): DeliveryInterval | TimeProblem {
  const when = columns.when.map((column) => row.get(column));
  const flag = row.get(columns.repeated);
  const key = `${when.join('|')}|${flag}`;
  const known = instants.get(key);
  if (known) return known;
  const interval = intervalOf(report, when, flag);
  instants.set(key, interval);
  return interval;
}

function postedAt(name: string): number | undefined {
  const parts = /^cdr\.\d+\.\d+\.(\d{4})(\d{2})(\d{2})\.(\d{2})(\d{2})(\d{2})/i.exec(name);
  if (!parts) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  const [instant, other] = instantsAt(CENTRAL, { year, month, day, hour, minute, second });
  return other === undefined ? instant : undefined;
}
