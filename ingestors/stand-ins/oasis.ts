import { csvTurned, csvWithout } from './columns.ts';
import { errorAnswer, plain, type TextMember, zipped } from './oasis-answer.ts';
import {
  correctionOf,
  type MadeCorrection,
  madeCorrection,
  noticeOf,
  type OasisCorrection,
} from './oasis-corrections.ts';
import { csvOf, pacific, type StandInReport } from './oasis-report.ts';
import { type Asked, correctionsAsked, publishedStarts, reportAsked, type TradeDate } from './oasis-requests.ts';
import {
  type Answer,
  type Outcome,
  type StandIn,
  type StandInOptions,
  type StandInRequest,
  startStandIn,
} from './stand-in.ts';
import type { OpenTrouble, ToldTrouble } from './trouble.ts';

/**
 * A local server that speaks CAISO's OASIS: SingleZip for the four LMP reports and GroupZip for price corrections, with
 * its limits, its errors (XML in a zip, HTTP 200) and its ways to throttle. It checks requests on its own account and
 * shares no code with the feed.
 *
 * Not simulated: XML data (a request without `resultformat=6` is answered 501), other groups, and what OASIS does with a
 * request that names neither nodes nor a group (here 1016) or more than one trade date (here 1018).
 */
export interface OasisOptions extends StandInOptions {
  readonly nodes: readonly string[];
  readonly seed?: number;
  readonly limits?: Partial<OasisLimits>;
  /**
   * What the correction group holds: a notice, which tells what was corrected and leaves the prices to the reports, as it
   * seems to be; or the corrected prices in the columns of the reports.
   */
  readonly corrections?: 'notice' | 'prices';
}

export interface OasisLimits {
  /** Least time between two requests; 5,000 ms as CAISO has it. */
  readonly spacingMs: number;
  /** How it says that it is asked too often: status 429, or an HTML page with status 200. */
  readonly throttle: 'status' | 'page';
}

/** A trouble, or an error code of OASIS, which comes with status 200. */
export type OasisFault = OpenTrouble | ToldTrouble | OasisError;

export interface OasisError {
  readonly oasisCode: number;
}

/** `url` is as in `CAISO_OASIS_URL`. */
export interface Oasis extends StandIn<OasisFault, OasisLogEntry> {
  /** Changes published prices, as of now: the reports have the new ones, and the correction group tells. */
  correct(correction: OasisCorrection): void;
}

export interface OasisLogEntry {
  readonly at: number;
  /** SingleZip or GroupZip. */
  readonly form: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Status and member names, `200 error 1000`, `stall` or `cut`. */
  readonly answer: string;
  /** True where the answer was a fault that somebody asked for, and not what OASIS makes of the request. */
  readonly injected: boolean;
}

/** What the stand-in knows at one request. */
interface Situation {
  readonly options: OasisOptions;
  readonly now: number;
  readonly corrections: readonly MadeCorrection[];
  /** What becomes of a table before it is sent. */
  readonly written: (csv: string) => string;
}

export async function startOasis(options: OasisOptions): Promise<Oasis> {
  const corrections: MadeCorrection[] = [];
  const { spacingMs = 5000, throttle = 'status' } = options.limits ?? {};
  const answered = ({ url, now }: StandInRequest, written: Situation['written'] = (csv) => csv) =>
    answerTo(url, { options, now, corrections, written });
  const standIn = await startStandIn<OasisError, OasisLogEntry, OpenTrouble>(options, {
    path: '/oasisapi',
    limit: spacingMs > 0 ? { requests: 1, windowMs: spacingMs } : undefined,
    answer: (request) => answered(request),
    forms: {
      status: (status) => plain(status, 'try again later'),
      throttled: () => (throttle === 'page' ? TOO_MANY : plain(429, 'try again later')),
      noData: ({ now }) => errorAnswer(1000, 'NO_DATA.xml', now),
      withoutColumn: (request) => answered(request, (csv) => csvWithout(csv, 'LMP_TYPE')),
      turned: (request) => answered(request, (csv) => csvTurned(csv, 'LMP_TYPE')),
      page: TOO_MANY_PAGE,
    },
    own: ({ oasisCode }, { now }) => errorAnswer(oasisCode, 'INVALID_REQUEST.xml', now),
    entry: logEntry,
  });
  return Object.assign(standIn, {
    correct: (correction: OasisCorrection) => {
      corrections.push(madeCorrection(correction, options.now()));
    },
  });
}

