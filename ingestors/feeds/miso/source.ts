import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { Clock, SourceParts } from '../../feed.ts';
import { outcomeOfAnswer } from '../../sources/call-outcome.ts';
import { createHttpSource, type HttpSource, type RequestOptions } from '../../sources/http.ts';
import type { HttpAnswer, ReadAnswer } from '../../sources/http-answer.ts';
import type { ReportAnswer, ReportSource } from '../../sources/report-poller.ts';
import { errorInDocument, failedByPage, isMarkup } from './answers.ts';
import { misoDayAt } from './eastern-standard.ts';
import { type Kept, keptOfDayFile, keptOfDisplay } from './kept.ts';
import { type PricingPage, pageFrom } from './pricing-pages.ts';
import { REPORTS, type ReportName } from './reports.ts';
import { type MisoRequest, pollRequests, requestFrom } from './requests.ts';
import { type MisoSettings, nodesOf } from './settings.ts';

const LIMITS = {
  timeoutMs: 120_000,
  // Yesterday's display is some 47 MB.
  bytesMax: 128 * 1024 * 1024,
  triesMax: 5,
  // MISO asks for a minute's patience where a display fails.
  backoffMs: 10_000,
  backoffMsMax: 120_000,
};

/** A day of five-minute prices of one node is 288 rows. */
const PAGES_MAX = 100;

interface Asking {
  readonly settings: MisoSettings;
  readonly clock: Clock;
  readonly http: HttpSource;
  readonly name: ReportName;
  readonly signal: AbortSignal;
}

/**
 * Asks MISO: the files of its market reports, its five-minute display and its pricing API. A file that is not there is no data. An
 * answer that is damaged is asked for again; a file that stays so is handed on, so that it becomes a dead letter and the days
 * behind it are brought, while a display, which will tell something else in a minute, fails the poll.
 */
export function createMisoSource(settings: MisoSettings, parts: SourceParts): ReportSource<ReportName> {
  const { clock } = parts;
  const pacer = parts.turns.of('miso', settings.MISO_REQUEST_SPACING_MS);
  const http = createHttpSource({ ...parts, ...LIMITS, source: 'MISO', pacer });
  return {
    vendor: 'MISO',
    reports: REPORTS,
    requestsFor: (report, asked) => pollRequests(report, nodesOf(settings), asked),
    isRequest: (report, text) => requestFrom(report, text) !== undefined,
    ask: (report, text, signal) => {
      const request = requestFrom(report, text);
      if (!request) throw new BusbarError('SOURCE_REFUSED', `this is no request to MISO for ${report}: ${text}`);
      const asking = { settings, clock, http, name: report, signal };
      switch (REPORTS[report].kind) {
        case 'day-file':
          return askForFile(asking, request);
        case 'display':
          return askDisplay(asking, request);
        case 'pricing-api':
          return askPages(asking, request);
      }
    },
    lookbackMs: settings.MISO_LOOKBACK_HOURS * HOUR_MS,
    clock,
    close: () => http.close(),
  };
}

async function askForFile(asking: Asking, { path, nodes }: MisoRequest): Promise<ReportAnswer> {
  const read = ({ bytes, headers, refusal }: HttpAnswer): ReportAnswer => {
    if (refusal) return { bytes: Buffer.alloc(0), noData: true };
    const kept = keptOfDayFile({ bytes, name: path }, nodes && new Set(nodes));
    return { ...answerFrom(kept), ...publishedAt(headers) };
  };
  return get(asking, asking.settings.MISO_REPORTS_URL, path, read, {
    statuses: [404],
    outcomeOf: outcomeOfAnswer,
    whenDamaged: ({ bytes }) => ({ bytes, damaged: true }),
    conditional: true,
  });
}

async function askDisplay(asking: Asking, { path, nodes, day }: MisoRequest): Promise<ReportAnswer> {
  const told = misoDayAt(asking.clock.now() - (path.endsWith('Previous') ? 24 * HOUR_MS : 0));
  if (day !== undefined && day !== told)
    throw new BusbarError('SOURCE_REFUSED', `${path} tells of ${told} by now, and no longer of ${day}`);
  const read = async ({ bytes }: HttpAnswer): Promise<ReportAnswer> => {
    try {
      return answerFrom(await keptOfDisplay(bytes, nodes && new Set(nodes)));
    } catch (error) {
      if (!isBusbarError(error, 'MALFORMED')) throw error;
      throw new BusbarError('SOURCE_FAILED', error.message, { cause: error });
    }
  };
  return get(asking, asking.settings.MISO_DISPLAY_URL, path, read, { outcomeOf: outcomeOfAnswer });
}

