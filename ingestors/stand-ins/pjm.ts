import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type PjmVersion, rowOf, type StandInNode } from './pjm-report.ts';
import { type Asked, asked, reportOfPath } from './pjm-requests.ts';

/**
 * A local server that speaks PJM's Data Miner 2: the four LMP reports with its paging by links, its key, its limits of range
 * and archive, its versions and its errors. It checks requests on its own account and shares no code with the feed.
 *
 * Not simulated: `download=true`, `format=csv`, `fields`, sorting, filters by type and zone, holidays.
 */
export interface PjmOptions {
  /** What time it is; decides what is published, what is archived, and who asks too often. Milliseconds UTC. */
  readonly now: () => number;
  readonly nodes: readonly StandInNode[];
  /** The only key it takes. */
  readonly key: string;
  readonly port?: number;
  /** Requests that it takes within a minute; 6, as of who is no member. */
  readonly perMinute?: number;
  /** A page has no more rows than this, whatever was asked for; as many as asked for. */
  readonly pageRowsMax?: number;
}

export interface Pjm {
  /** Base URL, as in `PJM_URL`. */
  readonly url: string;
  /** Every request so far, in the order of arrival. */
  readonly requests: readonly PjmLogEntry[];
  /** The next answers go wrong, one after the other. */
  failNext(...faults: readonly PjmFault[]): void;
  /** Publishes another version of a price, as of now. */
  correct(correction: PjmCorrection): void;
  /** From now on it takes this key only. */
  changeKey(key: string): void;
  close(): Promise<void>;
}

/**
 * An answer instead of the right one: a status, an HTML page with status 200, PJM's errors, half of the right one, the right
 * one with a link to a next page elsewhere, with too few rows or a column named anew; or none at all until the connection is
 * closed after `stallMs`.
 */
export type PjmFault =
  | { readonly status: number }
  | { readonly page: true }
  | { readonly error: string }
  | { readonly truncated: true }
  | { readonly next: string }
  | { readonly rowsLost: number }
  | { readonly renamed: readonly [string, string] }
  | { readonly stallMs: number };

export interface PjmCorrection {
  readonly report: string;
  readonly nodeId: number;
  /** Start of the interval, milliseconds UTC. */
  readonly start: number;
  /** What is added, in $ per MWh. */
  readonly delta: number;
}