/** Throttling can come with status 200. */
const TOO_MANY_PAGE = '<!DOCTYPE html>\n<html><body><h1>Too many requests</h1></body></html>\n';
const TOO_MANY: Answer = { status: 200, type: 'text/html', name: 'page', body: TOO_MANY_PAGE };

function answerTo({ pathname, searchParams }: URL, situation: Situation): Answer {
  const form = /^\/oasisapi\/(SingleZip|GroupZip)$/.exec(pathname)?.[1];
  if (form === undefined) return plain(404, 'not found');
  if (searchParams.get('resultformat') !== '6') return plain(501, 'the stand-in has no XML data');
  return form === 'GroupZip' ? answerToGroup(searchParams, situation) : answerToReport(searchParams, situation);
}

function answerToReport(parameters: URLSearchParams, situation: Situation): Answer {
  const { options, now } = situation;
  const asked = reportAsked(parameters, options.nodes, now);
  if (typeof asked === 'number') return errorAnswer(asked, 'INVALID_REQUEST.xml', now);
  if (asked.starts.length === 0 || asked.nodes.length === 0)
    return errorAnswer(1000, `${memberName(asked, now)}.xml`, now);
  return zipped([priced(asked, situation)]);
}

function answerToGroup(parameters: URLSearchParams, situation: Situation): Answer {
  const { options, now } = situation;
  const day = correctionsAsked(parameters, now);
  if (typeof day === 'number') return errorAnswer(day, 'INVALID_REQUEST.xml', now);
  const made = situation.corrections.filter(({ from }) => from === day.from);
  const name = `${compactDate(day.from)}_PRC_CORR_GRP_${compactTime(now)}_v1`;
  if (made.length === 0) return errorAnswer(1000, `${name}.xml`, now);
  if (options.corrections === 'prices') return zipped(correctedMembers(made, day, situation));
  return zipped([{ name: `${name}.csv`, text: noticeOf(made, day.from, now) }]);
}

/** A member for each report, with the corrected nodes. */
function correctedMembers(made: readonly MadeCorrection[], day: TradeDate, situation: Situation): TextMember[] {
  return [...new Set(made.map(({ report }) => report))].map((report) => {
    const nodes = [...new Set(made.filter((each) => each.report === report).map(({ node }) => node))];
    const version = newestVersionOf(report);
    return priced(
      { report, version, nodes, ...day, starts: publishedStarts(report, day.from, day.to, situation.now) },
      situation,
    );
  });
}

function newestVersionOf({ versions }: StandInReport): string {
  return Object.keys(versions).at(-1) ?? '';
}

function priced(asked: Asked, { options, now, corrections, written }: Situation): TextMember {
  const correction = (node: string, start: number) => correctionOf(corrections, asked.report, node, start);
  return {
    name: `${memberName(asked, now)}.csv`,
    text: written(csvOf({ ...asked, seed: options.seed ?? 1, correction })),
  };
}

/** `20240101_20240115_PRC_HASP_LMP_HASP_20240116_10_39_53_v3`, the request's days and the time of the answer. */
function memberName({ report, version, from, to }: Asked, now: number): string {
  const days = [from, to].map((ms) => new Date(ms).toISOString().slice(0, 10).replaceAll('-', '')).join('_');
  return `${days}_${report.name}_${report.marketRunId}_${compactTime(now)}_v${version}`;
}

function compactTime(instantMs: number): string {
  const local = pacific(instantMs);
  const time = [local.hour, local.minute, local.second].map((part) => String(part).padStart(2, '0')).join('_');
  return `${compactDate(instantMs)}_${time}`;
}

function compactDate(instantMs: number): string {
  return pacific(instantMs).toPlainDate().toString().replaceAll('-', '');
}

function logEntry({ url, now }: StandInRequest, outcome: Outcome, injected: boolean): OasisLogEntry {
  return {
    at: now,
    form: url.pathname.slice(url.pathname.lastIndexOf('/') + 1),
    parameters: Object.fromEntries(url.searchParams),
    answer: typeof outcome === 'string' ? outcome : `${outcome.status} ${outcome.name}`,
    injected,
  };
}
