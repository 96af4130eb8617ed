import { createServer, type ServerResponse } from 'node:http';
import {
  type Answer,
  answerFor,
  errorAnswer,
  plain,
  type SentAnswer,
  type TextMember,
  zipped,
} from './oasis-answer.ts';
import {
  correctionOf,
  type MadeCorrection,
  madeCorrection,
  noticeOf,
  type OasisCorrection,
} from './oasis-corrections.ts';
import { createFaultDice, type Fault, type RandomFaults } from './oasis-faults.ts';
import { csvOf, pacific, type StandInReport } from './oasis-report.ts';
import { type Asked, correctionsAsked, publishedStarts, reportAsked, type TradeDate } from './oasis-requests.ts';

/**
 * A local server that speaks CAISO's OASIS: SingleZip for the four LMP reports and GroupZip for price corrections, with
 * its limits, its errors (XML in a zip, HTTP 200) and its ways to throttle. It checks requests on its own account and
 * shares no table with the feed.
 *
 * Not simulated: XML data (a request without `resultformat=6` is answered 501), other groups, and what OASIS does with a
 * request that names neither nodes nor a group (here 1016) or more than one trade date (here 1018).
 */
export interface OasisOptions {
  /** What time it is; decides what is published and who asks too often. Milliseconds UTC. */
  readonly now: () => number;
  readonly nodes: readonly string[];
  readonly seed?: number;
  readonly port?: number;
  readonly limits?: Partial<OasisLimits>;
  /** Faults by chance, the same for the same seed. */
  readonly faults?: RandomFaults;
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

export interface Oasis {
  /** Base URL, as in `CAISO_OASIS_URL`. */
  readonly url: string;
  /** Every request so far, in the order of arrival. */
  readonly requests: readonly OasisLogEntry[];
  /** The next answers go wrong, one after the other. */
  failNext(...faults: readonly Fault[]): void;
  /** Changes published prices, as of now: the reports have the new ones, and the correction group tells. */
  correct(correction: OasisCorrection): void;
  close(): Promise<void>;
}

export interface OasisLogEntry {
  readonly at: number;
  /** SingleZip or GroupZip. */
  readonly form: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Status and member names, `200 error 1000`, or `stall`. */
  readonly answer: string;
  /** True where the answer was a fault that somebody asked for, and not what OASIS makes of the request. */
  readonly injected: boolean;
}

/** What the stand-in knows at one request. */
interface Situation {
  readonly options: OasisOptions;
  readonly now: number;
  readonly sinceLastMs: number;
  readonly corrections: readonly MadeCorrection[];
}

export async function startOasis(options: OasisOptions): Promise<Oasis> {
  const requests: OasisLogEntry[] = [];
  const faults: Fault[] = [];
  const corrections: MadeCorrection[] = [];
  const dice = createFaultDice(options.seed ?? 1, options.faults ?? { rates: [] });
  let lastAt = Number.NEGATIVE_INFINITY;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const now = options.now();
    const situation = { options, now, sinceLastMs: now - lastAt, corrections };
    lastAt = now;
    const wanted = faults.shift();
    const throttled = wanted ? undefined : throttling(situation);
    const fault = wanted ?? (throttled ? undefined : dice());
    const answer = fault ? answerFor(fault, now) : (throttled ?? answerTo(url, situation));
    requests.push(logEntry(url, now, answer, fault !== undefined));
    send(response, answer);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/oasisapi`,
    requests,
    failNext: (...next) => {
      faults.push(...next);
    },
    correct: (correction) => {
      corrections.push(madeCorrection(correction, options.now()));
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function throttling({ options, now, sinceLastMs }: Situation): Answer | undefined {
  const { spacingMs = 5000, throttle = 'status' } = options.limits ?? {};
  if (sinceLastMs >= spacingMs) return undefined;
  return answerFor(throttle === 'page' ? { page: true } : { status: 429 }, now);
}

function answerTo({ pathname, searchParams }: URL, situation: Situation): SentAnswer {
  const form = /^\/oasisapi\/(SingleZip|GroupZip)$/.exec(pathname)?.[1];
  if (form === undefined) return plain(404, 'not found');
  if (searchParams.get('resultformat') !== '6') return plain(501, 'the stand-in has no XML data');
  return form === 'GroupZip' ? answerToGroup(searchParams, situation) : answerToReport(searchParams, situation);
}

function answerToReport(parameters: URLSearchParams, situation: Situation): SentAnswer {
  const { options, now } = situation;
  const asked = reportAsked(parameters, options.nodes, now);
  if (typeof asked === 'number') return errorAnswer(asked, 'INVALID_REQUEST.xml', now);
  if (asked.starts.length === 0 || asked.nodes.length === 0)
    return errorAnswer(1000, `${memberName(asked, now)}.xml`, now);
  return zipped([priced(asked, situation)]);
}

function answerToGroup(parameters: URLSearchParams, situation: Situation): SentAnswer {
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

function priced(asked: Asked, { options, now, corrections }: Situation): TextMember {
  const correction = (node: string, start: number) => correctionOf(corrections, asked.report, node, start);
  return { name: `${memberName(asked, now)}.csv`, text: csvOf({ ...asked, seed: options.seed ?? 1, correction }) };
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

function logEntry({ pathname, searchParams }: URL, at: number, answer: Answer, injected: boolean): OasisLogEntry {
  return {
    at,
    form: pathname.slice(pathname.lastIndexOf('/') + 1),
    parameters: Object.fromEntries(searchParams),
    answer: 'stallMs' in answer ? 'stall' : `${answer.status} ${answer.name}`,
    injected,
  };
}

function send(response: ServerResponse, answer: Answer): void {
  if ('stallMs' in answer) {
    const ending = setTimeout(() => response.destroy(), answer.stallMs);
    response.once('close', () => clearTimeout(ending));
    return;
  }
  response.writeHead(answer.status, { 'content-type': answer.type, 'content-length': answer.bytes.length });
  response.end(answer.bytes);
}
