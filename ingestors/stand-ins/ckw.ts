import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  CKW_PARTS,
  ckwStamp,
  publicationOf,
  publishedQuarters,
  simulatedSignals,
  simulatedTariff,
  startOfToday,
  startOfTomorrow,
} from './ckw-prices.ts';

/**
 * A local server that speaks CKW's public data: dynamic tariffs, the live status of Lutersarni, ripple control signals. It
 * checks requests on its own account, counts them by windows, and shares no table with the feeds.
 *
 * With `tokens` it is the endpoint for partners: `POST /oauth/token` gives tokens, and nothing is answered without one.
 */
export interface CkwOptions {
  /** What time it is; decides what is published and who asks too often. Milliseconds UTC. */
  readonly now: () => number;
  readonly port?: number;
  /** Requests of a window, and how long one is: 4 in 999 s as CKW has it. */
  readonly limit?: { readonly requests: number; readonly windowMs: number };
  readonly tokens?: { readonly clientId: string; readonly clientSecret: string; readonly lifetimeMs: number };
}

/** An answer instead of the right one: a status, a page with status 200, half an answer, or none until the connection ends. */
export type CkwFault =
  | { readonly status: number }
  | { readonly page: true }
  | { readonly truncated: true }
  | { readonly stallMs: number };

export interface Ckw {
  /** Base URL, as in `CKW_URL`. */
  readonly url: string;
  /** As in `CKW_TOKEN_URL`. */
  readonly tokenUrl: string;
  /** Paths with queries, in the order of arrival, each with the status that it was answered. */
  readonly requests: readonly { readonly at: number; readonly path: string; readonly answer: number | 'stall' }[];
  /** The next answers go wrong, one after the other. */
  failNext(...faults: readonly CkwFault[]): void;
  /** Changes a published price, in units of 0.0001 CHF/kWh, and the publication to now. */
  correct(tariffName: string, startMs: number, delta: number): void;
  close(): Promise<void>;
}

