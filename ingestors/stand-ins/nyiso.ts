import { Temporal } from 'temporal-polyfill';
import { csvTurned, csvWithout } from './columns.ts';
import { easternDate, easternMidnight, nyisoFile, type StandInFile } from './nyiso-files.ts';
import {
  type Answer,
  type Outcome,
  type RequestLimit,
  type StandIn,
  type StandInOptions,
  type StandInRequest,
  startStandIn,
} from './stand-in.ts';
import type { OpenTrouble, ToldTrouble } from './trouble.ts';
import { zipOf } from './zip-writer.ts';

/**
 * A local server that has the public LBMP files of NYISO as its market information system has them: a file a day for some ten
 * days, an archive a month, look-ahead rows at the end of a day that is under way, and 304 to who has the newest already.
 * It shares no code with the feed.
 *
 * Not simulated: the pages and files of the newest interval, corrections of prices, and reports of other things.
 */
export interface NyisoOptions extends StandInOptions {
  readonly zones: readonly string[];
  readonly generators?: readonly string[];
  /** None, since NYISO states none. */
  readonly limit?: RequestLimit;
  /** Days that were never published, `2024-07-03`. */
  readonly missingDays?: readonly string[];
}

/** The right answer without its last bytes. */
export interface NyisoCutOff {
  readonly cutOff: number;
}

/** `url` is as in `NYISO_URL`. The log says how a request was answered: `200 damlbmp/20240703damlbmp_zone.csv`. */
export type Nyiso = StandIn<OpenTrouble | ToldTrouble | NyisoCutOff, string>;

interface Found {
  readonly bytes: Buffer;
  readonly modifiedAt: number;
}

const DAY_FILES_DAYS = 10;

type Written = (csv: string) => string;
const asItIs: Written = (csv) => csv;

export async function startNyiso(options: NyisoOptions): Promise<Nyiso> {
  const answered = (request: StandInRequest, written: Written = asItIs) => {
    const found = fileAt(pathOf(request), options, written);
    if (!found) return page(404, '404 Not Found');
    const headers = { 'last-modified': new Date(found.modifiedAt).toUTCString() };
    return { status: 200, type: 'text/plain', body: found.bytes, headers };
  };
  return startStandIn<NyisoCutOff, string, OpenTrouble>(options, {
    path: BASE,
    limit: options.limit,
    answer: (request) => answered(request),
    forms: {
      status: (status) => page(status, 'try again later'),
      throttled: () => page(429, 'Too many requests'),
      noData: () => page(404, '404 Not Found'),
      withoutColumn: (request) => answered(request, (csv) => csvWithout(csv, 'Name')),
      turned: (request) => answered(request, (csv) => csvTurned(csv, 'Name')),
    },
    own: ({ cutOff }, _, right) => ({ ...right(), body: Buffer.from(right().body).subarray(0, -cutOff) }),
    entry: (request, outcome) => `${statusOf(outcome)} ${pathOf(request)}`,
  });
}

const BASE = '/public/csv';

function pathOf({ target }: StandInRequest): string {
  return target.replace(`${BASE}/`, '');
}

function statusOf(outcome: Outcome): string {
  return typeof outcome === 'string' ? outcome : String(outcome.status);
}

function fileAt(path: string, options: NyisoOptions, written: Written): Found | undefined {
  const parts = /^(damlbmp|rtlbmp|realtime)\/(\d{8})\1_(zone|gen)(\.csv|_csv\.zip)$/.exec(path);
  if (!parts) return undefined;
  const [, report, digits = '', places, ending] = parts;
  const asked = {
    report: report as StandInFile['report'],
    places: places === 'zone' ? 'zone' : 'gen',
    written,
  } as const;
  const day = Temporal.PlainDate.from(digits);
  return ending === '.csv' ? dayFile(asked, day, options) : archive(asked, day, options);
}

interface AskedFile {
  readonly report: StandInFile['report'];
  readonly places: 'zone' | 'gen';
  readonly written: Written;
}

function dayFile(asked: AskedFile, day: Temporal.PlainDate, options: NyisoOptions): Found | undefined {
  const today = easternDate(options.now());
  const isThere = Temporal.PlainDate.compare(day, today.subtract({ days: DAY_FILES_DAYS })) >= 0;
  const text = isThere ? textOf(asked, day, options) : undefined;
  return text === undefined ? undefined : { bytes: Buffer.from(text), modifiedAt: modifiedAt(day, options.now()) };
}

/** The days of a month up to now, as members of a zip that is named after its first. */
function archive(asked: AskedFile, month: Temporal.PlainDate, options: NyisoOptions): Found | undefined {
  if (month.day !== 1) return undefined;
  const days = Array.from({ length: month.daysInMonth }, (_, i) => month.add({ days: i }));
  const members = days.flatMap((day) => {
    const text = textOf(asked, day, options);
    const name = `${day.toString().replaceAll('-', '')}${asked.report}_${asked.places}.csv`;
    return text === undefined ? [] : [{ name, bytes: Buffer.from(text) }];
  });
  if (members.length === 0) return undefined;
  return { bytes: zipOf(members), modifiedAt: modifiedAt(month.add({ months: 1 }), options.now()) };
}

function textOf(
  { report, places, written }: AskedFile,
  day: Temporal.PlainDate,
  options: NyisoOptions,
): string | undefined {
  if (options.missingDays?.includes(day.toString())) return undefined;
  const names = places === 'zone' ? options.zones : (options.generators ?? []);
  const text = nyisoFile({ report, names, day, now: options.now() });
  return text === undefined ? undefined : written(text);
}

/** The last 5 minutes that it may have changed in. */
function modifiedAt(day: Temporal.PlainDate, now: number): number {
  const end = easternMidnight(day.add({ days: 1 }));
  return Math.floor(Math.min(now, end) / 300_000) * 300_000;
}

function page(status: number, text: string): Answer {
  const body = `<!DOCTYPE HTML>\n<html><body><h1>${text}</h1></body></html>\n`;
  return { status, type: 'text/html', body };
}
