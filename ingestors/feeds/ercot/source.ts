import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import { localNameOf, marketOf, type NodeName } from '../../../domain/market.ts';
import type { ChunkRange, Clock, SourceParts } from '../../feed.ts';
import { outcomeOfAnswer } from '../../sources/call-outcome.ts';
import { createHttpSource, type HttpSource } from '../../sources/http.ts';
import type { HttpAnswer } from '../../sources/http-answer.ts';
import { createTokenSource, TOKEN_BREAKER, type TokenSource } from '../../sources/oauth-token.ts';
import type { ReportAnswer, ReportPlan, ReportSource } from '../../sources/report-poller.ts';
import { type JsonPage, jsonPages, troubleIn } from './json-pages.ts';
import { isReport } from './price-table.ts';
import { REPORTS, type ReportName } from './reports.ts';
import { ercotRequests, isRequestOf, isSettlementPoint, pathsOf } from './requests.ts';
import { type Credentials, credentialsIn, type ErcotSettings } from './settings.ts';

/** What one node has in a request is some 700 rows: so one page, of some 50 kB. */
const PAGE_ROWS = 5_000;
const PAGES_MAX = 100;

const LIMITS = {
  timeoutMs: 60_000,
  bytesMax: 8 * 1024 * 1024,
  triesMax: 5,
  // A throttle counts by the minute: the pauses together are longer.
  backoffMs: 10_000,
  backoffMsMax: 120_000,
  breaker: TOKEN_BREAKER,
};
/** A login that refuses does so for good, and one that is away is asked again by the next poll. */
const LOGIN = { timeoutMs: 30_000, bytesMax: 256 * 1024, triesMax: 3, backoffMs: 2_000, backoffMsMax: 30_000 };
/** ERCOT's tokens live for an hour. */
const TOKEN_LIFETIME_MS = 60 * MINUTE_MS;

/**
 * What a backfill asks; without nodes those of the settings.
 * @throws BusbarError `BAD_USER_INPUT` for nodes that ERCOT cannot be asked for, or where there are none.
 */
export function ercotPlan(settings: ErcotSettings): ReportPlan<ReportName> {
  return {
    vendor: 'ERCOT',
    reports: REPORTS,
    requestsFor: (report, asked) => ercotRequests(report, pointsOf(settings, asked), asked.from, asked.to),
  };
}

/** Without credentials every question fails with `SOURCE_REFUSED`. */
export function createErcotSource(settings: ErcotSettings, parts: SourceParts): ReportSource<ReportName> {
  const credentials = credentialsIn(settings);
  const plan = ercotPlan(settings);
  const asErcot = { ...parts, source: plan.vendor };
  const pacer = parts.turns.of('ercot', settings.ERCOT_REQUEST_SPACING_MS);
  const http = createHttpSource({ ...asErcot, ...LIMITS, pacer });
  const login = createHttpSource({ ...asErcot, ...LOGIN, pacer: parts.turns.of('ercot-login', 1000) });
  const tokens = credentials && tokensOf(settings, credentials, login, parts.clock);
  return {
    ...plan,
    isRequest: isRequestOf,
    lookbackMs: settings.ERCOT_LOOKBACK_HOURS * HOUR_MS,
    clock: parts.clock,
    ask: (report, request, signal) => {
      if (!credentials || !tokens) throw withoutCredentials();
      const base = settings.ERCOT_URL.replace(/\/$/, '');
      return askAll({ http, tokens, credentials, base, report, signal }, request);
    },
    close: async () => {
      tokens?.close();
      await Promise.all([http.close(), login.close()]);
    },
  };
}

interface Asking {
  readonly http: HttpSource;
  readonly tokens: TokenSource;
  readonly credentials: Credentials;
  readonly base: string;
  readonly report: ReportName;
  readonly signal: AbortSignal;
}

function tokensOf(settings: ErcotSettings, { username, password }: Credentials, http: HttpSource, clock: Clock) {
  const clientId = settings.ERCOT_CLIENT_ID;
  return createTokenSource({
    http,
    clock,
    url: settings.ERCOT_TOKEN_URL,
    grant: { type: 'password', username, password, clientId },
    fields: { scope: `openid ${clientId} offline_access`, response_type: 'id_token' },
    tokenField: 'id_token',
    lifetimeMs: TOKEN_LIFETIME_MS,
  });
}

/** One node after the other, and of each one page after the other; their bytes follow one another, each on a line. */
async function askAll(asking: Asking, request: string): Promise<ReportAnswer> {
  const pages: Page[] = [];
  for (const path of pathsOf(request)) pages.push(...(await pagesOf(asking, path)));
  return {
    bytes: Buffer.concat(pages.flatMap(({ bytes }, place) => (place === 0 ? [bytes] : [NEW_LINE, bytes]))),
    noData: pages.every(({ rows }) => rows.length === 0),
  };
}

