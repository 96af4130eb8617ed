import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRandom } from './noise.ts';
import { createFaultDice, type FailingShare, type ToldTrouble, type Trouble } from './trouble.ts';

/**
 * What the stand-ins of all vendors share: a server on loopback with a log of requests, troubles on demand or by chance, a limit
 * of requests by the clock that it is given, 304 to who has the newest already, and counts of all that. A vendor's own file says
 * what it answers, and in which form it says that something is wrong.
 */
export interface StandInOptions {
  /** What time it is: decides what is published, who asks too often, which token has ended. Milliseconds UTC. */
  readonly now: () => number;
  /** Any free one where none is given. */
  readonly port?: number;
  /** Uniform in [0, 1), for troubles by chance; the same numbers in every run where none is given. */
  readonly random?: () => number;
  /** Hears of each request and of what it came to, before that is sent. */
  readonly onOutcome?: (told: ToldOutcome) => void;
}

export interface ToldOutcome {
  readonly at: number;
  /** Path and query, as they came. */
  readonly target: string;
  readonly isLogin: boolean;
  /** Whether it broke the vendor's limit. */
  readonly isOverLimit: boolean;
  /** What went wrong because somebody asked for it. */
  readonly fault: string | undefined;
  readonly outcome: Outcome;
}

/** So many requests that a vendor takes within a time. */
export interface RequestLimit {
  readonly requests: number;
  readonly windowMs: number;
}

export interface StandInRequest {
  readonly method: string;
  readonly url: URL;
  /** Path and query, as they came. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly now: number;
  /** Requests that the limit still lets through in this window. */
  readonly requestsLeft: number;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the log says of it, where the status says too little. */
  readonly name?: string;
}

/** What a request came to: an answer, silence, or a connection that was reset. */
export type Outcome = Answer | 'stall' | 'cut';

/** What a vendor's file says. `Own` are troubles that only it has. */
export interface Vendor<Own, Entry> {
  /** Of the base URL. */
  readonly path: string;
  /** Undefined where the vendor states none. */
  readonly limit?: RequestLimit | undefined;
  /** Which requests the limit is about; all. */
  readonly isLimited?: (request: StandInRequest) => boolean;
  /** Requests for a token: troubles of reports are not theirs, nor the limit. */
  readonly isLogin?: (request: StandInRequest) => boolean;
  readonly answer: (request: StandInRequest) => Answer;
  readonly forms: VendorForms;
  readonly own?: (fault: Own, request: StandInRequest, right: () => Answer) => Answer;
  readonly entry: (request: StandInRequest, outcome: Outcome, injected: boolean) => Entry;
}

type Form = (request: StandInRequest, right: () => Answer) => Answer;

/** How the vendor says it. */
export interface VendorForms {
  readonly status: (status: number) => Answer;
  readonly throttled: (waitMs: number) => Answer;
  readonly noData: Form;
  readonly withoutColumn: Form;
  readonly turned: Form;
  readonly unauthorized?: () => Answer;
  /** Of maintenance or of a wall before the vendor. */
  readonly page?: string;
}

export interface Counts {
  /** Requests that broke the vendor's limit, whatever they were answered. */
  readonly overLimit: number;
  /** Answers that went wrong because somebody asked for it, by trouble. */
  readonly injected: Readonly<Record<string, number>>;
}

export interface StandIn<Fault, Entry> {
  /** Base URL. */
  readonly url: string;
  readonly origin: string;
  /** Every request so far, in the order of arrival. */
  readonly requests: readonly Entry[];
  readonly counts: Counts;
  /** Requests that broke the vendor's limit. */
  readonly overLimit: number;
  /** The next answers go wrong, so many times; what is asked for later comes after it. */
  failNext(fault: Fault, times?: number): void;
  /** Likewise for requests for tokens. */
  failNextLogin(fault: Fault, times?: number): void;
  /** From now on a steady share goes wrong; undefined ends it. */
  failing(share: FailingShare<Fault> | undefined): void;
  close(): Promise<void>;
}

