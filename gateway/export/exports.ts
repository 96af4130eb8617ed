import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';
import type pg from 'pg';
import type { Logger } from 'pino';
import { BusbarError, isBusbarError, messageOf } from '../../domain/errors.ts';
import { may } from '../../domain/rights.ts';
import { auditedWork, cut } from '../../prisma/operations/audit.ts';
import { answerJson, cutShort, pathOf, whenClosed } from '../../runtime/http-service.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Denials } from '../audit/denials.ts';
import { actorOf } from '../audit/notes.ts';
import { callerOf } from '../caller.ts';
import { acceptedCoding, type Coding } from '../encoding/preferences.ts';
import { createErrorMask } from '../errors.ts';
import { beyondLimit } from '../limits/beyond-limit.ts';
import { refusalCounter } from '../limits/intake.ts';
import { beyondShare, Shares } from '../limits/shares.ts';
import { rollupsOf } from '../reads/rollups.ts';
import { scopesOf } from '../rights/scopes.ts';
import { fromStore } from '../store-reach.ts';
import type { Batch } from './columns.ts';
import type { ExportKind, ExportPlan } from './export-kind.ts';
import { FORMAT_OF, type Format, type FormatName } from './formats.ts';
import { LMP_EXPORT } from './lmp-export.ts';
import { acceptedFormat } from './negotiation.ts';
import { isFormat } from './parameters.ts';
import { PNL_EXPORT } from './pnl-export.ts';
import { openSnapshot, type Snapshot } from './snapshot.ts';
import { TRADES_EXPORT } from './trades-export.ts';

/** What paths under it are exports. */
export const EXPORT_PATH = '/export/';

const KINDS: Readonly<Record<string, ExportKind>> = { lmp: LMP_EXPORT, trades: TRADES_EXPORT, pnl: PNL_EXPORT };

/** An export that is read slower than this holds back what the store may clean up. */
const DURATION_MS_MAX = 60 * 60_000;
const ROWS_MAX = 100_000_000;
const RETRY_AFTER_SECONDS = 5;

/** Statuses of what is answered before the first byte. */
const STATUS: Readonly<Record<string, number>> = {
  BAD_USER_INPUT: 400,
  LIMIT_EXCEEDED: 400,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
};

interface ExportsOptions {
  /** Of exports alone: with one connection more than exports, for cancelling them. */
  readonly pool: pg.Pool;
  /** Exports at a time; whoever asks beyond is told to come back. */
  readonly exportsMax: number;
  /** Of one identity at a time; without it, it may have all. Nobody is one where the gateway is open. */
  readonly perIdentityMax?: number;
  /** Of the audit log: who exported what, and whether it went through. */
  readonly auditPool: pg.Pool;
  /** Without it, what is denied, and what there was no place for, is not noted. */
  readonly denials?: Denials | undefined;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Milliseconds UTC. */
  readonly clock: () => number;
  readonly durationMsMax?: number;
  /** Of an export whose question tells how many it may have. */
  readonly rowsMax?: number;
}

/** Answers a request for a path of an export. Never throws. */
export type Exports = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Series as files, streamed from one state of the store.
 *
 * Until its first rows have come, an export can still fail with a status and a reason; after that it ends whole, or its
 * connection is reset: what has ended is complete. Nothing is read of the store that the client does not take, and a client
 * that goes away frees its connection to the store at once.
 */
export function createExports({
  pool,
  exportsMax,
  perIdentityMax = exportsMax,
  auditPool,
  denials,
  log,
  metrics,
  clock,
  durationMsMax = DURATION_MS_MAX,
  rowsMax = ROWS_MAX,
}: ExportsOptions): Exports {
  const mask = createErrorMask(log, refusalCounter(metrics));
  const rollups = rollupsOf(pool);
  const shares = new Shares(perIdentityMax);
  let underWay = 0;

  /**
   * @returns what gives the place back; once is enough.
   * @throws BusbarError `UNAVAILABLE` where there is none, `RATE_LIMITED` where an identity has its share.
   */
  const placeOf = (subject: string) => {
    if (underWay >= exportsMax) {
      throw new BusbarError('UNAVAILABLE', `${exportsMax} exports are under way, which is all there may be: try again`);
    }
    const giveBack = shares.take(subject);
    if (!giveBack) throw beyondShare('exports', perIdentityMax, 'exports');
    underWay++;
    metrics.exports.inc();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      giveBack();
      underWay--;
      metrics.exports.dec();
    };
  };

  /** As `placeOf`. Whoever asks for one again and again is one entry of the audit log. */
  const admit = (request: IncomingMessage) => {
    const caller = callerOf(request);
    try {
      return placeOf(caller.identity.subject);
    } catch (error) {
      denials?.noteRefusal(actorOf(caller, 'export'), 'export', [pathOf(request)], messageOf(error));
      throw error;
    }
  };

  const stream = async (
    request: IncomingMessage,
    response: ServerResponse,
    { plan, format, name }: Asked,
    leave: () => void,
  ) => {
    const ended = new AbortController();
    const { signal } = ended;
    const stop = (error: unknown) => ended.abort(error);
    const overdue = setTimeout(() => stop(new Error('the export took too long')), durationMsMax);
    whenClosed(response, () => !response.writableFinished && stop(new Error('the client went away')));
    let snapshot: Snapshot | undefined;
    const free = async () => {
      await snapshot?.close();
      leave();
    };
    try {
      // Also while it was noted that it begins.
      signal.throwIfAborted();
      snapshot = await fromStore(() => openSnapshot(pool, stop));
      signal.throwIfAborted();
      // At once, also where the store is at work on rows that nobody waits for any more.
      signal.addEventListener('abort', () => void free(), { once: true });
      const source = counted(plan.batches(snapshot, { rollups, now: clock() }), metrics, name);
      const batches = await fromStore(() => begun(source, free));
      signal.throwIfAborted();
      const coding = writeHead(request, response, plan, format);
      signal.addEventListener('abort', () => cutShort(response), { once: true });
      const bytes = Readable.from(format.encode(plan.columns, batches), { objectMode: false });
      const steps = coding ? [compressor(coding)] : [];
      await pipeline([bytes, ...steps, response], { signal });
    } finally {
      clearTimeout(overdue);
      await free();
    }
  };

  const noted = (request: IncomingMessage, work: () => Promise<void>) => {
    // However long: whoever may export may begin one as often as the rate allows, and leave.
    const input = { path: pathOf(request), query: cut(queryOf(request).toString()) };
    return auditedWork(auditPool, { actor: actorOf(callerOf(request), 'export'), action: 'export', input }, work);
  };
  const begin = async (request: IncomingMessage, response: ServerResponse, asked: Asked) => {
    const leave = admit(request);
    try {
      await noted(request, () => stream(request, response, asked, leave));
    } finally {
      leave();
    }
  };
  const noteDenial = (request: IncomingMessage, error: unknown) => {
    if (isBusbarError(error, 'FORBIDDEN')) {
      denials?.note(actorOf(callerOf(request), 'export'), [pathOf(request)], error.message);
    }
  };

  return async (request, response) => {
    try {
      const asked = askedFor(request, response);
      if (asked === undefined) return;
      requireFewRows(asked.plan, rowsMax);
      if (request.method === 'HEAD') {
        writeHead(request, response, asked.plan, asked.format);
        response.end();
      } else await begin(request, response, asked);
    } catch (error) {
      noteDenial(request, error);
      if (response.headersSent) {
        log.warn({ err: error, path: pathOf(request) }, 'export broke off');
        cutShort(response);
      } else if (!response.destroyed) {
        const { message, extensions } = mask.error(error);
        answerError(response, String(extensions.code), message, extensions);
      }
    }
  };
}

