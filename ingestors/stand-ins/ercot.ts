import { ERCOT_REPORTS, type Row, rowsOf, type StandInReport } from './ercot-reports.ts';
import {
  type Answer,
  MINUTE_LIMIT_MS,
  type StandIn,
  type StandInOptions,
  type StandInRequest,
  startStandIn,
} from './stand-in.ts';
import type { ToldTrouble, Trouble } from './trouble.ts';

/**
 * A local server that speaks ERCOT's public API: tokens by password, three reports of prices with paging, its limit of 30
 * requests a minute and its errors. It checks requests on its own account and shares no code with the feed.
 *
 * Not simulated: the archive, sorting and filters other than those of range and settlement point (answered 400).
 */
export interface ErcotOptions extends StandInOptions {
  readonly points: readonly string[];
  readonly seed?: number;
  readonly credentials?: Partial<ErcotCredentials>;
  readonly limits?: Partial<ErcotLimits>;
}

export interface ErcotCredentials {
  readonly username: string;
  readonly password: string;
  readonly clientId: string;
  readonly subscriptionKey: string;
}

export interface ErcotLimits {
  readonly requestsPerMinute: number;
  /** Most rows of a page, whatever a request says. */
  readonly pageRows: number;
  readonly tokenSeconds: number;
}

export type ErcotFault = Trouble | ToldTrouble | ErcotThrottling;

/** What ERCOT says of requests that come too often, with another status than 429. */
export interface ErcotThrottling {
  readonly throttled: number;
}

/** `url` is as in `ERCOT_URL`; those of tokens have the path `token` in the log. */
export interface Ercot extends StandIn<ErcotFault, ErcotLogEntry> {
  /** As in `ERCOT_TOKEN_URL`. */
  readonly tokenUrl: string;
  /** No token that was given so far is taken from now on. */
  revokeTokens(): void;
}

export interface ErcotLogEntry {
  readonly at: number;
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly status: number | 'stall' | 'cut';
}

const DEFAULT_CREDENTIALS: ErcotCredentials = {
  username: 'trader@example.com',
  password: 'correct horse',
  clientId: 'fec253ea-0d06-4272-a5e6-b478baeecd70',
  subscriptionKey: 'stand-in-key',
};
const DEFAULT_LIMITS: ErcotLimits = { requestsPerMinute: 30, pageRows: 100_000, tokenSeconds: 3600 };
const THROTTLED = { error_key: 'throttled', error_message: 'Too Many Requests' };

/** What the stand-in knows. */
interface World {
  readonly options: ErcotOptions;
  readonly credentials: ErcotCredentials;
  readonly limits: ErcotLimits;
  /** Tokens that are taken, and when each ends. */
  readonly tokens: Map<string, number>;
  tokensGiven: number;
}

export async function startErcot(options: ErcotOptions): Promise<Ercot> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const credentials = { ...DEFAULT_CREDENTIALS, ...options.credentials };
  const world: World = { options, credentials, limits, tokens: new Map(), tokensGiven: 0 };
  const isLogin = ({ url }: StandInRequest) => url.pathname === TOKEN_PATH;
  const standIn = await startStandIn<ErcotThrottling, ErcotLogEntry>(options, {
    path: BASE,
    limit: { requests: limits.requestsPerMinute, windowMs: MINUTE_LIMIT_MS },
    isLogin,
    answer: (request) => (isLogin(request) ? tokenAnswer(request, world) : reportAnswer(request, world)),
    forms: {
      status: (status) => json(status, { statusCode: status, message: 'try again later' }),
      throttled: () => json(429, THROTTLED),
      unauthorized: () => UNAUTHORIZED,
      noData: (_, right) => changed(right(), (page) => ({ ...page, _meta: { ...page._meta, ...NO_ROWS }, data: [] })),
      withoutColumn: (_, right) => changed(right(), withoutPrices),
      turned: (_, right) => changed(right(), turned),
      page: '<html><head><META NAME="ROBOTS"></head><body>Request unsuccessful.</body></html>',
    },
    own: (fault) => json(fault.throttled, THROTTLED),
    entry: (request, outcome) => ({
      at: request.now,
      path: isLogin(request) ? 'token' : request.url.pathname.replace(`${BASE}/`, ''),
      parameters: Object.fromEntries(request.url.searchParams),
      status: typeof outcome === 'string' ? outcome : outcome.status,
    }),
  });
  return Object.assign(standIn, {
    tokenUrl: `${standIn.origin}${TOKEN_PATH}`,
    revokeTokens: () => world.tokens.clear(),
  });
}

const BASE = '/api/public-reports';
const TOKEN_PATH = '/oauth2/v2.0/token';
const NO_ROWS = { totalRecords: 0, totalPages: 0 };
const UNAUTHORIZED = json(401, { statusCode: 401, message: 'Unauthorized. Access token is missing or invalid.' });

