import { createServer, type ServerResponse } from 'node:http';
import { csvOf, pacific, STAND_IN_REPORTS, type StandInReport } from './oasis-report.ts';
import { zipOf } from './zip-writer.ts';

/**
 * A local server that speaks CAISO's OASIS: SingleZip for the four LMP reports, with its limits, its errors (XML in a
 * zip, HTTP 200) and its ways to throttle. It checks requests on its own account and shares no table with the feed.
 *
 * Not simulated: XML data (a request without `resultformat=6` is answered 501), GroupZip, and what OASIS does with a
 * request that names neither nodes nor a group (here 1016).
 */
export interface OasisOptions {
  /** What time it is; decides what is published and who asks too often. Milliseconds UTC. */
  readonly now: () => number;
  readonly nodes: readonly string[];
  readonly seed?: number;
  readonly port?: number;
  readonly limits?: Partial<OasisLimits>;
}

export interface OasisLimits {
  /** Least time between two requests; 5,000 ms as CAISO has it. */
  readonly spacingMs: number;
  /** How it says that it is asked too often: status 429, or an HTML page with status 200. */
  readonly throttle: 'status' | 'page';
}

/** An answer to be given once instead of the right one: a status, a page, an error code of OASIS, or half a zip. */
export type Fault =
  | { readonly status: number }
  | { readonly page: true }
  | { readonly oasisCode: number }
  | { readonly damaged: true };

export interface Oasis {
  /** Base URL, as in `CAISO_OASIS_URL`. */
  readonly url: string;
  /** Parameters of every request so far, and the answer's status and member name. */
  readonly requests: readonly OasisLogEntry[];
  /** The next answers go wrong, one after the other. */
  failNext(...faults: readonly Fault[]): void;
  close(): Promise<void>;
}

export interface OasisLogEntry {
  readonly at: number;
  readonly parameters: Readonly<Record<string, string>>;
  readonly answer: string;
}

const ERRORS: Readonly<Record<number, string>> = {
  1000: 'No data returned for the specified selection',
  1001: 'No data returned for the specified market run',
  1002: 'Invalid date format, please use valid date format',
  1003: 'Timed out waiting for query response',
  1004: 'Data can be requested for period of 31 days only',
  1005: 'Report name does not exist, please use valid report name',
  1014: 'The start date is too old',
  1015: 'The request is in processing',
  1016: 'Invalid group',
  1017: 'At most 10 nodes can be requested',
  1018: 'Multiple hours cannot be requested for all nodes',
  1020: 'Invalid version',
};

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export async function startOasis(options: OasisOptions): Promise<Oasis> {
  const requests: OasisLogEntry[] = [];
  const faults: Fault[] = [];
  let lastAt = Number.NEGATIVE_INFINITY;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const at = options.now();
    const answer = answerTo(url, options, faults.shift(), at - lastAt);
    lastAt = at;
    requests.push({ at, parameters: Object.fromEntries(url.searchParams), answer: `${answer.status} ${answer.name}` });
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
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly name: string;
  readonly bytes: Buffer;
}

function answerTo(url: URL, options: OasisOptions, fault: Fault | undefined, sinceLastMs: number): Answer {
  const { spacingMs = 5000, throttle = 'status' } = options.limits ?? {};
  if (fault) return answerFor(fault, options.now());
  if (sinceLastMs < spacingMs) return answerFor(throttle === 'page' ? { page: true } : { status: 429 }, options.now());
  if (url.pathname !== '/oasisapi/SingleZip') return plain(404, 'not found');
  if (url.searchParams.get('resultformat') !== '6') return plain(501, 'the stand-in has no XML data');
  const asked = requestFrom(url.searchParams, options);
  if (typeof asked === 'number') return errorAnswer(asked, 'INVALID_REQUEST.xml', options.now());
  const csv =
    asked.starts.length > 0 && asked.nodes.length > 0 ? csvOf({ ...asked, seed: options.seed ?? 1 }) : undefined;
  const name = memberName(asked, options.now());
  if (csv === undefined) return errorAnswer(1000, `${name}.xml`, options.now());
  return zipped(`${name}.csv`, csv);
}

