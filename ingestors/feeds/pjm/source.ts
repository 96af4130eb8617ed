import { BusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { Clock, SourceParts } from '../../feed.ts';
import { outcomeOfAnswer } from '../../sources/call-outcome.ts';
import { createHttpSource, type HttpSource } from '../../sources/http.ts';
import type { HttpAnswer } from '../../sources/http-answer.ts';
import type { ReportAnswer, ReportSource } from '../../sources/report-poller.ts';
import { pnodeIdsOf } from './nodes.ts';
import { errorInText, isObject, type Page, pageFrom, pageTexts } from './pages.ts';
import { REPORTS, type ReportName } from './reports.ts';
import { isRequest, pollRequests, questionOf } from './requests.ts';
import { assertColumns } from './rows.ts';
import type { PjmSettings } from './settings.ts';

/** 2.5 million rows: a day of the archive has seven pages, an hour of its 5-minute prices four. */
const PAGES_MAX = 50;

const LIMITS = {
  // PJM takes minutes for a large page of the archive.
  timeoutMs: 300_000,
  // A page of 50,000 rows is some 20 MB.
  bytesMax: 64 * 1024 * 1024,
  triesMax: 5,
  // Its limit is by the minute.
  backoffMs: 10_000,
  backoffMsMax: 120_000,
};

/**
 * Asks Data Miner 2. The key goes to the configured origin alone, as a header. An answer of several pages becomes one payload,
 * a page behind the other; of an archived range, which comes with the whole market, the rows of the wanted nodes.
 */
export function createPjmSource(settings: PjmSettings, parts: SourceParts): ReportSource<ReportName> {
  const { clock } = parts;
  const pacer = parts.turns.of('pjm-data-miner', settings.PJM_REQUEST_SPACING_MS);
  const http = createHttpSource({ ...parts, ...LIMITS, source: 'PJM', pacer });
  const turns = createPollTurns(clock);
  return {
    vendor: 'PJM',
    reports: REPORTS,
    requestsFor: (report, { nodes, ...range }) => {
      if (!turns.isDue(report)) return [];
      const pnodeIds = pnodeIdsOf(settings.PJM_NODES, nodes);
      const requests = pollRequests({ report, pnodeIds, now: clock.now() }, range);
      turns.begin(report, requests.at(-1)?.request);
      return requests;
    },
    isRequest,
    ask: async (report, request, signal) => {
      const answer = await ask(http, settings, report, request, signal);
      turns.answered(report, request);
      return answer;
    },
    lookbackMs: settings.PJM_LOOKBACK_HOURS * HOUR_MS,
    clock,
    close: http.close,
  };
}

/** A report that comes once a day is due again so long after the last request of a poll was answered. */
function createPollTurns(clock: Clock) {
  const lastRequests = new Map<ReportName, string | undefined>();
  const endedAt = new Map<ReportName, number>();
  return {
    isDue: (report: ReportName) =>
      clock.now() - (endedAt.get(report) ?? Number.NEGATIVE_INFINITY) >= REPORTS[report].askEveryMs,
    begin: (report: ReportName, lastRequest: string | undefined) => lastRequests.set(report, lastRequest),
    answered: (report: ReportName, request: string) => {
      if (request === lastRequests.get(report)) endedAt.set(report, clock.now());
    },
  };
}

async function ask(
  http: HttpSource,
  settings: PjmSettings,
  report: ReportName,
  request: string,
  signal: AbortSignal,
): Promise<ReportAnswer> {
  const { path, kept } = questionOf(request);
  const first = `${settings.PJM_URL.replace(/\/$/, '')}/${path}`;
  const pages: Fetched[] = [];
  for (let url: string | undefined = first; url !== undefined; ) {
    if (pages.length === PAGES_MAX) {
      throw new BusbarError('MALFORMED', `PJM answers ${path} with more than ${PAGES_MAX} pages`);
    }
    const fetched = await fetchPage(http, settings, report, url, signal);
    if (Buffer.isBuffer(fetched)) return { bytes: fetched, damaged: true };
    pages.push({ ...fetched, bytes: kept ? onlyOf(fetched, kept) : fetched.bytes });
    url = nextOf(fetched, first);
  }
  assertComplete(pages, path);
  const noData = pages.every(({ items }) => !items.some((item) => isWanted(item, kept)));
  return { bytes: Buffer.concat(pages.flatMap(({ bytes }, i) => (i === 0 ? [bytes] : [NEWLINE, bytes]))), noData };
}

const NEWLINE = Buffer.from('\n');

type Fetched = Page & { readonly bytes: Buffer };

/**
 * What cannot be read may have been cut off, and is worth another try.
 * @returns the bytes as they are, where they still cannot be read at the last one.
 */
async function fetchPage(
  http: HttpSource,
  settings: PjmSettings,
  report: ReportName,
  url: string,
  signal: AbortSignal,
): Promise<Fetched | Buffer> {
  const key = settings.PJM_API_KEY?.reveal();
  if (key === undefined) throw new BusbarError('SOURCE_REFUSED', 'PJM takes no request without a key: set PJM_API_KEY');
  return http.get<Fetched | Buffer>(url, (answer) => pageIn(answer, report), {
    endpoint: report,
    headers: { 'Ocp-Apim-Subscription-Key': key, accept: 'application/json' },
    signal,
    statuses: [400, 401, 403, 404],
    outcomeOf: (page) => outcomeOfAnswer({ noData: !Buffer.isBuffer(page) && page.items.length === 0 }),
    whenDamaged: ({ bytes }) => bytes,
  });
}

function pageIn({ bytes, refusal }: HttpAnswer, report: ReportName): Fetched {
  if (refusal) throw explained(refusal);
  return { ...onlyPageIn(bytes, report), bytes };
}

function onlyPageIn(bytes: Buffer, report: ReportName): Page {
  const [text = '', ...more] = pageTexts(bytes);
  if (more.length > 0) throw new BusbarError('MALFORMED', 'the answer is more than one JSON text');
  const page = pageFrom(text);
  assertColumns(report, page);
  return page;
}

/** A status that is final says why in its body. */
function explained(refusal: BusbarError): BusbarError {
  const { status, body } = refusal.details;
  const said = typeof body === 'string' ? errorInText(body) : undefined;
  const hint = status === 401 ? ': see PJM_API_KEY' : '';
  return new BusbarError(said?.code ?? refusal.code, `${said?.message ?? refusal.message}${hint}`, {
    cause: refusal,
    details: refusal.details,
  });
}

/** @throws BusbarError `SOURCE_REFUSED` for a link to anywhere else: the key would go with the request. */
function nextOf({ links }: Page, first: string): string | undefined {
  const href = links.get('next');
  if (href === undefined) return undefined;
  const { origin, pathname } = new URL(first);
  const next = URL.canParse(href, first) ? new URL(href, first) : undefined;
  if (next?.origin === origin && next.pathname === pathname) return next.href;
  const where = next ? `${next.origin}${next.pathname}` : href;
  throw new BusbarError('SOURCE_REFUSED', `the next page is said to be at ${where}, not at ${origin}${pathname}`);
}

function assertComplete(pages: readonly Fetched[], path: string): void {
  const rows = pages.reduce((sum, { items }) => sum + items.length, 0);
  const total = pages[0]?.totalRows ?? rows;
  if (rows !== total) throw new BusbarError('SOURCE_FAILED', `PJM answers ${path} with ${rows} of ${total} rows`);
}

/** The rows of the wanted nodes, as a page. */
function onlyOf({ items, links }: Page, kept: ReadonlySet<string>): Buffer {
  const wanted = items.filter((item) => isWanted(item, kept));
  const said = [...links].map(([rel, href]) => ({ rel, href }));
  return Buffer.from(JSON.stringify({ links: said, items: wanted, totalRows: wanted.length }));
}

function isWanted(item: unknown, kept: ReadonlySet<string> | undefined): boolean {
  return kept === undefined || (isObject(item) && kept.has(String(item.pnode_id)));
}
