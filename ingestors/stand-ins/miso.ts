import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { dayAt, dayFile, dayStart, display, FILES, FIVE_MINUTES_MS, pricingRows } from './miso-documents.ts';

/**
 * A local server that speaks for MISO's three hosts: the market reports, the five-minute display and the pricing API, with its
 * key, its pages, its limit and its false 404. It checks requests on its own account and shares no code with the feed.
 *
 * Not simulated: ex-ante prices, other products, and what MISO's page for a missing file looks like.
 */
export interface MisoOptions {
  /** What time it is; decides what is published and who asks too often. Milliseconds UTC. */
  readonly now: () => number;
  readonly nodes: readonly string[];
  /** Key that the pricing API takes. */
  readonly key?: string;
  /** Rows of a page of the pricing API; 100. */
  readonly pageRows?: number;
  /** Requests a minute that the pricing API takes; 100. */
  readonly perMinuteMax?: number;
  /** Files that MISO never published, as in `20251105_da_expost_lmp.csv`. */
  readonly missing?: readonly string[];
}

/** An answer instead of the right one: a status, a page with status 200, half of the right answer, or none at all. */
export type MisoFault =
  | { readonly status: number }
  | { readonly page: true }
  | { readonly half: true }
  | { readonly stallMs: number };

export interface Miso {
  /** Base URL of all three hosts. */
  readonly url: string;
  /** Path and query of every request so far, in the order of arrival. */
  readonly requests: readonly string[];
  /** The next answers go wrong, one after the other. */
  failNext(...faults: readonly MisoFault[]): void;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function startMiso(options: MisoOptions): Promise<Miso> {
  const requests: string[] = [];
  const faults: MisoFault[] = [];
  const asked: number[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    requests.push(url.pathname.slice(1) + url.search);
    const fault = faults.shift();
    if (fault && 'stallMs' in fault) return stall(response, fault.stallMs);
    send(
      response,
      faulty(fault, () => answerTo(url, request.headers, options, asked)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
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

const PAGE = '<!DOCTYPE html>\n<html><body><h1>Just a moment</h1></body></html>\n';
const NOT_FOUND: Answer = { status: 404, text: PAGE };

function faulty(fault: MisoFault | undefined, right: () => Answer): Answer {
  if (fault && 'status' in fault) return { status: fault.status, text: 'try again later' };
  if (fault && 'page' in fault) return { status: 200, text: PAGE };
  const answer = right();
  return fault ? { ...answer, text: answer.text.slice(0, answer.text.length / 2) } : answer;
}

function answerTo(url: URL, headers: IncomingHttpHeaders, options: MisoOptions, asked: number[]): Answer {
  const [room, ...rest] = url.pathname.slice(1).split('/');
  if (room === 'marketreports') return fileAnswer(rest.join('/'), options);
  if (room === 'api') return displayAnswer(rest.join('/'), options);
  if (room === 'pricing') return pricingAnswer(url, headers, options, asked);
  return NOT_FOUND;
}

function fileAnswer(name: string, { now, nodes, missing = [] }: MisoOptions): Answer {
  const [, year, month, day, report = ''] = /^(\d{4})(\d{2})(\d{2})_(\w+)\.csv$/.exec(name) ?? [];
  const kind = FILES[report];
  const start = dayStart(`${year}-${month}-${day}`);
  if (!kind || missing.includes(name) || Number.isNaN(start) || start < dayStart('2023-01-01')) return NOT_FOUND;
  if (now() < kind.from(start) || now() >= kind.until(start)) return NOT_FOUND;
  // Some files have a blank line before the header and some have none.
  const text = dayFile(kind, start, nodes, Number(day) % 2 === 0);
  return { status: 200, text, headers: { 'last-modified': new Date(kind.from(start)).toUTCString() } };
}

/** What is complete so far: an interval is published when it has ended. */
function displayAnswer(path: string, { now, nodes }: MisoOptions): Answer {
  const form = /^MarketPricing\/GetRealTimeFiveMinExPost\/(Current|Rolling|Previous)$/.exec(path)?.[1];
  const today = dayStart(dayAt(now()));
  const published = Math.floor(now() / FIVE_MINUTES_MS) * FIVE_MINUTES_MS;
  if (form === 'Current') return json(display(published - FIVE_MINUTES_MS, published, nodes));
  if (form === 'Rolling') return json(display(today, published, nodes));
  if (form === 'Previous') return json(display(dayStart(dayAt(today - 1)), today, nodes));
  return NOT_FOUND;
}

function pricingAnswer(url: URL, headers: IncomingHttpHeaders, options: MisoOptions, asked: number[]): Answer {
  const [, market, day = ''] = /^\/pricing\/v1\/(day-ahead|real-time)\/([\d-]+)\/lmp-expost$/.exec(url.pathname) ?? [];
  if (options.key === undefined || headers['ocp-apim-subscription-key'] !== options.key)
    return said(401, 'statusCode', 'message', 'Access denied due to invalid subscription key.');
  asked.push(options.now());
  const lately = asked.filter((at) => at > options.now() - 60_000).length;
  if (lately > (options.perMinuteMax ?? 100)) return said(429, 'statusCode', 'message', 'Rate limit is exceeded.');
  if (market === undefined) return said(404, 'statusCode', 'message', 'Resource not found');
  const rows = pricingRowsOf(url.searchParams, market, dayStart(day), options);
  const pageRows = options.pageRows ?? 100;
  const pageNumber = Number(url.searchParams.get('pageNumber') ?? 1);
  const data = rows.slice((pageNumber - 1) * pageRows, pageNumber * pageRows);
  if (data.length === 0) return said(404, 'status', 'reason', 'Empty data returned for date');
  const totalPages = Math.ceil(rows.length / pageRows);
  return json(
    JSON.stringify({ data, page: { pageNumber, pageSize: pageRows, totalPages, lastPage: pageNumber === totalPages } }),
  );
}

/** An hour with a leading zero has no rows, and so gets the false 404. */
function pricingRowsOf(parameters: URLSearchParams, market: string, start: number, { nodes, now }: MisoOptions) {
  const isFiveMinute = market === 'real-time' && parameters.get('timeResolution') === '5min';
  const isFinal = parameters.get('preliminaryFinal') !== 'Preliminary';
  const from =
    FILES[market === 'day-ahead' ? 'da_expost_lmp' : isFinal ? 'rt_lmp_final' : 'rt_lmp_prelim']?.from(start);
  if (from === undefined || Number.isNaN(start) || now() < from) return [];
  const wanted = nodes.filter((node) => node === (parameters.get('node') ?? node));
  const priced = market === 'day-ahead' ? 'day-ahead' : isFinal ? 'real-time' : 'preliminary';
  const stepMs = isFiveMinute ? FIVE_MINUTES_MS : 3_600_000;
  const interval = parameters.get('interval');
  return pricingRows(priced, start, start + 86_400_000, stepMs, wanted).filter(
    (row) => interval === null || row.interval === interval,
  );
}

function json(text: string): Answer {
  return { status: 200, text, headers: { 'content-type': 'application/json' } };
}

function said(status: number, code: string, why: string, text: string): Answer {
  return { status, text: JSON.stringify({ [code]: status, [why]: text }, null, 2) };
}

function stall(response: ServerResponse, stallMs: number): void {
  const ending = setTimeout(() => response.destroy(), stallMs);
  response.once('close', () => clearTimeout(ending));
}

function send(response: ServerResponse, { status, text, headers = {} }: Answer): void {
  const bytes = Buffer.from(text);
  response.writeHead(status, { ...headers, 'content-length': bytes.length });
  response.end(bytes);
}