export interface PjmLogEntry {
  readonly at: number;
  readonly report: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Status and number of rows, or what else it was. */
  readonly answer: string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly what: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function startPjm(options: PjmOptions): Promise<Pjm> {
  const requests: PjmLogEntry[] = [];
  const faults: PjmFault[] = [];
  const corrections: PjmCorrection[] = [];
  let key = options.key;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const fault = faults.shift();
    const refusal = gatewayRefusal(request, key, requests, options);
    const answer = spoilt(fault, refusal ?? answerTo(url, options, corrections));
    requests.push({
      at: options.now(),
      report: url.pathname.slice(url.pathname.lastIndexOf('/') + 1),
      parameters: Object.fromEntries(url.searchParams),
      answer: answer?.what ?? 'stall',
    });
    send(response, answer, fault);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/api/v1`,
    requests,
    failNext: (...next) => {
      faults.push(...next);
    },
    correct: (correction) => {
      corrections.push(correction);
    },
    changeKey: (changed) => {
      key = changed;
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

/** What the gateway in front of Data Miner says, in its own form. */
function gatewayRefusal(
  { headers }: IncomingMessage,
  key: string,
  requests: readonly PjmLogEntry[],
  { now, perMinute = 6 }: PjmOptions,
): Answer | undefined {
  const given = headers['ocp-apim-subscription-key'];
  if (given !== key) {
    const why = given === undefined ? 'missing subscription key' : 'invalid subscription key';
    return gatewayAnswer(
      401,
      `Access denied due to ${why}. Make sure to provide a valid key for an active subscription.`,
    );
  }
  const oldest = requests.at(-perMinute);
  const waitMs = oldest ? oldest.at + 60_000 - now() : 0;
  if (waitMs <= 0) return undefined;
  const seconds = Math.ceil(waitMs / 1000);
  const answer = gatewayAnswer(429, `Rate limit is exceeded. Try again in ${seconds} seconds.`);
  return { ...answer, headers: { 'retry-after': String(seconds) } };
}

function gatewayAnswer(status: number, message: string): Answer {
  return { status, body: JSON.stringify({ statusCode: status, message }), what: String(status) };
}

function answerTo(url: URL, { nodes, now, pageRowsMax }: PjmOptions, corrections: readonly PjmCorrection[]): Answer {
  const report = reportOfPath(url.pathname);
  if (!report) return gatewayAnswer(404, 'Resource not found');
  const request = asked(report, url.searchParams, nodes, now());
  if ('message' in request) return errorAnswer(request);
  const rows = rowsOf(request, corrections);
  const rowCount = Math.min(request.rowCount, pageRowsMax ?? request.rowCount);
  const items = rows.slice(request.startRow - 1, request.startRow - 1 + rowCount);
  const links = linksOf(url, request, rowCount, rows.length);
  const searchSpecification = { rowCount: request.rowCount, startRow: request.startRow, order: 'Asc' };
  const body = JSON.stringify({ links, items, searchSpecification, totalRows: rows.length });
  return { status: 200, body, what: `200 ${items.length}` };
}

function errorAnswer(error: {
  readonly field: string;
  readonly message: string;
  readonly detail?: readonly string[];
}): Answer {
  return { status: 400, body: JSON.stringify({ errors: [error] }), what: `400 ${error.message}` };
}

function rowsOf({ report, nodes, starts, allVersions }: Asked, corrections: readonly PjmCorrection[]) {
  return starts.flatMap((start) =>
    nodes.flatMap((node) => {
      const made = corrections.filter(
        (each) => each.report === report.name && each.nodeId === node.id && each.start === start,
      );
      const versions = versionsOf(made).filter(({ isCurrent }) => isCurrent || allVersions);
      return versions.map((version) => rowOf(report, node, start, version));
    }),
  );
}

function versionsOf(corrections: readonly PjmCorrection[]): readonly PjmVersion[] {
  const deltas = [
    0,
    ...corrections.map((_, i) => corrections.slice(0, i + 1).reduce((sum, { delta }) => sum + delta, 0)),
  ];
  return deltas.map((delta, i) => ({ number: i + 1, isCurrent: i === deltas.length - 1, delta }));
}

function linksOf(url: URL, { startRow }: Asked, rowCount: number, totalRows: number) {
  const metadata = { rel: 'metadata', href: `${url.origin}${url.pathname}/metadata` };
  const self = { rel: 'self', href: url.href };
  if (startRow + rowCount > totalRows) return [self, metadata];
  const next = new URL(url);
  next.searchParams.set('startRow', String(startRow + rowCount));
  return [self, { rel: 'next', href: next.href }, metadata];
}

/** @returns undefined for no answer at all. */
function spoilt(fault: PjmFault | undefined, right: Answer): Answer | undefined {
  if (!fault) return right;
  if ('stallMs' in fault) return undefined;
  if ('status' in fault) return gatewayAnswer(fault.status, 'an injected fault');
  if ('page' in fault)
    return { status: 200, body: '<!DOCTYPE html><html><body>Maintenance</body></html>', what: 'page' };
  if ('error' in fault) return { ...errorAnswer({ field: 'Filters', message: fault.error }), status: 200 };
  if ('truncated' in fault) return { ...right, body: right.body.slice(0, right.body.length / 2), what: 'truncated' };
  if ('renamed' in fault)
    return { ...right, body: right.body.replaceAll(fault.renamed[0], fault.renamed[1]), what: 'renamed' };
  const page = JSON.parse(right.body);
  if ('next' in fault) page.links.push({ rel: 'next', href: fault.next });
  else page.items.splice(0, fault.rowsLost);
  return { ...right, body: JSON.stringify(page), what: 'changed' };
}

function send(response: ServerResponse, answer: Answer | undefined, fault: PjmFault | undefined): void {
  if (!answer) {
    const ending = setTimeout(() => response.destroy(), fault && 'stallMs' in fault ? fault.stallMs : 0);
    response.once('close', () => clearTimeout(ending));
    return;
  }
  const type = answer.body.startsWith('<') ? 'text/html' : 'application/json; charset=utf-8';
  response.writeHead(answer.status, { 'content-type': type, ...answer.headers });
  response.end(answer.body);
}
