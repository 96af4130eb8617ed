import { createServer, type ServerResponse } from 'node:http';
import { csvOf, type FileStyle, fileCalled, type StandInLocation } from './spp-files.ts';

/**
 * A local server that speaks SPP's portal: downloads of the day-ahead and the real-time LMP files, what it says of missing ones
 * (404 without a body), and its ways to go wrong. It reads paths on its own account and shares no code with the feed.
 *
 * Not simulated: `latestInterval`, the rollups by day and year, and reports by bus.
 */
export interface SppOptions {
  /** What time it is; decides what is published. Milliseconds UTC. */
  readonly now: () => number;
  readonly locations: readonly StandInLocation[];
  readonly seed?: number;
  readonly port?: number;
  readonly style?: Partial<FileStyle>;
}

/**
 * An answer instead of the right one: a status with a body, a page or nothing with status 200, half a file, or none at all until
 * the connection is closed after `stallMs`.
 */
export type SppFault =
  | { readonly status: number; readonly body?: string }
  | { readonly page: true }
  | { readonly nothing: true }
  | { readonly half: true }
  | { readonly stallMs: number };

export interface Spp {
  /** Base URL, as in `SPP_URL`. */
  readonly url: string;
  /** Every request so far, in the order of arrival. */
  readonly requests: readonly SppLogEntry[];
  /** The next answers go wrong, one after the other. */
  failNext(...faults: readonly SppFault[]): void;
  /** The file is never there: a gap. @param name as in `RTBM-LMP-SL-202606011205.csv` */
  lose(name: string): void;
  close(): Promise<void>;
}

export interface SppLogEntry {
  readonly at: number;
  /** The file's name, without its folder. */
  readonly file: string;
  /** A status, or `stall`. */
  readonly answer: string;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const MISSING: Answer = { status: 404, type: 'text/plain', body: '' };

export async function startSpp(options: SppOptions): Promise<Spp> {
  const requests: SppLogEntry[] = [];
  const faults: SppFault[] = [];
  const lost = new Set<string>();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const path = searchParams.get('path') ?? '';
    const file = path.slice(path.lastIndexOf('/') + 1);
    const right = lost.has(file) ? MISSING : answerTo(pathname, path, options);
    const fault = faults.shift();
    const answer = fault ? wrong(fault, right) : right;
    requests.push({ at: options.now(), file, answer: 'stallMs' in answer ? 'stall' : String(answer.status) });
    send(response, answer);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/file-browser-api/download`,
    requests,
    failNext: (...next) => {
      faults.push(...next);
    },
    lose: (name) => {
      lost.add(name);
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function answerTo(pathname: string, path: string, { now, locations, seed = 1, style = {} }: SppOptions): Answer {
  const written: FileStyle = { areas: true, drifted: false, naming: 'start', ...style };
  const folder = /^\/file-browser-api\/download\/([\w-]+)$/.exec(pathname)?.[1] ?? '';
  const file = fileCalled(folder, path, written.naming);
  if (!file || now() < file.publishedAt) return MISSING;
  return { status: 200, type: 'text/csv', body: csvOf(file, locations, seed, written) };
}

function wrong(fault: SppFault, right: Answer): Answer | { readonly stallMs: number } {
  if ('stallMs' in fault) return fault;
  if ('status' in fault) return { status: fault.status, type: 'text/plain', body: fault.body ?? 'try again later' };
  if ('page' in fault) return { status: 200, type: 'text/html', body: '<!DOCTYPE html><html>Maintenance</html>' };
  return { ...right, body: 'half' in fault ? right.body.slice(0, right.body.length / 2) : '' };
}

function send(response: ServerResponse, answer: Answer | { readonly stallMs: number }): void {
  if ('stallMs' in answer) {
    const ending = setTimeout(() => response.destroy(), answer.stallMs);
    response.once('close', () => clearTimeout(ending));
    return;
  }
  response.writeHead(answer.status, { 'content-type': answer.type, 'content-length': Buffer.byteLength(answer.body) });
  response.end(answer.body);
}
