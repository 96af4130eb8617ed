import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { Pacer } from '../../feed.ts';
import { type Clock, createHttpSource, type HttpSource } from '../../sources/http.ts';
import type { ReportAnswer, ReportSource } from '../../sources/report-poller.ts';
import { isBlank, isPage, isWithoutRows } from './csv-files.ts';
import { REPORTS, type ReportName } from './reports.ts';
import { filesOf, isSppRequest, sppRequests } from './requests.ts';
import type { SppSettings } from './settings.ts';

/** A day of all locations is 4 MB, an interval 150 kB. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

const TIMEOUT_MS = 60_000;

const RETRIES = { triesMax: 5, backoffMs: 5_000, backoffMsMax: 120_000 };

/** What can be asked for, without asking. */
export const SPP_REPORTS = { vendor: 'SPP', reports: REPORTS, requestsFor: sppRequests };

export interface SppParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly pacer: Pacer;
}

/**
 * Asks the SPP portal for files. The files of a request are handed on as they came, joined by a line end; those that are
 * missing leave no trace but the gap, and where all of them are, that is "no data".
 */
export function createSppSource(settings: SppSettings, { clock, random, pacer }: SppParts): ReportSource<ReportName> {
  const limits = { timeoutMs: TIMEOUT_MS, bytesMax: FILE_BYTES_MAX, ...RETRIES };
  const http = createHttpSource({ clock, random, pacer, ...limits });
  const base = settings.SPP_URL.replace(/\/$/, '');
  return {
    ...SPP_REPORTS,
    isRequest: isSppRequest,
    ask: (_, request, signal) => ask(http, base, request, signal),
    lookbackMs: settings.SPP_LOOKBACK_HOURS * HOUR_MS,
    clock,
    close: () => http.close(),
  };
}

async function ask(http: HttpSource, base: string, request: string, signal: AbortSignal): Promise<ReportAnswer> {
  const files: Buffer[] = [];
  for (const path of filesOf(request)) {
    const file = await fileAt(http, `${base}/${path}`, signal);
    if (file) files.push(file);
  }
  return { bytes: joined(files), noData: files.every(isWithoutRows) };
}

/** @returns undefined where SPP has no such file, which it says with status 404 and no body: a body says something else. */
async function fileAt(http: HttpSource, url: string, signal: AbortSignal): Promise<Buffer | undefined> {
  try {
    return await http.get(url, ({ bytes }) => judged(bytes), { signal });
  } catch (error) {
    const { status, body } = isBusbarError(error, 'SOURCE_REFUSED') ? error.details : {};
    if (status === 404 && body === '') return undefined;
    throw error;
  }
}

/** A page, or nothing at all, with status 200 is tried again. A file that cannot be read is an answer: the decoder tells. */
function judged(bytes: Buffer): Buffer {
  if (isPage(bytes)) throw new BusbarError('SOURCE_FAILED', 'SPP answered with a page in the place of a file');
  if (isBlank(bytes)) throw new BusbarError('SOURCE_FAILED', 'SPP answered with nothing and status 200');
  return bytes;
}

/** With a line end between two files: the decoder finds where one ends without its own. */
function joined(files: readonly Buffer[]): Buffer {
  const lineEnd = Buffer.from('\n');
  return Buffer.concat(files.flatMap((file, i) => (i === 0 ? [file] : [lineEnd, file])));
}