/** The login of Azure AD B2C: its errors are 400, and its seconds text. */
function tokenAnswer({ method, headers, body, now }: StandInRequest, world: World): Answer {
  const { credentials, limits, tokens } = world;
  const form = new URLSearchParams(body);
  const isForm = headers['content-type'] === 'application/x-www-form-urlencoded';
  if (method !== 'POST' || !isForm) return json(400, { error: 'invalid_request' });
  if (form.get('grant_type') !== 'password') return json(400, { error: 'unsupported_grant_type' });
  if (form.get('client_id') !== credentials.clientId) return json(400, { error: 'unauthorized_client' });
  const scope = `openid ${credentials.clientId} offline_access`;
  if (form.get('scope') !== scope || form.get('response_type') !== 'id_token')
    return json(400, { error: 'invalid_request' });
  if (form.get('username') !== credentials.username || form.get('password') !== credentials.password) {
    const error_description = `AADB2C90225: The username or password provided in the request are invalid. ${body}`;
    return json(400, { error: 'access_denied', error_description });
  }
  world.tokensGiven += 1;
  const token = `id-token-${world.tokensGiven}`;
  tokens.set(token, now + limits.tokenSeconds * 1000);
  return json(200, {
    access_token: `not-${token}`,
    id_token: token,
    token_type: 'Bearer',
    expires_in: `${limits.tokenSeconds}`,
  });
}

function reportAnswer({ headers, url, now }: StandInRequest, world: World): Answer {
  const { pathname, searchParams } = url;
  if (headers['ocp-apim-subscription-key'] !== world.credentials.subscriptionKey) {
    return json(401, { statusCode: 401, message: 'Access denied due to invalid subscription key.' });
  }
  const ends = world.tokens.get((headers.authorization ?? '').replace(/^Bearer /, ''));
  if (ends === undefined || ends <= now) return UNAUTHORIZED;
  const report = ERCOT_REPORTS.find(({ emil, endpoint }) => pathname === `${BASE}/${emil.toLowerCase()}/${endpoint}`);
  if (!report) return json(404, { statusCode: 404, message: 'Resource not found' });
  return pageAnswer(report, url.origin, searchParams, world);
}

function pageAnswer(report: StandInReport, origin: string, parameters: URLSearchParams, world: World): Answer {
  const known = [`${report.filter}From`, `${report.filter}To`, 'settlementPoint', 'page', 'size'];
  const from = parameters.get(`${report.filter}From`);
  const to = parameters.get(`${report.filter}To`);
  const point = parameters.get('settlementPoint') ?? '';
  const [page, size] = [Number(parameters.get('page') ?? 1), Number(parameters.get('size') ?? 1000)];
  const form = report.filter === 'deliveryDate' ? /^\d{4}-\d\d-\d\d$/ : /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/;
  const wrong =
    [...parameters.keys()].some((name) => !known.includes(name)) ||
    !(form.test(from ?? '') && form.test(to ?? '')) ||
    !(Number.isInteger(page) && page > 0 && Number.isInteger(size) && size > 0);
  if (wrong || from === null || to === null) return json(400, { statusCode: 400, message: 'Bad Request' });
  const { options, limits } = world;
  const exists = options.points.includes(point);
  const rows = exists ? rowsOf({ report, point, from, to, now: options.now(), seed: options.seed ?? 1 }) : [];
  const path = `${origin}${BASE}/${report.emil.toLowerCase()}`;
  return json(200, pageOf(report, rows, page, Math.min(size, limits.pageRows), Object.fromEntries(parameters), path));
}

interface Page {
  readonly _meta: object;
  readonly report: object;
  readonly _links: object;
  readonly fields: readonly { readonly name: string }[];
  readonly data: readonly (readonly unknown[])[];
}

function pageOf(
  report: StandInReport,
  rows: readonly Row[],
  page: number,
  size: number,
  parameters: Readonly<Record<string, string>>,
  path: string,
): Page {
  const { fields } = report;
  return {
    _meta: {
      totalRecords: rows.length,
      pageSize: size,
      totalPages: Math.ceil(rows.length / size),
      currentPage: page,
      query: { parameterCount: Object.keys(parameters).length, parameters, sortedBy: report.sortedBy },
    },
    report: {
      reportName: report.endpoint,
      reportDisplayName: report.name,
      reportEMIL: report.emil,
      downloadLimit: 2000000,
    },
    fields: fields.map(([name, dataType], place) => ({ name, label: name, cardinality: place + 1, dataType })),
    data: rows.slice((page - 1) * size, page * size).map((row) => fields.map(([name]) => row[name] ?? null)),
    _links: { self: { href: `${path}/${report.endpoint}` }, parent: { href: path } },
  };
}

/** Rows are positional: the fields say what stands where. */
function turned(page: Page): Page {
  return { ...page, fields: page.fields.toReversed(), data: page.data.map((row) => row.toReversed()) };
}

function withoutPrices(page: Page): Page {
  const place = page.fields.findIndex(({ name }) => name === 'settlementPointPrice' || name === 'LMP');
  const without = <Each>(list: readonly Each[]) => list.filter((_, i) => i !== place);
  return { ...page, fields: without(page.fields), data: page.data.map(without) };
}

function changed(right: Answer, change: (page: Page) => Page): Answer {
  return right.status === 200 ? json(200, change(JSON.parse(String(right.body)))) : right;
}

function json(status: number, body: object): Answer {
  return { status, type: 'application/json', body: JSON.stringify(body) };
}