/** All pages of all nodes, one after the other, each in its own bytes. */
async function askPages(asking: Asking, { path, nodes = [] }: MisoRequest): Promise<ReportAnswer> {
  const pages: Buffer[] = [];
  let rows = 0;
  for (const node of nodes) {
    for (let [page, isLast] = [1, false]; !isLast; page += 1) {
      if (page > PAGES_MAX) throw new BusbarError('SOURCE_FAILED', `MISO has more than ${PAGES_MAX} pages of ${path}`);
      const answer = await askForPage(asking, `${path}&node=${encodeURIComponent(node)}&pageNumber=${page}`);
      // Without rows it is no page but MISO's word that there are none, which would hide those of the other nodes.
      if (answer.rows > 0) pages.push(answer.bytes);
      rows += answer.rows;
      isLast = answer.isLast;
    }
  }
  return answerFrom({ bytes: Buffer.concat(pages.flatMap((page, i) => (i === 0 ? [page] : [LINE_END, page]))), rows });
}

const LINE_END = Buffer.from('\n');

type Page = Kept & Pick<PricingPage, 'isLast' | 'hasPrices'>;

async function askForPage(asking: Asking, path: string): Promise<Page> {
  const key = asking.settings.MISO_API_KEY;
  if (!key) throw new BusbarError('SOURCE_REFUSED', 'MISO’s pricing API needs a key: set MISO_API_KEY');
  return get(asking, asking.settings.MISO_PRICING_URL, path, pageIn, {
    headers: { 'ocp-apim-subscription-key': key.reveal(), accept: 'application/json' },
    statuses: [400, 401, 403, 404],
    outcomeOf: ({ rows, hasPrices }) => outcomeOfAnswer({ noData: rows === 0, damaged: rows > 0 && !hasPrices }),
  });
}

/** @throws BusbarError `SOURCE_FAILED` for a damaged page, and what the page says instead of data. */
function pageIn({ bytes, refusal }: HttpAnswer): Page {
  if (refusal) return rowsRefused(refusal);
  if (isMarkup(bytes)) throw failedByPage();
  try {
    const { data, ...page } = pageFrom(bytes.toString('utf8'));
    return { bytes, rows: data.length, ...page };
  } catch (error) {
    if (isBusbarError(error, 'NO_DATA')) return NO_ROWS;
    if (isBusbarError(error, 'MALFORMED')) throw new BusbarError('SOURCE_FAILED', error.message, { cause: error });
    throw error;
  }
}

/** Its status 404 is "no data" as well. */
function rowsRefused(refusal: BusbarError): Page {
  const { status, body } = refusal.details;
  const said = errorInDocument(documentIn(String(body)));
  if (said?.code === 'NO_DATA') return NO_ROWS;
  const hint = status === 401 ? ': see MISO_API_KEY' : '';
  throw new BusbarError(said?.code ?? refusal.code, `${said?.message ?? refusal.message}${hint}`, {
    cause: refusal,
    details: refusal.details,
  });
}

const NO_ROWS: Page = { bytes: Buffer.alloc(0), rows: 0, isLast: true, hasPrices: false };

function documentIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A document without a row of the nodes asked for has no data of them, or not yet. */
function answerFrom({ bytes, rows }: Kept): ReportAnswer {
  return { bytes, noData: rows === 0 };
}

function publishedAt({ 'last-modified': modified }: HttpAnswer['headers']): Pick<ReportAnswer, 'publishedAt'> {
  const instant = typeof modified === 'string' ? Date.parse(modified) : Number.NaN;
  return Number.isNaN(instant) ? {} : { publishedAt: instant };
}

function get<T>(
  { http, name, signal }: Asking,
  base: string,
  path: string,
  read: ReadAnswer<T>,
  options: RequestOptions<T>,
): Promise<T> {
  return http.get(`${base.replace(/\/$/, '')}/${path}`, read, { endpoint: name, signal, ...options });
}