const NEW_LINE = Buffer.from('\n');

interface Page extends JsonPage {
  readonly bytes: Buffer;
}

async function pagesOf(asking: Asking, path: string): Promise<readonly Page[]> {
  const first = await pageOf(asking, path, 1);
  const count = first.totalPages ?? 1;
  if (count > PAGES_MAX)
    throw new BusbarError('MALFORMED', `ERCOT has ${count} pages of ${path}, at most ${PAGES_MAX} are read`);
  const pages = [first];
  while (pages.length < count) pages.push(await pageOf(asking, path, pages.length + 1));
  assertComplete(pages, path);
  return pages;
}

/** What is published between two pages moves rows from one to the other: then some come twice and some not at all. */
function assertComplete(pages: readonly Page[], path: string): void {
  const rows = pages.reduce((sum, page) => sum + page.rows.length, 0);
  if (pages.every(({ totalRecords = rows }) => totalRecords === rows)) return;
  const totals = pages.map(({ totalRecords }) => totalRecords).join(', ');
  throw new BusbarError(
    'SOURCE_FAILED',
    `ERCOT has ${totals} rows of ${path}, but its ${pages.length} page(s) had ${rows}`,
  );
}

async function pageOf(asking: Asking, path: string, page: number): Promise<Page> {
  const { http, tokens, credentials, base, report, signal } = asking;
  const ask = (token: string) =>
    http.get(`${base}/${path}&page=${page}&size=${PAGE_ROWS}`, pageIn, {
      endpoint: report,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        'ocp-apim-subscription-key': credentials.subscriptionKey.reveal(),
      },
      signal,
      statuses: [400, 401, 403, 404],
      outcomeOf: (page) =>
        outcomeOfAnswer({ noData: page.rows.length === 0, damaged: page.rows.length > 0 && !isReport(page) }),
    });
  return tokens.authorized(ask, signal);
}

/** @throws BusbarError what the body says; `SOURCE_FAILED`, to be asked again, for one that cannot be read. */
function pageIn({ bytes, refusal }: HttpAnswer): Page {
  if (refusal) throw toldByBody(refusal);
  const text = bytes.toString('utf8');
  const why = (what: string, cause?: unknown) =>
    new BusbarError('SOURCE_FAILED', `ERCOT answered with ${what}`, { cause });
  if (text.trimStart().startsWith('<')) throw why('an HTML page in the place of data');
  try {
    const [page, ...others] = jsonPages(text);
    if (page && others.length === 0) return { ...page, bytes };
  } catch (error) {
    throw isBusbarError(error, 'MALFORMED') ? why(`what cannot be read: ${error.message}`, error) : error;
  }
  throw why('more than one page');
}

/** A body can say that we ask too often where the status says otherwise. */
function toldByBody(refusal: BusbarError): BusbarError {
  const { body } = refusal.details;
  let said: BusbarError | undefined;
  try {
    said = troubleIn(JSON.parse(String(body)));
  } catch {
    return refusal;
  }
  if (!said) return refusal;
  return new BusbarError(said.code, `${refusal.message}: ${said.message}`, {
    cause: refusal,
    details: refusal.details,
  });
}

function pointsOf({ ERCOT_NODES }: ErcotSettings, { nodes }: Pick<ChunkRange, 'nodes'>): readonly string[] {
  const points = new Set((nodes?.map(pointOf) ?? ERCOT_NODES).map(pointWithPrice));
  if (points.size > 0) return [...points];
  throw new BusbarError('BAD_USER_INPUT', 'no nodes to ask for: name some, as in ERCOT:HB_NORTH, or set ERCOT_NODES');
}

function pointOf(node: NodeName): string {
  const name = localNameOf(node);
  if (marketOf(node).id === 'ERCOT' && isSettlementPoint(name)) return name;
  throw new BusbarError('BAD_USER_INPUT', `${node} is no settlement point of ERCOT: name them as in ERCOT:HB_NORTH`);
}

/** The energy-weighted price of a load zone comes with the zone's own, under one name. */
function pointWithPrice(name: string): string {
  return name.replace(/^((?:LZ|DC)_.+)_EW$/, '$1');
}

function withoutCredentials(): BusbarError {
  const names = 'ERCOT_USERNAME, ERCOT_PASSWORD and ERCOT_SUBSCRIPTION_KEY';
  return new BusbarError('SOURCE_REFUSED', `ERCOT is not asked without ${names}`);
}
