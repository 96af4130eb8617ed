import { BusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import { nodeNameFrom } from '../../../domain/market.ts';
import type { Decoded, Payload, Reject } from '../../feed.ts';
import { type CsvRow, columnKey, readCsvTable } from '../../sources/csv-table.ts';
import { createToldPlaces } from '../../sources/told-places.ts';
import { startOfMisoDay } from './eastern-standard.ts';
import { kindOf } from './places.ts';
import { type Prices, type Problem, pricesFrom } from './prices.ts';
import { type MisoReport, REPORTS, type ReportName } from './reports.ts';

/**
 * A market report, one file a day with every node. Three or four lines stand before the header:
 *
 *   Day Ahead Market ExPost LMPs
 *   11/02/2025
 *   (blank, or left out)
 *   ,,,All Hours-Ending are Eastern Standard Time (EST)
 *   Node,Type,Value,HE 1,…,HE 24
 *   MINN.HUB,Hub,LMP,30.6,28.29,…
 *
 * Value is LMP, MCC (congestion) or MLC (loss): a row each, which may lie far apart. There is no row of energy. `HE n` ends n
 * hours after midnight EST, and there are 24 on every day.
 */
const HOURS = Array.from({ length: 24 }, (_, i) => i + 1);

/** Every node has a row of each. */
export const VALUES = ['LMP', 'MCC', 'MLC'] as const;
type Value = (typeof VALUES)[number];

/**
 * @returns facts in the order of their hours. The raw bytes of a reject are what stands before the rows, and the node's rows: a
 *   file that can be decoded by itself.
 * @throws BusbarError `MALFORMED` where the report, the day or a column cannot be told for sure; `NO_DATA` where there are no
 *   rows.
 */
export function decodeDayFile(payload: Payload): Decoded<LmpFact> {
  const { report, midnight, head } = openDayFile(payload);
  const { rows, columns } = readCsvTable(payload.bytes, NEEDED, isHeader);
  if (rows.length === 0) throw new BusbarError('NO_DATA', 'the file has a header and no rows');
  const cutOff = mayBeCutOff(payload.bytes) ? columns.at(-1) : undefined;
  const facts: LmpFact[] = [];
  const rejects: Reject[] = [];
  const places = createToldPlaces();
  for (const group of groupsOf(rows, cutOff)) {
    const judged = judge(group, report, midnight);
    facts.push(...judged.facts);
    const [fact] = judged.facts;
    const kind = kindOf(group.rows.LMP?.get('Type') ?? '');
    if (fact && kind) places.tell(fact.node, { kind });
    for (const problem of judged.problems) rejects.push({ ...problem, raw: rawOf(head, group) });
  }
  return { facts: facts.sort((a, b) => a.startAt - b.startAt), rejects, ...places.since(midnight) };
}

/**
 * Whether the last value may be a part of itself: the line has no end, as where somebody edited the file or lost a part of it.
 * MISO writes two places at most, so that a value with both of them is whole.
 */
function mayBeCutOff(bytes: Buffer): boolean {
  const end = bytes.subarray(-100).toString('latin1');
  return !/\n[ \t]*$/.test(end) && !/\.\d\d"?\s*$/.test(end);
}

export interface DayFile {
  readonly report: MisoReport;
  /** Where the day begins, milliseconds UTC. */
  readonly midnight: number;
  /** All up to the end of the header's line. */
  readonly head: string;
}

/** Reads what stands before the rows. Throws as `decodeDayFile` does. */
export function openDayFile({ bytes, name }: Payload): DayFile {
  const text = bytes.subarray(0, HEAD_BYTES_MAX).toString('utf8');
  const header = HEADER.exec(text);
  if (!header) throw malformed('there is no header that begins with Node, or it is cut off');
  const preamble = text.slice(0, header.index);
  if (/hours?.ending/i.test(preamble) && !/\bEST\b/.test(preamble))
    throw malformed(`its hours are not said to be EST: ${preamble.slice(0, 300)}`);
  assertColumns(header[0]);
  return {
    report: reportOf(name, preamble),
    midnight: midnightOf(name, preamble),
    head: text.slice(0, header.index + header[0].length),
  };
}

const HEAD_BYTES_MAX = 8192;

const HEADER = /^"?Node"?[ \t]*,[^\n]*\n/im;

const NEEDED = ['Node', 'Value', ...HOURS.map((hour) => `HE ${hour}`)];

function isHeader(fields: readonly string[]): boolean {
  return fields[0]?.trim().toLowerCase() === 'node';
}

/** A day of 25 hours would mean that MISO has left EST, and no hour could be placed. */
function assertColumns(header: string): void {
  if (!/(?:^|,)\s*"?Value"?\s*,/i.test(header))
    throw malformed(`it has no column Value: ${header.slice(0, 300).trim()}`);
  const hours = header.match(/\bHE ?\d+/gi) ?? [];
  if (hours.length !== HOURS.length) throw malformed(`it has ${hours.length} hours, expected HE 1 to HE 24`);
}

/** The file's name and its first line each tell; they may not contradict each other. */
function reportOf(name: string, preamble: string): MisoReport {
  const title = preamble.split('\n', 1)[0]?.trim() ?? '';
  const told = [reportNamedIn(name), reportTitled(title)].filter((report) => report !== undefined);
  const [report, other = report] = told;
  if (report === undefined || report !== other || report === 'other')
    throw malformed(`${name}, "${title}", is none of da_expost_lmp, rt_lmp_prelim and rt_lmp_final for sure`);
  return REPORTS[report];
}

type Told = ReportName | 'other' | undefined;

function reportNamedIn(name: string): Told {
  const found = /da_expost_lmp|rt_lmp_prelim|rt_lmp_final/.exec(name)?.[0];
  if (found === 'da_expost_lmp' || found === 'rt_lmp_prelim' || found === 'rt_lmp_final') return found;
  return /ex-?ante/i.test(name) || Object.hasOwn(REPORTS, name) ? 'other' : undefined;
}

function reportTitled(title: string): Told {
  if (/ex-?ante/i.test(title)) return 'other';
  if (/day.?ahead/i.test(title)) return /ex-?post/i.test(title) ? 'da_expost_lmp' : undefined;
  if (!/real.?time/i.test(title)) return undefined;
  if (/prelim/i.test(title)) return 'rt_lmp_prelim';
  return /final/i.test(title) ? 'rt_lmp_final' : undefined;
}

/** The day stands before the header, and in a file's name. */
function midnightOf(name: string, preamble: string): number {
  const [, month, day, year] = /\b(\d{1,2})\/(\d{1,2})\/(\d{4})\b/.exec(preamble)?.map(Number) ?? [];
  const named = /(?<!\d)(\d{4})(\d{2})(\d{2})(?=_(?:da|rt)_)/.exec(name)?.slice(1).map(Number);
  if (year === undefined || month === undefined || day === undefined)
    throw malformed('no day stands before its header');
  const midnight = startOfMisoDay({ year, month, day });
  if (midnight === undefined || (named && named.join() !== [year, month, day].join()))
    throw malformed(`${name} is of ${year}-${month}-${day}, which is no day or another than its name says`);
  return midnight;
}

/** All rows of a node. */
interface Group {
  readonly node: string;
  readonly lines: string[];
  readonly rows: Partial<Record<Value, CsvRow>>;
  /** The first thing that is wrong with a row. */
  problem: Problem | undefined;
  /** The hour whose value may be a part of itself, as the header names it. */
  cutOff: string | undefined;
}

/** @param cutOff the last column, where the last line may be cut off within it. */
function groupsOf(rows: readonly CsvRow[], cutOff: string | undefined): Iterable<Group> {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const node = row.get('Node');
    const group = groups.get(node) ?? { node, lines: [], rows: {}, problem: undefined, cutOff: undefined };
    groups.set(node, group);
    group.lines.push(row.line);
    const value = VALUES.find((each) => each === row.get('Value').toUpperCase());
    if (row === rows.at(-1)) group.cutOff = cutOff;
    group.problem ??= problemOf(group, row, value);
    if (value) group.rows[value] = row;
  }
  return groups.values();
}

