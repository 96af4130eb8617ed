import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { ERCOT_REPORTS, type Row, rowsOf, type StandInReport } from './ercot-reports.ts';

/**
 * A local server that speaks ERCOT's public API: tokens by password, three reports of prices with paging, its limit of 30
 * requests a minute and its errors. It checks requests on its own account and shares no table with the feed.
 *
 * Not simulated: the archive, sorting and filters other than those of range and settlement point (answered 400).
 */
export interface ErcotOptions {
  /** What time it is; decides what is published, who asks too often and which token has ended. Milliseconds UTC. */
  readonly now: () => number;
  readonly points: readonly string[];
  readonly seed?: number;
  readonly port?: number;
  readonly credentials?: Partial<ErcotCredentials>;
  readonly limits?: Partial<ErcotLimits>;
  /** Fields come in another order, as they might one day. */
  readonly fieldsReversed?: boolean;
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

/** An answer instead of the right one; a `throttled` one has another status than 429 where it says so. */
export type ErcotFault =
  | { readonly status: number }
  | { readonly throttled: number }
  | { readonly page: true }
  | { readonly damaged: true }
  | { readonly stallMs: number };

export interface Ercot {
  /** As in `ERCOT_URL`. */
  readonly url: string;
  /** As in `ERCOT_TOKEN_URL`. */
  readonly tokenUrl: string;
  /** Every request so far, in the order of arrival; those of tokens have the path `token`. */
  readonly requests: readonly ErcotLogEntry[];
  /** The next answers to questions for reports go wrong, one after the other. */
  failNext(...faults: readonly ErcotFault[]): void;
  /** Likewise for tokens. */
  failNextLogin(...faults: readonly ErcotFault[]): void;
  /** No token that was given so far is taken from now on. */
  revokeTokens(): void;
  close(): Promise<void>;
}

export interface ErcotLogEntry {
  readonly at: number;
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly status: number | 'stall';
}

const DEFAULT_CREDENTIALS: ErcotCredentials = {
  username: 'trader@example.com',
  password: 'correct horse',
  clientId: 'fec253ea-0d06-4272-a5e6-b478baeecd70',
  subscriptionKey: 'stand-in-key',
};
const DEFAULT_LIMITS: ErcotLimits = { requestsPerMinute: 30, pageRows: 100_000, tokenSeconds: 3600 };
const THROTTLED = { error_key: 'throttled', error_message: 'Too Many Requests' };

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** What the stand-in knows. */
interface World {
  readonly options: ErcotOptions;
  readonly credentials: ErcotCredentials;
  readonly limits: ErcotLimits;
  /** Tokens that are taken, and when each ends. */
  readonly tokens: Map<string, number>;
  tokensGiven: number;
  readonly asked: number[];
  readonly url: () => string;
}

export async function startErcot(options: ErcotOptions): Promise<Ercot> {
  const requests: ErcotLogEntry[] = [];
  const faults: Record<'reports' | 'token', ErcotFault[]> = { reports: [], token: [] };
  let base = '';
  const world: World = {
    options,
    credentials: { ...DEFAULT_CREDENTIALS, ...options.credentials },
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    tokens: new Map(),
    tokensGiven: 0,
    asked: [],
    url: () => `${base}/api/public-reports`,
  };
  const server = createServer((request, response) => {
    void answered(request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  });
  const answered = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await bodyOf(request);
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const isLogin = url.pathname === '/oauth2/v2.0/token';
    const fault = (isLogin ? faults.token : faults.reports).shift();
    const right = isLogin ? tokenAnswer(request, body, world) : reportAnswer(request, url, world);
    const answer = fault ? faulty(fault, right) : right;
    const path = isLogin ? 'token' : url.pathname.replace('/api/public-reports/', '');
    const status = 'stallMs' in answer ? 'stall' : answer.status;
    requests.push({ at: options.now(), path, parameters: Object.fromEntries(url.searchParams), status });
    send(response, answer);
  };
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  return {
    url: world.url(),
    tokenUrl: `${base}/oauth2/v2.0/token`,
    requests,
    failNext: (...next) => {
      faults.reports.push(...next);
    },
    failNextLogin: (...next) => {
      faults.token.push(...next);
    },
    revokeTokens: () => world.tokens.clear(),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

/** The login of Azure AD B2C: its errors are 400, and its seconds text. */
function tokenAnswer(request: IncomingMessage, body: string, world: World): Answer {
  const { options, credentials, limits, tokens } = world;
  const form = new URLSearchParams(body);
  const isForm = request.headers['content-type'] === 'application/x-www-form-urlencoded';
  if (request.method !== 'POST' || !isForm) return json(400, { error: 'invalid_request' });
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
  tokens.set(token, options.now() + limits.tokenSeconds * 1000);
  return json(200, {
    access_token: `not-${token}`,
    id_token: token,
    token_type: 'Bearer',
    expires_in: `${limits.tokenSeconds}`,
  });
}

function reportAnswer(request: IncomingMessage, { pathname, searchParams }: URL, world: World): Answer {
  const { options, credentials, limits, tokens, asked } = world;
  const now = options.now();
  if (request.headers['ocp-apim-subscription-key'] !== credentials.subscriptionKey) {
    return json(401, { statusCode: 401, message: 'Access denied due to invalid subscription key.' });
  }
  const ends = tokens.get((request.headers.authorization ?? '').replace(/^Bearer /, ''));
  if (ends === undefined || ends <= now)
    return json(401, { statusCode: 401, message: 'Unauthorized. Access token is missing or invalid.' });
  asked.push(now);
  if (asked.filter((at) => at > now - 60_000).length > limits.requestsPerMinute) return json(429, THROTTLED);
  const report = ERCOT_REPORTS.find(
    ({ emil, endpoint }) => pathname === `/api/public-reports/${emil.toLowerCase()}/${endpoint}`,
  );
  if (!report) return json(404, { statusCode: 404, message: 'Resource not found' });
  return pageAnswer(report, searchParams, world);
}

function pageAnswer(report: StandInReport, parameters: URLSearchParams, world: World): Answer {
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
  return json(200, pageOf(report, rows, page, Math.min(size, limits.pageRows), Object.fromEntries(parameters), world));
}

function pageOf(
  report: StandInReport,
  rows: readonly Row[],
  page: number,
  size: number,
  parameters: Readonly<Record<string, string>>,
  { options, url }: World,
): object {
  const path = `${url()}/${report.emil.toLowerCase()}`;
  const fields = options.fieldsReversed ? report.fields.toReversed() : report.fields;
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

function faulty(fault: ErcotFault, right: Answer): Answer | { readonly stallMs: number } {
  if ('stallMs' in fault) return fault;
  if ('throttled' in fault) return json(fault.throttled, THROTTLED);
  if ('status' in fault) return json(fault.status, { statusCode: fault.status, message: 'try again later' });
  if ('damaged' in fault) return { ...right, text: right.text.slice(0, right.text.length / 2) };
  const text = '<html><head><META NAME="ROBOTS"></head><body>Request unsuccessful.</body></html>';
  return { status: 200, type: 'text/html', text };
}

function json(status: number, body: object): Answer {
  return { status, type: 'application/json', text: JSON.stringify(body) };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, answer: Answer | { readonly stallMs: number }): void {
  if ('stallMs' in answer) {
    const ending = setTimeout(() => response.destroy(), answer.stallMs);
    response.once('close', () => clearTimeout(ending));
    return;
  }
  response.writeHead(answer.status, { 'content-type': answer.type });
  response.end(answer.text);
}