interface Asked {
  readonly report: StandInReport;
  readonly version: string;
  readonly nodes: readonly string[];
  readonly starts: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** @returns an error code where the request breaks a rule. */
function requestFrom(parameters: URLSearchParams, options: OasisOptions): Asked | number {
  const report = STAND_IN_REPORTS.find((each) => each.name === parameters.get('queryname'));
  if (!report) return 1005;
  const version = parameters.get('version') ?? '';
  if (!Object.hasOwn(report.versions, version)) return 1020;
  const from = instantFrom(parameters.get('startdatetime'));
  const to = instantFrom(parameters.get('enddatetime'));
  if (from === undefined || to === undefined || to <= from) return 1002;
  if (to - from > 31 * DAY_MS) return 1004;
  if (from < pacific(options.now()).subtract({ months: 39 }).epochMilliseconds) return 1014;
  if (report.marketRunParameter !== null && parameters.get('market_run_id') !== report.marketRunParameter) return 1001;
  const nodes = nodesFrom(parameters, options, report, to - from);
  if (typeof nodes === 'number') return nodes;
  return { report, version, nodes, from, to, starts: publishedStarts(report, from, to, options.now()) };
}

function nodesFrom(parameters: URLSearchParams, options: OasisOptions, report: StandInReport, lengthMs: number) {
  const group = parameters.get('grp_type');
  if (group === 'ALL' || group === 'ALL_APNODES') {
    if (lengthMs > (report.name === 'PRC_LMP' ? DAY_MS : HOUR_MS)) return 1018;
    return options.nodes;
  }
  const asked = (parameters.get('node') ?? '').split(',').filter(Boolean);
  if (group !== null || asked.length === 0) return 1016;
  return asked.length > 10 ? 1017 : asked.filter((node) => options.nodes.includes(node));
}

/** `20240101T07:00-0000` */
function instantFrom(text: string | null): number | undefined {
  const parts = /^(\d{4})(\d{2})(\d{2})T(\d{2}:\d{2})-0000$/.exec(text ?? '');
  const ms = parts ? Date.parse(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}Z`) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function publishedStarts(report: StandInReport, from: number, to: number, now: number): number[] {
  const lengthMs = report.intervalMinutes * 60_000;
  const published = publishedUntil(report, now);
  const starts: number[] = [];
  for (let start = Math.ceil(from / lengthMs) * lengthMs; start < to && start < published; start += lengthMs)
    starts.push(start);
  return starts;
}

/** Day-ahead: tomorrow from 13:00 Pacific on. Hour-ahead: to the end of the next hour. Real time: what has begun. */
function publishedUntil(report: StandInReport, now: number): number {
  if (report.name === 'PRC_HASP_LMP') return Math.floor(now / HOUR_MS) * HOUR_MS + 2 * HOUR_MS;
  if (report.name !== 'PRC_LMP') return now;
  const local = pacific(now);
  return local.startOfDay().add({ days: local.hour >= 13 ? 2 : 1 }).epochMilliseconds;
}

/** `20240101_20240115_PRC_HASP_LMP_HASP_20240116_10_39_53_v3`, the request's days and the time of the answer. */
function memberName({ report, version, from, to }: Asked, now: number): string {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10).replaceAll('-', '');
  const local = pacific(now);
  const time = [local.hour, local.minute, local.second].map((part) => String(part).padStart(2, '0')).join('_');
  const date = local.toPlainDate().toString().replaceAll('-', '');
  return `${day(from)}_${day(to)}_${report.name}_${report.marketRunId}_${date}_${time}_v${version}`;
}

function answerFor(fault: Fault, now: number): Answer {
  if ('oasisCode' in fault) return errorAnswer(fault.oasisCode, 'INVALID_REQUEST.xml', now);
  if ('damaged' in fault) {
    const whole = errorAnswer(1000, 'DAMAGED.xml', now);
    return { ...whole, name: 'damaged', bytes: whole.bytes.subarray(0, whole.bytes.length / 2) };
  }
  if ('status' in fault) return plain(fault.status, 'try again later');
  const page = '<!DOCTYPE html>\n<html><body><h1>Too many requests</h1></body></html>\n';
  return { status: 200, type: 'text/html', name: 'page', bytes: Buffer.from(page) };
}

function errorAnswer(code: number, name: string, now: number): Answer {
  const document = `<?xml version="1.0" encoding="UTF-8"?>
<m:OASISReport xmlns:m="http://www.caiso.com/soa/OASISReport_v1.xsd">
<m:MessageHeader><m:TimeDate>${new Date(now).toISOString()}</m:TimeDate><m:Source>OASIS</m:Source></m:MessageHeader>
<m:MessagePayload><m:RTO><m:name>CAISO</m:name>
<m:ERROR><m:ERR_CODE>${code}</m:ERR_CODE><m:ERR_DESC>${ERRORS[code] ?? 'Unknown'}</m:ERR_DESC></m:ERROR>
</m:RTO></m:MessagePayload></m:OASISReport>
`;
  return zipped(name, document, `error ${code}`);
}

function zipped(name: string, text: string, what = name): Answer {
  return {
    status: 200,
    type: 'application/x-zip-compressed',
    name: what,
    bytes: zipOf([{ name, bytes: Buffer.from(text) }]),
  };
}

function plain(status: number, text: string): Answer {
  return { status, type: 'text/plain', name: text, bytes: Buffer.from(`${text}\n`) };
}

function send(response: ServerResponse, { status, type, bytes }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length });
  response.end(bytes);
}