const CUT_OFF: Problem = { code: 'NOT_THE_FORMAT', reason: 'the last line has no line end and may be cut off' };

function problemOf(group: Group, row: CsvRow, value: Value | undefined): Problem | undefined {
  const known = value && group.rows[value];
  if (group.cutOff !== undefined && (row.ragged || !isHour(group.cutOff))) return CUT_OFF;
  if (row.ragged) return { code: 'NOT_THE_FORMAT', reason: 'a line has not as many fields as the header' };
  if (!value) {
    return { code: 'NOT_THE_FORMAT', reason: `Value is "${row.get('Value')}", expected one of ${VALUES.join(', ')}` };
  }
  if (known && HOURS.some((hour) => known.get(`HE ${hour}`) !== row.get(`HE ${hour}`)))
    return { code: 'BAD_VALUE', reason: `there are two ${value} rows that differ` };
  return undefined;
}

function judge(group: Group, report: MisoReport, midnight: number): { facts: LmpFact[]; problems: Problem[] } {
  const node = nodeNameFrom('MISO', group.node);
  if (!node)
    return { facts: [], problems: [{ code: 'MISSING_FIELD', reason: 'Node is blank or longer than 200 characters' }] };
  if (group.problem)
    return { facts: [], problems: [{ ...group.problem, reason: `${group.node}: ${group.problem.reason}` }] };
  const facts: LmpFact[] = [];
  const hoursOf = new Map<string, { readonly problem: Problem; readonly hours: number[] }>();
  for (const hour of HOURS) {
    const prices = pricesOf(group, hour);
    if ('reason' in prices) {
      const same = hoursOf.get(prices.reason) ?? { problem: prices, hours: [] };
      hoursOf.set(prices.reason, same);
      same.hours.push(hour);
      continue;
    }
    const startAt = midnight + (hour - 1) * HOUR_MS;
    const fact = { node, run: report.run, startAt, endAt: startAt + HOUR_MS, ...prices };
    facts.push(report.preliminary ? { ...fact, preliminary: true } : fact);
  }
  const problems = [...hoursOf.values()].map(({ problem, hours }) => {
    return { code: problem.code, reason: `${group.node} HE ${hours.join(', ')}: ${problem.reason}` };
  });
  return { facts, problems };
}

function isHour(column: string): boolean {
  return HOURS.some((hour) => column === columnKey(`HE ${hour}`));
}

function pricesOf({ rows, cutOff }: Group, hour: number): Prices | Problem {
  if (cutOff === columnKey(`HE ${hour}`)) return CUT_OFF;
  const textOf = (row: CsvRow | undefined) => row?.get(`HE ${hour}`) ?? '';
  return pricesFrom({ lmp: textOf(rows.LMP), mcc: textOf(rows.MCC), mlc: textOf(rows.MLC) });
}

function rawOf(head: string, { lines }: Group): Buffer {
  return Buffer.from(`${head}${lines.join('\n')}\n`);
}

function malformed(reason: string): BusbarError {
  return new BusbarError('MALFORMED', `this is no market report of MISO: ${reason}`);
}