interface Correction {
  readonly tariffName: string;
  readonly startMs: number;
  readonly delta: number;
  readonly at: number;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface Situation {
  readonly now: number;
  readonly corrections: readonly Correction[];
}

const DAY_MS = 86_400_000;

export async function startCkw(options: CkwOptions): Promise<Ckw> {
  const { limit = { requests: 4, windowMs: 999_000 }, tokens } = options;
  const requests: { at: number; path: string; answer: number | 'stall' }[] = [];
  const faults: CkwFault[] = [];
  const corrections: Correction[] = [];
  const issued = new Map<string, number>();
  let window = { from: Number.NEGATIVE_INFINITY, count: 0 };

  const login = async (request: IncomingMessage): Promise<Answer> => {
    const fields = new URLSearchParams((await request.toArray()).join(''));
    const isClient =
      fields.get('client_id') === tokens?.clientId && fields.get('client_secret') === tokens?.clientSecret;
    if (!tokens || !isClient) return { status: 401, body: { error: 'invalid_client' } };
    const token = `token-${issued.size + 1}`;
    issued.set(token, options.now() + tokens.lifetimeMs);
    return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: tokens.lifetimeMs / 1000 } };
  };
  const isWelcome = ({ headers }: IncomingMessage) =>
    !tokens || (issued.get(headers.authorization?.replace('Bearer ', '') ?? '') ?? 0) > options.now();
  const isThrottled = (now: number) => {
    if (now - window.from >= limit.windowMs) window = { from: now, count: 0 };
    window.count += 1;
    return window.count > limit.requests;
  };
  const answerTo = (request: IncomingMessage, now: number): Answer => {
    if (isThrottled(now)) return { status: 429, body: { error: 'Quota has been exceeded' } };
    if (!isWelcome(request)) return { status: 401, body: { error: 'invalid_token' } };
    return answered(new URL(request.url ?? '/', 'http://127.0.0.1'), { now, corrections });
  };

  const server = createServer(async (request, response) => {
    const path = request.url ?? '/';
    const now = options.now();
    if (path === '/oauth/token') return send(response, await login(request), {});
    const fault = faults.shift();
    const answer = fault && 'stallMs' in fault ? undefined : answerTo(request, now);
    const status = fault && 'status' in fault ? fault.status : answer?.status;
    requests.push({ at: now, path, answer: status ?? 'stall' });
    if (!answer) return stall(response, fault && 'stallMs' in fault ? fault.stallMs : 0);
    send(response, { ...answer, status: status ?? 500 }, { limit, left: limit.requests - window.count, fault });
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  return {
    url: `${origin}/api/v1`,
    tokenUrl: `${origin}/oauth/token`,
    requests,
    failNext: (...next) => void faults.push(...next),
    correct: (tariffName, startMs, delta) => void corrections.push({ tariffName, startMs, delta, at: options.now() }),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function answered({ pathname, searchParams }: URL, situation: Situation): Answer {
  const path = /^\/api\/v1\/netzinformationen\/(.+)$/.exec(pathname)?.[1];
  if (path === 'energie/dynamische-preise') return tariffs(searchParams, situation);
  if (path === 'kraftwerke/lutersarni/live') return { status: 200, body: plant(situation.now) };
  const day = /^trasignale\/(\d{4}-\d{2}-\d{2})$/.exec(path ?? '')?.[1];
  return day
    ? { status: 200, body: simulatedSignals(day, situation.now) }
    : { status: 404, body: { error: 'not found' } };
}

function tariffs(parameters: URLSearchParams, { now, corrections }: Situation): Answer {
  const name = parameters.get('tariff_name') ?? 'home_dynamic';
  const type = parameters.get('tariff_type');
  const from = parameters.has('start_timestamp')
    ? Date.parse(parameters.get('start_timestamp') ?? '')
    : startOfToday(now);
  const through = parameters.has('end_timestamp')
    ? Date.parse(parameters.get('end_timestamp') ?? '')
    : startOfTomorrow(now) - 1;
  const parts = type === null ? CKW_PARTS : CKW_PARTS.filter((part) => part === type);
  const isKnown = ['home_dynamic', 'business_dynamic'].includes(name) && parts.length > 0;
  if (!isKnown || !(from <= through) || through - from > 31 * DAY_MS)
    return { status: 400, body: { error: 'BAD_REQUEST' } };
  const inUtc = parameters.get('start_timestamp')?.endsWith('Z') ?? false;
  const starts = publishedQuarters(from, through, now);
  const made = corrections.filter(({ tariffName }) => tariffName === name);
  const corrected = made.at(-1)?.at;
  const publication =
    corrected === undefined ? publicationOf(starts.at(-1) ?? from) : new Date(corrected).toISOString();
  const prices = starts.map((start) => {
    const delta = made.filter(({ startMs }) => startMs === start).reduce((sum, each) => sum + each.delta, 0);
    const price = simulatedTariff(name, start);
    const value = (part: (typeof CKW_PARTS)[number]) => (price[part] + (part === 'electricity' ? 0 : delta)) / 10_000;
    return {
      start_timestamp: ckwStamp(start, inUtc),
      end_timestamp: ckwStamp(start + 900_000, inUtc),
      ...Object.fromEntries(parts.map((part) => [part, [{ unit: 'CHF_kWh', value: value(part) }]])),
    };
  });
  return { status: 200, body: { publication_timestamp: publication, prices } };
}

function plant(now: number): object {
  const wind = 10 + (Math.floor(now / 600_000) % 30);
  return {
    zeitstempel: ckwStamp(now - (now % 300_000), false),
    betriebsstatus: wind < 12 ? 'Windstille' : 'in Betrieb',
    spannung: '20.697998',
    wirkleistung: String(wind < 12 ? 0 : wind / 20),
    blindleistung: '-0.02',
    windgeschwindigkeit: String(wind),
    einheiten: { strom: 'A', spannung: 'kV', wirkleistung: 'MW', blindleistung: 'Mvar', windgeschwindigkeit: 'km/h' },
  };
}

interface Sending {
  readonly limit?: NonNullable<CkwOptions['limit']>;
  readonly left?: number;
  readonly fault?: CkwFault | undefined;
}

function send(response: ServerResponse, { status, body }: Answer, { limit, left, fault }: Sending): void {
  const text = JSON.stringify(body);
  const page = fault && 'page' in fault;
  const sent = page
    ? '<html><body>Maintenance</body></html>'
    : fault && 'truncated' in fault
      ? text.slice(0, text.length / 2)
      : text;
  response.writeHead(status, {
    'content-type': page ? 'text/html' : 'application/json',
    ...(limit && { 'x-ratelimit-limit': limit.requests, 'x-ratelimit-remaining': Math.max(0, left ?? 0) }),
  });
  response.end(sent);
}

function stall(response: ServerResponse, ms: number): void {
  const ending = setTimeout(() => response.destroy(), ms);
  response.once('close', () => clearTimeout(ending));
}
