import { jsonTurned, jsonWithout } from './columns.ts';
import { type PjmVersion, rowOf, type StandInNode } from './pjm-report.ts';
import { type Asked, asked, reportOfPath } from './pjm-requests.ts';
import {
  type Answer,
  MINUTE_LIMIT_MS,
  type RequestLimit,
  type StandIn,
  type StandInOptions,
  startStandIn,
} from './stand-in.ts';
import type { ToldTrouble, Trouble } from './trouble.ts';

/**
 * A local server that speaks PJM's Data Miner 2: the four LMP reports with its paging by links, its key, its limits of range
 * and archive, its versions and its errors. It checks requests on its own account and shares no code with the feed.
 *
 * Not simulated: `download=true`, `format=csv`, `fields`, sorting, filters by type and zone, holidays.
 */
export interface PjmOptions extends StandInOptions {
  readonly nodes: readonly StandInNode[];
  /** The only key it takes. */
  readonly key: string;
  /** 6 a minute, as of who is no member. */
  readonly limit?: RequestLimit;
  /** A page has no more rows than this, whatever was asked for; as many as asked for. */
  readonly pageRowsMax?: number;
}

/** `url` is as in `PJM_URL`. */
export interface Pjm extends StandIn<PjmFault, PjmLogEntry> {
  /** Publishes another version of a price, as of now. */
  correct(correction: PjmCorrection): void;
  /** From now on it takes this key only. */
  changeKey(key: string): void;
}

export type PjmFault = Trouble | ToldTrouble | PjmOwnFault;

/** PJM's errors with status 200; the right answer with a link to a next page elsewhere, or with too few rows. */
export type PjmOwnFault = { readonly error: string } | { readonly next: string } | { readonly rowsLost: number };

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

export async function startPjm(options: PjmOptions): Promise<Pjm> {
  const corrections: PjmCorrection[] = [];
  let key = options.key;
  const standIn = await startStandIn<PjmOwnFault, PjmLogEntry>(options, {
    path: '/api/v1',
    limit: options.limit ?? { requests: 6, windowMs: MINUTE_LIMIT_MS },
    answer: ({ url, headers }) => keyRefusal(headers[KEY_HEADER], key) ?? answerTo(url, options, corrections),
    forms: {
      status: (status) => gatewayAnswer(status, 'an injected fault'),
      throttled,
      unauthorized: () => keyRefusal('another', key) ?? gatewayAnswer(401, 'Access denied.'),
      noData: (_, right) => ({ ...right(), body: JSON.stringify(EMPTY_PAGE) }),
      withoutColumn: (_, right) => changed(right(), (body) => jsonWithout(body, 'total_lmp_da', 'total_lmp_rt')),
      turned: (_, right) => changed(right(), jsonTurned),
    },
    own: (fault, _, right) => spoilt(fault, right()),
    entry: ({ url, now }, outcome) => ({
      at: now,
      report: url.pathname.slice(url.pathname.lastIndexOf('/') + 1),
      parameters: Object.fromEntries(url.searchParams),
      answer: typeof outcome === 'string' ? outcome : (outcome.name ?? String(outcome.status)),
    }),
  });
  return Object.assign(standIn, {
    correct: (correction: PjmCorrection) => {
      corrections.push(correction);
    },
    changeKey: (other: string) => {
      key = other;
    },
  });
}

const KEY_HEADER = 'ocp-apim-subscription-key';
const EMPTY_PAGE = {
  links: [],
  items: [],
  searchSpecification: { rowCount: 0, startRow: 1, order: 'Asc' },
  totalRows: 0,
};

/** What the gateway in front of Data Miner says, in its own form. */
function keyRefusal(given: string | string[] | undefined, key: string): Answer | undefined {
  if (given === key) return undefined;
  const why = given === undefined ? 'missing subscription key' : 'invalid subscription key';
  return gatewayAnswer(
    401,
    `Access denied due to ${why}. Make sure to provide a valid key for an active subscription.`,
  );
}

function throttled(waitMs: number): Answer {
  const seconds = Math.ceil(waitMs / 1000);
  const answer = gatewayAnswer(429, `Rate limit is exceeded. Try again in ${seconds} seconds.`);
  return { ...answer, headers: { 'retry-after': String(seconds) } };
}

const JSON_TYPE = 'application/json; charset=utf-8';

function gatewayAnswer(status: number, message: string): Answer {
  return { status, type: JSON_TYPE, body: JSON.stringify({ statusCode: status, message }) };
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
  return { status: 200, type: JSON_TYPE, body, name: `200 ${items.length}` };
}

function errorAnswer(error: {
  readonly field: string;
  readonly message: string;
  readonly detail?: readonly string[];
}): Answer {
  return { status: 400, type: JSON_TYPE, body: JSON.stringify({ errors: [error] }), name: `400 ${error.message}` };
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

function spoilt(fault: PjmOwnFault, right: Answer): Answer {
  if ('error' in fault) return { ...errorAnswer({ field: 'Filters', message: fault.error }), status: 200 };
  const page = JSON.parse(String(right.body));
  if ('next' in fault) page.links.push({ rel: 'next', href: fault.next });
  else page.items.splice(0, fault.rowsLost);
  return { ...right, body: JSON.stringify(page), name: 'changed' };
}

function changed(right: Answer, change: (body: string) => string): Answer {
  return { ...right, body: change(String(right.body)), name: 'changed' };
}
