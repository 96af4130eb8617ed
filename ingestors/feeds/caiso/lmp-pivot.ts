import { setImmediate as letOthersRun } from 'node:timers/promises';
import { BusbarError } from '../../../domain/errors.ts';
import { MINUTE_MS, parseInstant } from '../../../domain/instant.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import { nodeNameFrom } from '../../../domain/market.ts';
import type { Decoded, Reject, RejectCode } from '../../feed.ts';
import { createToldPlaces } from '../../sources/told-places.ts';
import { type CsvMember, type LmpRow, type RowReader, readLmpRows } from './lmp-rows.ts';
import { placeSaidBy } from './places.ts';
import { intervalMsOf, type Report, reportByMarketRunId, reportNamedIn } from './reports.ts';

/**
 * Pivots the long rows of a report to one fact a node and interval. Rows of one fact may lie far apart, and a group
 * download has a file for each LMP_TYPE: so all rows are gathered first, then judged together. A fact with a doubtful
 * row is no fact: all its rows become one reject.
 */
const LMP_TYPES = ['LMP', 'MCE', 'MCC', 'MCL', 'MGHG'] as const;
type LmpType = (typeof LMP_TYPES)[number];

const LMP_TYPE_OF: ReadonlyMap<string, LmpType> = new Map(LMP_TYPES.map((type) => [type, type]));

/** XML_DATA_ITEM says the same as LMP_TYPE in other words; a row where the two differ is not to be trusted. */
const DATA_ITEMS: ReadonlyMap<string, LmpType> = new Map([
  ['LMP_PRC', 'LMP'],
  ['LMP_ENE_PRC', 'MCE'],
  ['LMP_CONG_PRC', 'MCC'],
  ['LMP_LOSS_PRC', 'MCL'],
  ['LMP_GHG_PRC', 'MGHG'],
]);

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Groups between two pauses, as for rows. */
const GROUPS_PER_TURN = 5_000;

/**
 * @param payloadName what the payload is called; where it or a member's name speaks of a report, the rows must be of it.
 * @returns facts in the order of their intervals; a reject's raw bytes are the header and the lines concerned, which can
 *   be decoded again by themselves.
 * @throws BusbarError `MALFORMED` where a member is not such a CSV, its market run is not one of the four, runs are mixed
 *   or a name speaks of another report; `NO_DATA` where there are headers and no rows.
 */
export async function decodeLmpCsv(members: readonly CsvMember[], payloadName: string): Promise<Decoded<LmpFact>> {
  const gathering: Gathering = { report: undefined, groups: new Map(), rejects: [] };
  for (const member of members) await readLmpRows(member, gatherer(gathering));
  const { report, groups, rejects } = gathering;
  if (report) {
    for (const name of [payloadName, ...members.map((member) => member.name)]) refuseOtherReport(name, report);
    return pivoted(groups, report, rejects);
  }
  if (rejects.length > 0) return { facts: [], rejects };
  throw new BusbarError('NO_DATA', 'the report has a header and no rows');
}

interface Gathering {
  report: Report | undefined;
  readonly groups: Map<string, Group>;
  readonly rejects: Reject[];
}

/** All rows of one node and interval. */
interface Group {
  readonly header: string;
  readonly start: string;
  readonly end: string;
  readonly node: string;
  readonly resource: string;
  readonly groupType: string;
  readonly lines: string[];
  readonly prices: Partial<Record<LmpType, string>>;
  /** The first thing that is wrong with a row. */
  problem: Problem | undefined;
}

interface Problem {
  readonly code: RejectCode;
  readonly reason: string;
}

function gatherer(gathering: Gathering): RowReader {
  let header = '';
  return {
    header: (line) => {
      header = line;
    },
    row: (row) => {
      agreeOnReport(gathering, row.marketRunId);
      addRow(groupOf(gathering, header, row), row);
    },
    badLine: (line, reason) => {
      gathering.rejects.push(rejectOf({ code: 'NOT_THE_FORMAT', reason }, header, [line]));
    },
  };
}

function agreeOnReport(gathering: Gathering, marketRunId: string): void {
  if (gathering.report?.marketRunId === marketRunId) return;
  const report = reportByMarketRunId(marketRunId);
  if (!report) throw malformed(`MARKET_RUN_ID is "${marketRunId}", expected DAM, RTM, RTPD or HASP`);
  if (gathering.report) throw malformed(`rows of ${gathering.report.marketRunId} and of ${marketRunId} in one payload`);
  gathering.report = report;
}

function refuseOtherReport(name: string, report: Report): void {
  const named = reportNamedIn(name);
  if (named && named !== report) {
    throw malformed(`${name} is named after ${named.name}, but its rows are of MARKET_RUN_ID ${report.marketRunId}`);
  }
}

function groupOf(gathering: Gathering, header: string, row: LmpRow): Group {
  const { start, end, node, resource, groupType } = row;
  const key = `${start},${end},${node}`;
  let group = gathering.groups.get(key);
  if (!group) {
    group = { header, start, end, node, resource, groupType, lines: [], prices: {}, problem: undefined };
    gathering.groups.set(key, group);
  }
  return group;
}