export const MINUTE_LIMIT_MS = 60_000;

/** @throws the system's error where the port is taken. */
export async function startStandIn<Own extends object, Entry, Named extends Trouble = Trouble>(
  options: StandInOptions,
  vendor: Vendor<Own, Entry>,
): Promise<StandIn<Named | ToldTrouble | Own, Entry>> {
  type Fault = Named | ToldTrouble | Own;
  const requests: Entry[] = [];
  const counts = { overLimit: 0, injected: {} as Record<string, number> };
  const queued = { reports: [] as Fault[], logins: [] as Fault[] };
  const random = options.random ?? createRandom(1);
  const gate = createGate(vendor.limit);
  let dice: () => Fault | undefined = () => undefined;

  const outcomeOf = (request: StandInRequest, isLogin: boolean, waitMs: number): [Outcome, Fault | undefined] => {
    const wanted = (isLogin ? queued.logins : queued.reports).shift();
    // Chance never hides that somebody asked too often.
    const throttled = wanted === undefined && waitMs > 0;
    const fault = wanted ?? (throttled || isLogin ? undefined : dice());
    if (throttled) return [vendor.forms.throttled(waitMs), undefined];
    const right = () => unlessKnown(vendor.answer(request), request.headers);
    return [fault === undefined ? right() : wrong(vendor, fault, request, right), fault];
  };
  const respond = async (incoming: IncomingMessage, response: ServerResponse) => {
    const body = (await incoming.toArray()).join('');
    const now = options.now();
    const request = requestFrom(incoming, body, now);
    const isLogin = vendor.isLogin?.(request) ?? false;
    const isLimited = !isLogin && (vendor.isLimited?.(request) ?? true);
    const { waitMs, left } = isLimited ? gate(now) : { waitMs: 0, left: gate.left(now) };
    if (waitMs > 0) counts.overLimit += 1;
    const [outcome, fault] = outcomeOf({ ...request, requestsLeft: left }, isLogin, waitMs);
    const name = fault === undefined || typeof fault === 'string' ? fault : JSON.stringify(fault);
    if (name !== undefined) counts.injected[name] = (counts.injected[name] ?? 0) + 1;
    requests.push(vendor.entry(request, outcome, fault !== undefined));
    const { target } = request;
    options.onOutcome?.({ at: now, target, isLogin, isOverLimit: waitMs > 0, fault: name, outcome });
    send(response, outcome, fault, () => unlessKnown(vendor.answer(request), {}));
  };

  // Its clock need not be that of the system, by which nobody is to be hung up on for having been idle.
  const server = createServer({ keepAliveTimeout: 0 }, (incoming, response) => {
    respond(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  return {
    url: `${origin}${vendor.path}`,
    origin,
    requests,
    counts,
    get overLimit() {
      return counts.overLimit;
    },
    failNext: (fault, times = 1) => void queued.reports.push(...Array<Fault>(times).fill(fault)),
    failNextLogin: (fault, times = 1) => void queued.logins.push(...Array<Fault>(times).fill(fault)),
    failing: (share) => {
      dice = share ? createFaultDice(share, random) : () => undefined;
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function requestFrom({ method = 'GET', url: target = '/', headers }: IncomingMessage, body: string, now: number) {
  const url = new URL(target, `http://${headers.host ?? '127.0.0.1'}`);
  return { method, url, target, headers, body, now, requestsLeft: 0 };
}

/** A window that slides: whoever is refused has asked all the same, and so waits from then on. */
function createGate(limit: RequestLimit | undefined) {
  let asked: readonly number[] = [];
  const lately = (now: number) => asked.filter((at) => at > now - (limit?.windowMs ?? 0));
  const left = (now: number) => Math.max(0, (limit?.requests ?? Number.POSITIVE_INFINITY) - lately(now).length);
  const ask = (now: number) => {
    if (!limit) return { waitMs: 0, left: Number.POSITIVE_INFINITY };
    const before = lately(now);
    asked = [...before, now];
    const oldest = before.at(-limit.requests);
    return { waitMs: oldest === undefined ? 0 : oldest + limit.windowMs - now, left: left(now) };
  };
  return Object.assign(ask, { left });
}

/** Status 304 to who says that it has what was last modified then, where the vendor tells that at all. */
function unlessKnown(answer: Answer, headers: IncomingHttpHeaders): Answer {
  const { etag, 'last-modified': modified } = answer.headers ?? {};
  const given = headers['if-none-match'];
  const isKnown =
    given !== undefined ? given === etag : modified !== undefined && headers['if-modified-since'] === modified;
  return isKnown && answer.status === 200 ? { ...answer, status: 304, body: '' } : answer;
}

function wrong<Own extends object, Entry>(
  { forms, own }: Vendor<Own, Entry>,
  fault: Trouble | ToldTrouble | Own,
  request: StandInRequest,
  right: () => Answer,
): Outcome {
  if (typeof fault === 'string') return namedTrouble(fault, forms, request, right);
  if (isTold(fault)) {
    if ('silentAfter' in fault) return 'stall';
    const form = fault.status === 200 ? { ...right(), status: 200 } : forms.status(fault.status);
    return fault.body === undefined ? form : { ...form, body: fault.body };
  }
  if (!own) throw new TypeError(`a fault that nobody knows: ${JSON.stringify(fault)}`);
  return own(fault, request, right);
}

function isTold(fault: object): fault is ToldTrouble {
  return 'status' in fault || 'silentAfter' in fault;
}

const PAGE = '<!DOCTYPE html>\n<html><body><h1>Scheduled maintenance</h1></body></html>\n';

function namedTrouble(trouble: Trouble, forms: VendorForms, request: StandInRequest, right: () => Answer): Outcome {
  switch (trouble) {
    case 'THROTTLED':
      return forms.throttled(1_000);
    case 'SERVER_ERROR':
      return forms.status(503);
    case 'AUTH':
      if (!forms.unauthorized) throw new TypeError('who asks for no credentials refuses none');
      return forms.unauthorized();
    case 'NO_DATA':
      return forms.noData(request, right);
    case 'PAGE':
      return { status: 200, type: 'text/html', body: forms.page ?? PAGE, name: 'page' };
    case 'TRUNCATED':
      return half(right());
    case 'STALL':
      return 'stall';
    case 'CUT':
      return 'cut';
    case 'OTHER_COLUMNS':
      return forms.withoutColumn(request, right);
    case 'COLUMN_ORDER':
      return forms.turned(request, right);
  }
}

function half(answer: Answer): Answer {
  const bytes = Buffer.from(answer.body);
  return { ...answer, body: bytes.subarray(0, bytes.length / 2), name: 'truncated' };
}

function send(response: ServerResponse, outcome: Outcome, fault: unknown, right: () => Answer): void {
  if (typeof outcome === 'object') {
    response.writeHead(outcome.status, headersOf(outcome));
    response.end(outcome.body);
    return;
  }
  const after = isSilent(fault) ? fault.silentAfter : outcome === 'cut' ? 'HALF' : undefined;
  // Silent until whoever waits gives up, or the stand-in is closed.
  if (after === undefined) return;
  const answer = right();
  const bytes = Buffer.from(answer.body);
  // Of an answer without a body there is one promised, else it would be whole.
  response.writeHead(answer.status, headersOf({ ...answer, body: bytes.length > 0 ? bytes : Buffer.alloc(64) }));
  response.flushHeaders();
  const sent = after === 'HALF' ? bytes.subarray(0, bytes.length / 2) : Buffer.alloc(0);
  response.write(sent, () => {
    if (outcome === 'cut') response.socket?.resetAndDestroy();
  });
}

function isSilent(fault: unknown): fault is { readonly silentAfter: 'HEADERS' | 'HALF' } {
  return typeof fault === 'object' && fault !== null && 'silentAfter' in fault;
}

function headersOf({ type, body, headers = {}, status }: Answer): Record<string, string> {
  const length = status === 304 ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return { 'content-type': type, ...length, ...headers };
}
