import { setImmediate as letOthersRun } from 'node:timers/promises';
import { BusbarError } from '../../../domain/errors.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import type { Decoded, Payload, Reject } from '../../feed.ts';
import { createToldPlaces } from '../../sources/told-places.ts';
import { isObject, type Page, pageFrom, pageTexts } from './pages.ts';
import { placeSaidIn } from './places.ts';
import { isReportName, type ReportName, reportNamedIn } from './reports.ts';
import { assertColumns, type Problem, type Row, readRow } from './rows.ts';

/** Rows between two pauses: some 10 ms of work, so that a large file does not stall live subscribers. */
const ROWS_PER_TURN = 5_000;

/**
 * Decodes what Data Miner 2 answers to a request for LMP: one page or several, or a file of them.
 *
 * @returns one fact a node and interval in the order of intervals; where a file has older versions of a price beside the
 *   current one, all of them, the oldest first. A reject's raw bytes are a page of the rows concerned, which can be decoded
 *   by itself.
 * @throws BusbarError `NO_DATA` where there are no rows; `MALFORMED` for what is no page, lacks a column, or does not say
 *   which report it is of; `SOURCE_REFUSED`, `THROTTLED` or `SOURCE_FAILED` where PJM says so.
 */
export async function decodePjmLmp(payload: Payload): Promise<Decoded<LmpFact>> {
  const pages = pageTexts(payload.bytes).map(pageFrom);
  if (pages.every(({ items }) => items.length === 0)) throw noData(pages);
  const report = reportOf(payload.name, pages);
  for (const page of pages) assertColumns(report, page);
  const { groups, rejects } = await gathered(report, pages);
  const facts: LmpFact[] = [];
  const places = createToldPlaces();
  for (const group of groups.values()) {
    const problem = problemIn(group);
    const [row] = group;
    if (row && !problem && places.isNew(row.fact.node)) places.tell(row.fact.node, placeSaidIn(row.item));
    if (problem)
      rejects.push(
        rejectOf(
          report,
          problem,
          group.map(({ item }) => item),
        ),
      );
    else facts.push(...withoutRepeats(group).map(({ fact }) => fact));
  }
  facts.sort((a, b) => a.startAt - b.startAt);
  return { facts, rejects, ...places.since(facts[0]?.startAt) };
}

function noData(pages: readonly Page[]): BusbarError {
  const total = Math.max(...pages.map(({ totalRows }) => totalRows ?? 0));
  if (total === 0) return new BusbarError('NO_DATA', 'PJM has no rows for the request');
  return new BusbarError('MALFORMED', `the page has none of the ${total} rows that it tells of`);
}

/**
 * Which report it is, by the payload's name and by the page's own links, which must not differ: the hourly and the 5-minute
 * report have the same columns.
 */
function reportOf(payloadName: string, pages: readonly Page[]): ReportName {
  const told = new Set(pages.flatMap((page) => reportLinkedIn(page) ?? []));
  const named = reportNamedIn(payloadName);
  if (named) told.add(named);
  if (told.size === 0 && pages.every(isDayAhead)) return 'da_hrl_lmps';
  const [name, ...others] = told;
  if (name === undefined)
    throw malformed('neither its name nor a link says which report it is: name the file after it');
  if (others.length > 0) throw malformed(`it is of ${[...told].join(' and of ')}: one payload is of one report`);
  if (!isReportName(name)) throw malformed(`it is of ${name}, which this feed does not read`);
  return name;
}

/** `https://api.pjm.com/api/v1/da_hrl_lmps/metadata`, or the request itself. */
function reportLinkedIn({ links }: Page): string | undefined {
  const href = links.get('metadata') ?? links.get('self');
  return href === undefined ? undefined : /([^/]+?)(?:\/metadata)?$/.exec(href.replace(/[?#].*$/s, ''))?.[1];
}

/** Only one report has these columns. */
function isDayAhead({ items }: Page): boolean {
  return items.every((item) => isObject(item) && Object.hasOwn(item, 'total_lmp_da'));
}

interface Gathered {
  /** The rows of each node and interval: mostly one. */
  readonly groups: ReadonlyMap<string, readonly GatheredRow[]>;
  readonly rejects: Reject[];
}

type GatheredRow = Row & { readonly item: unknown };

async function gathered(report: ReportName, pages: readonly Page[]): Promise<Gathered> {
  const groups = new Map<string, GatheredRow[]>();
  const rejects: Reject[] = [];
  let rows = 0;
  for (const item of pages.flatMap(({ items }) => items)) {
    const row = readRow(report, item);
    if ('reason' in row) rejects.push(rejectOf(report, row, [item]));
    else addTo(groups, { ...row, item });
    if (++rows % ROWS_PER_TURN === 0) await letOthersRun();
  }
  return { groups, rejects };
}

function addTo(groups: Map<string, GatheredRow[]>, row: GatheredRow): void {
  const key = `${row.fact.startAt} ${row.fact.node}`;
  const group = groups.get(key);
  if (!group) groups.set(key, [row]);
  else group.splice(group.findLastIndex(({ version }) => version <= row.version) + 1, 0, row);
}

/** What is wrong with the rows of one node and interval, by their versions. */
function problemIn(group: readonly GatheredRow[]): Problem | undefined {
  const [first] = group;
  const last = group.at(-1);
  if (!first || !last) return undefined;
  const where = `${first.fact.node} at ${new Date(first.fact.startAt).toISOString()}`;
  if (group.some(({ pnodeId }) => pnodeId !== first.pnodeId)) {
    const ids = [...new Set(group.map(({ pnodeId }) => pnodeId))].join(' and ');
    return { code: 'BAD_VALUE', reason: `${where} comes of two nodes of that name, pnode_id ${ids}` };
  }
  if (group.some((row, i) => row.version === group[i + 1]?.version && !isSame(row, group[i + 1]))) {
    return { code: 'BAD_VALUE', reason: `${where} comes twice in one version, with prices that differ` };
  }
  // Alone, a version that was replaced would replace the one that replaced it.
  if (!last.isCurrent || group.some(({ isCurrent, version }) => isCurrent && version < last.version)) {
    return { code: 'BAD_VALUE', reason: `${where}: the highest of its versions must be the current one, and come too` };
  }
  return undefined;
}

function isSame(row: GatheredRow, other: GatheredRow | undefined): boolean {
  return JSON.stringify([row.fact, row.isCurrent]) === JSON.stringify([other?.fact, other?.isCurrent]);
}

function withoutRepeats(group: readonly GatheredRow[]): readonly GatheredRow[] {
  return group.filter(({ version }, i) => version !== group[i + 1]?.version);
}

function rejectOf(report: ReportName, problem: Problem, items: readonly unknown[]): Reject {
  const links = [{ rel: 'metadata', href: `${report}/metadata` }];
  return { ...problem, raw: Buffer.from(JSON.stringify({ links, items })) };
}

function malformed(message: string): BusbarError {
  return new BusbarError('MALFORMED', message);
}
