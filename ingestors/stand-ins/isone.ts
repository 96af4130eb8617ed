import type { IncomingHttpHeaders } from 'node:http';
import { Temporal } from 'temporal-polyfill';
import { jsonTurned, jsonWithout } from './columns.ts';
import { answerOf, STAND_IN_LOCATIONS, STAND_IN_REPORTS, type StandInLocation } from './isone-report.ts';
import { type Answer, type RequestLimit, type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';
import type { ToldTrouble, Trouble } from './trouble.ts';

/**
 * A local server that speaks the ISO-NE web services v1.1 as far as LMP goes: `…/day/YYYYMMDD`, of all locations or with
 * `/location/ID`. It checks user, format and path on its own account and shares no code with the feed.
 *
 * A guess: what is not to be had (an unknown location, a day without prices) is answered with a blank list, an impossible day
 * with status 400. Not simulated: the other ways to ask (`current`, `hour`, `starthour`), which are answered 404.
 */
export interface IsoneOptions extends StandInOptions {
  readonly username: string;
  readonly password: string;
  readonly locations?: readonly StandInLocation[];
  readonly seed?: number;
  /** Beyond it the answer is 429; none, since ISO-NE names none. */
  readonly limit?: RequestLimit;
  /** Requests that are answered with a blank list, as in `hourlylmp/rt/final/day/20240702`, with or without a location. */
  readonly missing?: readonly string[];
}

/** `url` is as in `ISONE_URL`. */
export type Isone = StandIn<Trouble | ToldTrouble, IsoneLogEntry>;

export interface IsoneLogEntry {
  readonly at: number;
  /** Relative to the base URL, without the first slash. */
  readonly path: string;
  /** A status, `stall` or `cut`. */
  readonly answer: string;
}

const BASE = '/api/v1.1/';

export async function startIsone(options: IsoneOptions): Promise<Isone> {
  const pathOf = (target: string) => target.replace(BASE, '');
  return startStandIn<never, IsoneLogEntry>(options, {
    path: BASE.slice(0, -1),
    limit: options.limit,
    answer: ({ target, headers, now }) => answerTo(pathOf(target), headers, options, now),
    forms: {
      status: (status) => page(status, 'Error'),
      throttled: () => page(429, 'Too Many Requests'),
      unauthorized: () => page(401, 'Unauthorized'),
      noData: (_, right) => changed(right(), blank),
      withoutColumn: (_, right) => changed(right(), (text) => jsonWithout(text, 'LmpTotal')),
      turned: (_, right) => changed(right(), jsonTurned),
      page: String(page(503, 'Scheduled Maintenance').body),
    },
    entry: ({ target, now }, outcome) => ({
      at: now,
      path: pathOf(target),
      answer: typeof outcome === 'string' ? outcome : String(outcome.status),
    }),
  });
}

/** `{"HourlyLmps":""}` */
function blank(text: string): string {
  return JSON.stringify(Object.fromEntries(Object.keys(JSON.parse(text)).map((list) => [list, ''])));
}

function changed(right: Answer, change: (text: string) => string): Answer {
  return right.status === 200 ? { ...right, body: change(String(right.body)) } : right;
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
  return { status: 200, type: 'application/json', body: answerOf(report, asked, day, now, seed) };
}

function dayFrom(compact: string): Temporal.PlainDate | undefined {
  try {
    return /^\d{8}$/.test(compact) ? Temporal.PlainDate.from(compact) : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function page(status: number, title: string): Answer {
  const body = `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>HTTP Status ${status} - ${title}</h1></body></html>\n`;
  const headers = status === 401 ? { 'www-authenticate': 'Basic realm="ISO-NE"' } : {};
  return { status, type: 'text/html;charset=utf-8', body, headers };
}

function xml(): Answer {
  const body =
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><HourlyLmps xmlns="http://WEBSERV.iso-ne.com"></HourlyLmps>';
  return { status: 200, type: 'application/xml', body };
}
