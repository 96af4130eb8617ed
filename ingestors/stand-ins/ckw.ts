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
import { jsonTurned, jsonWithout } from './columns.ts';
import {
  type Answer,
  type RequestLimit,
  type StandIn,
  type StandInOptions,
  type StandInRequest,
  startStandIn,
} from './stand-in.ts';
import type { ToldTrouble, Trouble } from './trouble.ts';

/**
 * A local server that speaks CKW's public data: dynamic tariffs, the live status of Lutersarni, ripple control signals. It
 * checks requests on its own account, and shares no code with the feeds.
 *
 * With `tokens` it is the endpoint for partners: `POST /oauth/token` gives tokens, and nothing is answered without one.
 */
export interface CkwOptions extends StandInOptions {
  /** 4 in 999 s. */
  readonly limit?: RequestLimit;
  readonly tokens?: { readonly clientId: string; readonly clientSecret: string; readonly lifetimeMs: number };
}

export type CkwFault = Trouble | ToldTrouble;

/** `url` is as in `CKW_URL`. The log has paths with queries, and the status that each was answered. */
export interface Ckw extends StandIn<CkwFault, CkwLogEntry> {
  /** As in `CKW_TOKEN_URL`. */
  readonly tokenUrl: string;
  /** Changes a published price, in units of 0.0001 CHF/kWh, and the publication to now. */
  correct(tariffName: string, startMs: number, delta: number): void;
}

export interface CkwLogEntry {
  readonly at: number;
  readonly path: string;
  readonly answer: number | 'stall' | 'cut';
}

interface Correction {
  readonly tariffName: string;
  readonly startMs: number;
  readonly delta: number;
  readonly at: number;
}

interface Situation {
  readonly now: number;
  readonly corrections: readonly Correction[];
}

const DAY_MS = 86_400_000;

const TOKEN_PATH = '/oauth/token';

export async function startCkw(options: CkwOptions): Promise<Ckw> {
  const { limit = { requests: 4, windowMs: 999_000 }, tokens } = options;
  const corrections: Correction[] = [];
  /** Tokens, and when each ends. */
  const issued = new Map<string, number>();

  const login = ({ body, now }: StandInRequest): Answer => {
    const fields = new URLSearchParams(body);
    const isClient =
      fields.get('client_id') === tokens?.clientId && fields.get('client_secret') === tokens?.clientSecret;
    if (!tokens || !isClient) return json(401, { error: 'invalid_client' });
    const token = `token-${issued.size + 1}`;
    issued.set(token, now + tokens.lifetimeMs);
    return json(200, { access_token: token, token_type: 'Bearer', expires_in: tokens.lifetimeMs / 1000 });
  };
  const isWelcome = ({ headers, now }: StandInRequest) =>
    !tokens || (issued.get(headers.authorization?.replace('Bearer ', '') ?? '') ?? 0) > now;
  const isLogin = ({ target }: StandInRequest) => target === TOKEN_PATH;
  const reportAnswer = (request: StandInRequest): Answer => {
    if (!isWelcome(request)) return INVALID_TOKEN;
    const { status, body } = answered(request.url, { now: request.now, corrections });
    const left = { 'x-ratelimit-limit': String(limit.requests), 'x-ratelimit-remaining': String(request.requestsLeft) };
    return { ...json(status, body), headers: left };
  };

  const standIn = await startStandIn<never, CkwLogEntry>(options, {
    path: '/api/v1',
    limit,
    isLogin,
    answer: (request) => (isLogin(request) ? login(request) : reportAnswer(request)),
    forms: {
      status: (status) => json(status, { error: 'try again later' }),
      throttled: () => json(429, { error: 'Quota has been exceeded' }),
      unauthorized: () => INVALID_TOKEN,
      noData: ({ url }, right) =>
        url.pathname.endsWith('/live') ? json(404, { error: 'not found' }) : emptied(right()),
      withoutColumn: (_, right) =>
        changed(right(), (text) => jsonWithout(text, 'start_timestamp', 'zeitstempel', 'Start')),
      turned: (_, right) => changed(right(), jsonTurned),
      page: '<html><body>Maintenance</body></html>',
    },
    entry: ({ target, now }, outcome) => ({
      at: now,
      path: target,
      answer: typeof outcome === 'string' ? outcome : outcome.status,
    }),
  });
  return Object.assign(standIn, {
    tokenUrl: `${standIn.origin}${TOKEN_PATH}`,
    correct: (tariffName: string, startMs: number, delta: number) =>
      void corrections.push({ tariffName, startMs, delta, at: options.now() }),
  });
}

const INVALID_TOKEN = json(401, { error: 'invalid_token' });

function json(status: number, body: unknown): Answer {
  return { status, type: 'application/json', body: JSON.stringify(body) };
}

function changed(right: Answer, change: (text: string) => string): Answer {
  return right.status === 200 ? { ...right, body: change(String(right.body)) } : right;
}

/** Tariffs without prices, or no signals. */
function emptied(right: Answer): Answer {
  return changed(right, (text) => (text.startsWith('[') ? '[]' : JSON.stringify({ ...JSON.parse(text), prices: [] })));
}

interface Said {
  readonly status: number;
  readonly body: unknown;
}

function answered({ pathname, searchParams }: URL, situation: Situation): Said {
  const path = /^\/api\/v1\/netzinformationen\/(.+)$/.exec(pathname)?.[1];
  if (path === 'energie/dynamische-preise') return tariffs(searchParams, situation);
  if (path === 'kraftwerke/lutersarni/live') return { status: 200, body: plant(situation.now) };
  const day = /^trasignale\/(\d{4}-\d{2}-\d{2})$/.exec(path ?? '')?.[1];
  return day
    ? { status: 200, body: simulatedSignals(day, situation.now) }
    : { status: 404, body: { error: 'not found' } };
}

function tariffs(parameters: URLSearchParams, { now, corrections }: Situation): Said {
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