interface Asked {
  readonly plan: ExportPlan;
  readonly name: FormatName;
  readonly format: Format;
}

/** @returns undefined where the request has been answered. @throws BusbarError for a question that is none. */
function askedFor(request: IncomingMessage, response: ServerResponse): Asked | undefined {
  const kind = pathOf(request).slice(EXPORT_PATH.length);
  const found = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (!found) throw new BusbarError('NOT_FOUND', `there are exports of ${Object.keys(KINDS).join(', ')}`);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    // Its body is not read, so that the connection cannot carry another request.
    response.writeHead(405, { allow: 'GET, HEAD', connection: 'close' }).end();
    return undefined;
  }
  const query = queryOf(request);
  const { rights } = callerOf(request).identity;
  if (!may(rights, found.needs)) throw new BusbarError('FORBIDDEN', `exports of ${kind} need ${found.needs}`);
  const plan = found.plan(query, scopesOf(rights));
  const given = query.get('format');
  const name = given !== null && isFormat(given) ? given : acceptedFormat(request.headers);
  if (name) return { plan, name, format: FORMAT_OF[name] };
  const types = Object.values(FORMAT_OF).map(({ mediaType }) => mediaType);
  response.appendHeader('vary', 'accept');
  answerJson(response, 406, { error: { code: 'BAD_USER_INPUT', message: `there are ${types.join(', ')}` } });
  return undefined;
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  return new URLSearchParams(url.split('?').slice(1).join('?'));
}

/** @throws BusbarError `LIMIT_EXCEEDED`, before anything is asked of the store. */
function requireFewRows({ rowsMax: asked = 0 }: ExportPlan, max: number): void {
  if (asked > max) throw beyondLimit('exportRows', max, asked, 'ask for fewer nodes or a shorter range');
}

function answerError(response: ServerResponse, code: string, message: string, extensions: object): void {
  const status = STATUS[code] ?? 500;
  if (status === 503 || status === 429) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
  if (status === 403) response.setHeader('connection', 'close');
  answerJson(response, status, { error: { message, ...extensions } });
}

/** @returns how the body is to be coded. */
function writeHead(
  request: IncomingMessage,
  response: ServerResponse,
  { file }: ExportPlan,
  { contentType, extension, text }: Format,
): Coding | undefined {
  const coding = text ? acceptedCoding(request.headers) : undefined;
  response.appendHeader('vary', 'accept, accept-encoding').writeHead(200, {
    'content-type': contentType,
    'content-disposition': `attachment; filename="${file}.${extension}"`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(coding && { 'content-encoding': coding }),
  });
  return coding;
}

/** Fast ones rather than small ones: the export goes at the pace of its slowest step. */
function compressor(coding: Coding): Transform {
  if (coding === 'gzip') return createGzip({ level: 4 });
  return createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 3 } });
}

async function* counted(batches: AsyncIterable<Batch>, metrics: Metrics, format: FormatName): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    metrics.exportedRows.inc({ format }, batch.rows.length);
    yield batch;
  }
}

/**
 * The same batches, of which the first has come: what fails until then can still be said.
 * @param exhausted waited for after the last one, before the answer ends: whoever has all of it may ask again at once.
 */
async function begun(batches: AsyncGenerator<Batch>, exhausted: () => Promise<void>): Promise<AsyncIterable<Batch>> {
  const first = await batches.next();
  return (async function* () {
    if (!first.done) {
      yield first.value;
      yield* batches;
    }
    await exhausted();
  })();
}
