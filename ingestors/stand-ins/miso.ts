import { csvTurned, csvWithout, jsonTurned, jsonWithout } from './columns.ts';
import { dayAt, dayFile, dayStart, display, FILES, FIVE_MINUTES_MS, pricingRows } from './miso-documents.ts';
import {
  type Answer,
  MINUTE_LIMIT_MS,
  type RequestLimit,
  type StandIn,
  type StandInOptions,
  type StandInRequest,
  startStandIn,
} from './stand-in.ts';
import type { ToldTrouble, Trouble } from './trouble.ts';

/**
 * A local server that speaks for MISO's three hosts: the market reports, the five-minute display and the pricing API, with its
 * key, its pages, its limit and its false 404. It checks requests on its own account and shares no code with the feed.
 *
 * Not simulated: ex-ante prices, other products, and what MISO's page for a missing file looks like.
 */
export interface MisoOptions extends StandInOptions {
  readonly nodes: readonly string[];
  /** Key that the pricing API takes. */
  readonly key?: string;
  /** Rows of a page of the pricing API; 100. */
  readonly pageRows?: number;
  /** Of the pricing API; 100 a minute. */
  readonly limit?: RequestLimit;
  /** Files that MISO never published, as in `20251105_da_expost_lmp.csv`. */
  readonly missing?: readonly string[];
}

/** `url` is that of all three hosts. The log has the path and query of each request. */
export type Miso = StandIn<Trouble | ToldTrouble, string>;

export async function startMiso(options: MisoOptions): Promise<Miso> {
  return startStandIn<never, string>(options, {
    path: '',
    limit: options.limit ?? { requests: 100, windowMs: MINUTE_LIMIT_MS },
    isLimited: (request) => isPricing(request) && hasKey(request, options),
    answer: (request) => answerTo(request, options),
    forms: {
      status: (status) => ({ status, type: 'text/plain', body: 'try again later' }),
      throttled: () => said(429, 'statusCode', 'message', 'Rate limit is exceeded.'),
      unauthorized: () => UNAUTHORIZED,
      noData: ({ url }) =>
        url.pathname.startsWith('/pricing/')
          ? NO_ROWS
          : url.pathname.startsWith('/api/')
            ? json(display(0, 0, []))
            : NOT_FOUND,
      withoutColumn: (_, right) => changed(right(), (csv) => csvWithout(csv, 'Value'), withoutPrices),
      turned: (_, right) => changed(right(), (csv) => csvTurned(csv, 'Value', 1), turned),
      page: PAGE,
    },
    entry: ({ target }) => target.slice(1),
  });
}

function isPricing({ url }: StandInRequest): boolean {
  return url.pathname.startsWith('/pricing/');
}

function hasKey({ headers }: StandInRequest, { key }: MisoOptions): boolean {
  return key !== undefined && headers['ocp-apim-subscription-key'] === key;
}

const PAGE = '<!DOCTYPE html>\n<html><body><h1>Just a moment</h1></body></html>\n';
const NOT_FOUND: Answer = { status: 404, type: 'text/html', body: PAGE };
const UNAUTHORIZED = said(401, 'statusCode', 'message', 'Access denied due to invalid subscription key.');
const NO_ROWS = said(404, 'status', 'reason', 'Empty data returned for date');

function changed(right: Answer, csv: (text: string) => string, table: (text: string) => string): Answer {
  if (right.status !== 200) return right;
  const body = String(right.body);
  return { ...right, body: body.startsWith('{') ? table(body) : csv(body) };
}

interface Display {
  readonly headers: readonly string[];
  readonly data: readonly (readonly string[])[];
}

/** The display's rows are positional; those of the pricing API are not. */
function isDisplay(table: object): table is Display {
  return 'headers' in table;
}

function turned(text: string): string {
  const table: object = JSON.parse(text);
  if (!isDisplay(table)) return jsonTurned(text);
  const reversed = { headers: table.headers.toReversed(), data: table.data.map((row) => row.toReversed()) };
  return JSON.stringify({ ...table, ...reversed });
}

function withoutPrices(text: string): string {
  const table: object = JSON.parse(text);
  if (!isDisplay(table)) return jsonWithout(text, 'lmp');
  const place = table.headers.indexOf('LMP');
  const without = (row: readonly string[]) => row.filter((_, i) => i !== place);
  return JSON.stringify({ ...table, headers: without(table.headers), data: table.data.map(without) });
}

function answerTo(request: StandInRequest, options: MisoOptions): Answer {
  const [room, ...rest] = request.url.pathname.slice(1).split('/');
  if (room === 'marketreports') return fileAnswer(rest.join('/'), options);
  if (room === 'api') return displayAnswer(rest.join('/'), options);
  return room === 'pricing' ? pricingAnswer(request, options) : NOT_FOUND;
}

function fileAnswer(name: string, { now, nodes, missing = [] }: MisoOptions): Answer {
  const [, year, month, day, report = ''] = /^(\d{4})(\d{2})(\d{2})_(\w+)\.csv$/.exec(name) ?? [];
  const kind = FILES[report];
  const start = dayStart(`${year}-${month}-${day}`);
  if (!kind || missing.includes(name) || Number.isNaN(start) || start < dayStart('2023-01-01')) return NOT_FOUND;
  if (now() < kind.from(start) || now() >= kind.until(start)) return NOT_FOUND;
  // Some files have a blank line before the header and some have none.
  const text = dayFile(kind, start, nodes, Number(day) % 2 === 0);
  return {
    status: 200,
    type: 'text/csv',
    body: text,
    headers: { 'last-modified': new Date(kind.from(start)).toUTCString() },
  };
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

function pricingAnswer(request: StandInRequest, options: MisoOptions): Answer {
  const { url } = request;
  const [, market, day = ''] = /^\/pricing\/v1\/(day-ahead|real-time)\/([\d-]+)\/lmp-expost$/.exec(url.pathname) ?? [];
  if (!hasKey(request, options)) return UNAUTHORIZED;
  if (market === undefined) return said(404, 'statusCode', 'message', 'Resource not found');
  const rows = pricingRowsOf(url.searchParams, market, dayStart(day), options);
  const pageRows = options.pageRows ?? 100;
  const pageNumber = Number(url.searchParams.get('pageNumber') ?? 1);
  const data = rows.slice((pageNumber - 1) * pageRows, pageNumber * pageRows);
  if (data.length === 0) return NO_ROWS;
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

function json(body: string): Answer {
  return { status: 200, type: 'application/json', body };
}

function said(status: number, code: string, why: string, text: string): Answer {
  return { status, type: 'application/json', body: JSON.stringify({ [code]: status, [why]: text }, null, 2) };
}
