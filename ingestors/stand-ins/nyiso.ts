import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { Temporal } from 'temporal-polyfill';
import { easternDate, easternMidnight, nyisoFile, type StandInFile } from './nyiso-files.ts';
import { zipOf } from './zip-writer.ts';

/**
 * A local server that has the public LBMP files of NYISO as its market information system has them: a file a day for some ten
 * days, an archive a month, look-ahead rows at the end of a day that is under way, and 304 to who has the newest already.
 * It shares no code with the feed.
 *
 * Not simulated: the pages and files of the newest interval, corrections of prices, and reports of other things.
 */
export interface NyisoOptions {
  /** What time it is; decides what is published. Milliseconds UTC. */
  readonly now: () => number;
  readonly zones: readonly string[];
  readonly generators?: readonly string[];
  readonly port?: number;
  /** Days that were never published, `2024-07-03`. */
  readonly missingDays?: readonly string[];
}

/** An answer instead of the right one; `cutOff` is the right one without its last bytes. */
export type NyisoFault =
  | { readonly status: number }
  | { readonly page: true }
  | { readonly cutOff: number }
  | { readonly stallMs: number };

export interface Nyiso {
  /** Base URL, as in `NYISO_URL`. */
  readonly url: string;
  /** Every request so far, in the order of arrival, and how it was answered: `200 damlbmp/20240703damlbmp_zone.csv`. */
  readonly requests: readonly string[];
  /** The next answers go wrong, one after the other. */
  failNext(...faults: readonly NyisoFault[]): void;
  close(): Promise<void>;
}

interface Found {
  readonly bytes: Buffer;
  readonly modifiedAt: number;
}

const DAY_FILES_DAYS = 10;

export async function startNyiso(options: NyisoOptions): Promise<Nyiso> {
  const requests: string[] = [];
  const faults: NyisoFault[] = [];
  const server = createServer(({ url, headers }, response) => {
    const path = (url ?? '').replace(/^\/public\/csv\//, '');
    const fault = faults.shift();
    const status = fault
      ? misbehave(response, fault, fileAt(path, options))
      : answer(response, headers, fileAt(path, options));
    requests.push(`${status} ${path}`);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/public/csv`,
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

function fileAt(path: string, options: NyisoOptions): Found | undefined {
  const parts = /^(damlbmp|rtlbmp|realtime)\/(\d{8})\1_(zone|gen)(\.csv|_csv\.zip)$/.exec(path);
  if (!parts) return undefined;
  const [, report, digits = '', places, ending] = parts;
  const asked = { report: report as StandInFile['report'], places: places === 'zone' ? 'zone' : 'gen' } as const;
  const day = Temporal.PlainDate.from(digits);
  return ending === '.csv' ? dayFile(asked, day, options) : archive(asked, day, options);
}

interface AskedFile {
  readonly report: StandInFile['report'];
  readonly places: 'zone' | 'gen';
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

function textOf({ report, places }: AskedFile, day: Temporal.PlainDate, options: NyisoOptions): string | undefined {
  if (options.missingDays?.includes(day.toString())) return undefined;
  const names = places === 'zone' ? options.zones : (options.generators ?? []);
  return nyisoFile({ report, names, day, now: options.now() });
}

/** The last 5 minutes that it may have changed in. */
function modifiedAt(day: Temporal.PlainDate, now: number): number {
  const end = easternMidnight(day.add({ days: 1 }));
  return Math.floor(Math.min(now, end) / 300_000) * 300_000;
}

/** @returns what the log says of it. */
function answer(response: ServerResponse, headers: IncomingHttpHeaders, found: Found | undefined): number {
  if (!found) return send(response, 404, page('404 Not Found'));
  const modified = new Date(found.modifiedAt).toUTCString();
  const isKnown = headers['if-modified-since'] === modified;
  return send(response, isKnown ? 304 : 200, isKnown ? Buffer.alloc(0) : found.bytes, { 'last-modified': modified });
}

function misbehave(response: ServerResponse, fault: NyisoFault, found: Found | undefined): number | string {
  if ('stallMs' in fault) {
    const ending = setTimeout(() => response.destroy(), fault.stallMs);
    response.once('close', () => clearTimeout(ending));
    return 'stall';
  }
  if ('status' in fault) return send(response, fault.status, page('try again later'));
  if ('page' in fault) return send(response, 200, page('Maintenance'));
  const modified = new Date(found?.modifiedAt ?? 0).toUTCString();
  const part = (found?.bytes ?? Buffer.alloc(0)).subarray(0, -fault.cutOff);
  return send(response, 200, part, { 'last-modified': modified });
}

function send(response: ServerResponse, status: number, bytes: Buffer, headers: Record<string, string> = {}): number {
  response.writeHead(status, headers);
  response.end(bytes);
  return status;
}

function page(text: string): Buffer {
  return Buffer.from(`<!DOCTYPE HTML>\n<html><body><h1>${text}</h1></body></html>\n`);
}
