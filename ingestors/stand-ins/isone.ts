import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { Temporal } from 'temporal-polyfill';
import { answerOf, STAND_IN_LOCATIONS, STAND_IN_REPORTS, type StandInLocation } from './isone-report.ts';

/**
 * A local server that speaks the ISO-NE web services v1.1 as far as LMP goes: `…/day/YYYYMMDD`, of all locations or with
 * `/location/ID`. It checks user, format and path on its own account and shares no table with the feed.
 *
 * A guess: what is not to be had (an unknown location, a day without prices) is answered with a blank list, an impossible day
 * with status 400. Not simulated: the other ways to ask (`current`, `hour`, `starthour`), which are answered 404.
 */
export interface IsoneOptions {
  /** What time it is; decides what is published and who asks too often. Milliseconds UTC. */
  readonly now: () => number;
  readonly username: string;
  readonly password: string;
  readonly locations?: readonly StandInLocation[];
  readonly seed?: number;
  readonly port?: number;
  /** Least time between two requests, below which the answer is 429; 0, since ISO-NE names no limit. */
  readonly spacingMs?: number;
  /** Requests that are answered with a blank list, as in `hourlylmp/rt/final/day/20240702`, with or without a location. */
  readonly missing?: readonly string[];
}

/** An answer instead of the right one: a status or a page with 200, half an answer, another text, or none until it is closed. */
export type IsoneFault =
  | { readonly status: number }
  | { readonly page: true }
  | { readonly damaged: true }
  | { readonly body: string }
  | { readonly stallMs: number };

export interface Isone {
  /** Base URL, as in `ISONE_URL`. */
  readonly url: string;
  /** Every request so far, in the order of arrival. */
  readonly requests: readonly IsoneLogEntry[];
  /** The next answers go wrong, one after the other. */
  failNext(...faults: readonly IsoneFault[]): void;
  close(): Promise<void>;
}

export interface IsoneLogEntry {
  readonly at: number;
  /** Relative to the base URL, without the first slash. */
  readonly path: string;
  /** A status, or `stall`. */
  readonly answer: string;
}

const BASE = '/api/v1.1/';

export async function startIsone(options: IsoneOptions): Promise<Isone> {
  const requests: IsoneLogEntry[] = [];
  const faults: IsoneFault[] = [];
  let lastAt = Number.NEGATIVE_INFINITY;
  const server = createServer((request, response) => {
    const now = options.now();
    const tooSoon = now - lastAt < (options.spacingMs ?? 0);
    lastAt = now;
    const path = (request.url ?? '').replace(BASE, '');
    const fault = faults.shift();
    if (fault && 'stallMs' in fault) {
      requests.push({ at: now, path, answer: 'stall' });
      stall(response, fault.stallMs);
      return;
    }
    const right = () => (tooSoon ? page(429, 'Too Many Requests') : answerTo(path, request.headers, options, now));
    const answer = fault ? faulty(fault, right) : right();
    requests.push({ at: now, path, answer: String(answer.status) });
    send(response, answer);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}${BASE.slice(0, -1)}`,
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
  readonly text: string;
}

function answerTo(path: string, headers: IncomingHttpHeaders, options: IsoneOptions, now: number): Answer {
  const { username, password, locations = STAND_IN_LOCATIONS, missing = [], seed = 1 } = options;
  const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  if (headers.authorization !== expected) return page(401, 'Unauthorized');
  if (headers.accept !== 'application/json') return xml();
  const [, name = '', date = '', id] = /^([a-z/]+)\/day\/([^/]+)(?:\/location\/([^/]+))?$/.exec(path) ?? [];
  const report = Object.hasOwn(STAND_IN_REPORTS, name) ? STAND_IN_REPORTS[name] : undefined;
  if (!report) return page(404, 'Not Found');
  const day = dayFrom(date);
  if (!day) return page(400, 'Bad Request');
  const lost = missing.some((each) => path === each || path.startsWith(`${each}/`));
  const asked = lost ? [] : locations.filter((each) => id === undefined || each.id === id);
  return { status: 200, type: 'application/json', text: answerOf(report, asked, day, now, seed) };
}

function dayFrom(compact: string): Temporal.PlainDate | undefined {
  try {
    return /^\d{8}$/.test(compact) ? Temporal.PlainDate.from(compact) : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function faulty(fault: Exclude<IsoneFault, { stallMs: number }>, right: () => Answer): Answer {
  if ('status' in fault) return page(fault.status, 'Error');
  if ('page' in fault) return { ...page(503, 'Scheduled Maintenance'), status: 200 };
  if ('body' in fault) return { status: 200, type: 'application/json', text: fault.body };
  const whole = right();
  return { ...whole, text: whole.text.slice(0, whole.text.length / 2) };
}

function page(status: number, title: string): Answer {
  const text = `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>HTTP Status ${status} - ${title}</h1></body></html>\n`;
  return { status, type: 'text/html;charset=utf-8', text };
}

function xml(): Answer {
  const text =
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><HourlyLmps xmlns="http://WEBSERV.iso-ne.com"></HourlyLmps>';
  return { status: 200, type: 'application/xml', text };
}

function stall(response: ServerResponse, stallMs: number): void {
  const ending = setTimeout(() => response.destroy(), stallMs);
  response.once('close', () => clearTimeout(ending));
}

function send(response: ServerResponse, { status, type, text }: Answer): void {
  const bytes = Buffer.from(text);
  const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="ISO-NE"' } : {};
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, ...challenge });
  response.end(bytes);
}
