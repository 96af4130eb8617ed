import { csvTurned, csvWithout } from './columns.ts';
import { csvOf, type FileStyle, fileCalled, type StandInLocation } from './spp-files.ts';
import { type Answer, type RequestLimit, type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';
import type { OpenTrouble, ToldTrouble } from './trouble.ts';

/**
 * A local server that speaks SPP's portal: downloads of the day-ahead and the real-time LMP files, what it says of missing ones
 * (404 without a body), and its ways to go wrong. It reads paths on its own account and shares no code with the feed.
 *
 * Not simulated: `latestInterval`, the rollups by day and year, and reports by bus.
 */
export interface SppOptions extends StandInOptions {
  readonly locations: readonly StandInLocation[];
  readonly seed?: number;
  /** None, since SPP states none. */
  readonly limit?: RequestLimit;
  readonly style?: Partial<FileStyle>;
}

export type SppFault = OpenTrouble | ToldTrouble;

/** `url` is as in `SPP_URL`. */
export interface Spp extends StandIn<SppFault, SppLogEntry> {
  /** The file is never there: a gap. @param name as in `RTBM-LMP-SL-202606011205.csv` */
  lose(name: string): void;
}

export interface SppLogEntry {
  readonly at: number;
  /** The file's name, without its folder. */
  readonly file: string;
  /** A status, `stall` or `cut`. */
  readonly answer: string;
}

const MISSING: Answer = { status: 404, type: 'text/plain', body: '' };

export async function startSpp(options: SppOptions): Promise<Spp> {
  const lost = new Set<string>();
  const standIn = await startStandIn<never, SppLogEntry, OpenTrouble>(options, {
    path: BASE,
    limit: options.limit,
    answer: ({ url }) => (lost.has(fileOf(url)) ? MISSING : answerTo(url, options)),
    forms: {
      status: (status) => ({ status, type: 'text/plain', body: 'try again later' }),
      throttled: () => ({ status: 429, type: 'text/plain', body: 'try again later' }),
      noData: () => MISSING,
      withoutColumn: (_, right) => changed(right(), (csv) => csvWithout(csv, nameColumn(options))),
      turned: (_, right) => changed(right(), (csv) => csvTurned(csv, nameColumn(options))),
    },
    entry: ({ url, now }, outcome) => ({
      at: now,
      file: fileOf(url),
      answer: typeof outcome === 'string' ? outcome : String(outcome.status),
    }),
  });
  return Object.assign(standIn, { lose: (name: string) => void lost.add(name) });
}

const BASE = '/file-browser-api/download';

function fileOf({ searchParams }: URL): string {
  const path = searchParams.get('path') ?? '';
  return path.slice(path.lastIndexOf('/') + 1);
}

function nameColumn({ style }: SppOptions): string {
  return style?.drifted ? 'SETTLEMENT_LOCATION' : 'Settlement Location';
}

function changed(right: Answer, change: (csv: string) => string): Answer {
  return right.status === 200 ? { ...right, body: change(String(right.body)) } : right;
}

function answerTo({ pathname, searchParams }: URL, { now, locations, seed = 1, style = {} }: SppOptions): Answer {
  const path = searchParams.get('path') ?? '';
  const written: FileStyle = { areas: true, drifted: false, naming: 'start', ...style };
  const folder = /^\/file-browser-api\/download\/([\w-]+)$/.exec(pathname)?.[1] ?? '';
  const file = fileCalled(folder, path, written.naming);
  if (!file || now() < file.publishedAt) return MISSING;
  return { status: 200, type: 'text/csv', body: csvOf(file, locations, seed, written) };
}