function addRow(group: Group, row: LmpRow): void {
  group.lines.push(row.line);
  const type = LMP_TYPE_OF.get(row.lmpType);
  const problem = type ? problemOf(group, type, row) : unknownType(row.lmpType);
  group.problem ??= problem;
  if (type) group.prices[type] = row.price;
}

function problemOf(group: Group, type: LmpType, row: LmpRow): Problem | undefined {
  const known = group.prices[type];
  const sameInOtherWords = DATA_ITEMS.get(row.dataItem) ?? type;
  if (row.cutOff) return { code: 'NOT_THE_FORMAT', reason: 'the last line has no line end and may be cut off' };
  if (sameInOtherWords !== type) {
    return { code: 'NOT_THE_FORMAT', reason: `LMP_TYPE is ${type} but XML_DATA_ITEM is ${row.dataItem}` };
  }
  if (known !== undefined && known !== row.price) {
    return { code: 'BAD_VALUE', reason: `two ${type} rows that differ: "${known}" and "${row.price}"` };
  }
  return undefined;
}

function unknownType(lmpType: string): Problem {
  return { code: 'NOT_THE_FORMAT', reason: `LMP_TYPE is "${lmpType}", expected one of ${LMP_TYPES.join(', ')}` };
}

async function pivoted(
  groups: ReadonlyMap<string, Group>,
  report: Report,
  rejects: Reject[],
): Promise<Decoded<LmpFact>> {
  const instantOf = rememberedInstants();
  const facts: LmpFact[] = [];
  const places = createToldPlaces();
  let judged = 0;
  for (const group of groups.values()) {
    const outcome = judge(group, report, instantOf);
    if ('reason' in outcome) rejects.push(rejectOf(outcome, group.header, group.lines));
    else {
      facts.push(outcome);
      if (places.isNew(outcome.node)) places.tell(outcome.node, placeSaidBy(group));
    }
    if (++judged % GROUPS_PER_TURN === 0) await letOthersRun();
  }
  facts.sort((a, b) => a.startAt - b.startAt);
  return { facts, rejects, ...places.since(facts[0]?.startAt) };
}

function judge(group: Group, report: Report, instantOf: (text: string) => number | undefined): LmpFact | Problem {
  if (group.problem) return group.problem;
  const node = nodeNameFrom('CAISO', group.node);
  if (!node) return { code: 'MISSING_FIELD', reason: 'NODE is blank or longer than 200 characters' };
  const interval = intervalOf(instantOf(group.start), instantOf(group.end), report);
  if (!interval) return badTime(group, report);
  const prices = numbersFrom(group.prices);
  if ('reason' in prices) return prices;
  const { LMP: lmp, MCE: energy = null, MCC: congestion = null, MCL: loss = null, MGHG: ghg = null } = prices;
  if (lmp === undefined) {
    const where = `${group.node} at ${group.start}`;
    return { code: 'MISSING_FIELD', reason: `no LMP for ${where}: its row is missing or its price is blank` };
  }
  return { node, run: report.run, ...interval, lmp, energy, congestion, loss, ghg };
}

/** @returns undefined where the instants are no interval of the run: its length, on its grid. */
function intervalOf(startAt: number | undefined, endAt: number | undefined, report: Report) {
  const lengthMs = intervalMsOf(report);
  if (startAt === undefined || endAt !== startAt + lengthMs || startAt % lengthMs !== 0) return undefined;
  return { startAt, endAt };
}

function badTime(group: Group, report: Report): Problem {
  const expected = `${intervalMsOf(report) / MINUTE_MS} minutes on the grid of ${report.marketRunId}`;
  return { code: 'BAD_TIME', reason: `the interval is "${group.start}" to "${group.end}", expected ${expected}` };
}

/** Blank is not 0: a blank price is left out. */
function numbersFrom(texts: Group['prices']): Partial<Record<LmpType, number>> | Problem {
  const numbers: Partial<Record<LmpType, number>> = {};
  for (const type of LMP_TYPES) {
    const text = texts[type];
    if (text === undefined || text === '') continue;
    const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value)) {
      return { code: 'BAD_VALUE', reason: `${type} is "${text}", expected a finite decimal number` };
    }
    numbers[type] = value;
  }
  return numbers;
}

/** A file has few different instants and names each of them very often. */
function rememberedInstants(): (text: string) => number | undefined {
  const known = new Map<string, number | undefined>();
  return (text) => {
    if (!known.has(text)) known.set(text, parseInstant(text));
    return known.get(text);
  };
}

function rejectOf(problem: Problem, header: string, lines: readonly string[]): Reject {
  return { ...problem, raw: Buffer.from(`${[header, ...lines].join('\n')}\n`) };
}

function malformed(message: string): BusbarError {
  return new BusbarError('MALFORMED', message);
}
