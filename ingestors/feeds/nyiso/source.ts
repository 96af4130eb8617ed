import { BusbarError, isBusbarError, messageOf } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { Pacer } from '../../feed.ts';
import { type Clock, createHttpSource, type HttpAnswer, type HttpSource } from '../../sources/http.ts';
import type { ReportAnswer, ReportSource } from '../../sources/report-poller.ts';
import { isZip, readZip, type ZipLimits } from '../../sources/zip.ts';
import { errorFromPage } from './decode.ts';
import { hasRows, isCutOff } from './lbmp-rows.ts';
import { REPORTS, type ReportName } from './reports.ts';
import { archivedFile, fileAsked, isArchived, nyisoRequests } from './requests.ts';
import type { NyisoSettings } from './settings.ts';

/** A day of 5-minute prices of generators is some 12 MB, a month of them zipped some 50 MB. */
const ANSWER_BYTES_MAX = 192 * 1024 * 1024;
const TIMEOUT_MS = 120_000;
const RETRIES = { triesMax: 5, backoffMs: 2_000, backoffMsMax: 60_000 };

/** One member is unpacked; the limit is on what all of them declare. */
const ARCHIVE_LIMITS: ZipLimits = { membersMax: 64, bytesMax: 1024 * 1024 * 1024 };

const NO_DATA: ReportAnswer = { bytes: Buffer.alloc(0), noData: true };

export interface NyisoParts {
  readonly clock: Clock;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly random: () => number;
  readonly pacer: Pacer;
}

/** Answers requests with the file of a day, which it takes out of its month's archive where it lies there. */
export function createNyisoSource(
  settings: NyisoSettings,
  { clock, random, pacer }: NyisoParts,
): ReportSource<ReportName> {
  const http = createHttpSource({
    clock,
    random,
    pacer,
    timeoutMs: TIMEOUT_MS,
    bytesMax: ANSWER_BYTES_MAX,
    ...RETRIES,
  });
  const files = createFiles(http, settings.NYISO_URL.replace(/\/$/, ''), clock);
  const ask = async (name: ReportName, request: string, signal: AbortSignal): Promise<ReportAnswer> => {
    const asked = fileAsked(name, request);
    if (!asked) throw new TypeError(`no request to NYISO for ${name}: ${request}`);
    const file = await files.get(name, asked.path, signal);
    if (file && asked.member !== undefined) return memberOf(file, asked.member, () => files.forget(name));
    if (file) return { ...file, noData: !hasRows(file.bytes) };
    // Between the planning of a job and its turn a day can have moved into the archive.
    const hasMoved = asked.member === undefined && isArchived(asked.day, clock.now());
    return hasMoved ? ask(name, archivedFile(name, asked.day), signal) : NO_DATA;
  };
  return {
    vendor: 'NYISO',
    reports: REPORTS,
    requestsFor: (name, asked) => nyisoRequests(name, asked, clock.now()),
    isRequest: (name, request) => fileAsked(name, request) !== undefined,
    ask,
    lookbackMs: settings.NYISO_LOOKBACK_HOURS * HOUR_MS,
    clock,
    close: () => http.close(),
  };
}

interface File {
  readonly bytes: Buffer;
  readonly publishedAt: number;
}

/** @returns "no data" where the archive has no such day. */
async function memberOf({ bytes, publishedAt }: File, member: string, forget: () => void): Promise<ReportAnswer> {
  try {
    const [found] = await readZip(bytes, ARCHIVE_LIMITS, (name) => name === member);
    return found ? { bytes: found.bytes, publishedAt, noData: !hasRows(found.bytes) } : NO_DATA;
  } catch (cause) {
    forget();
    throw new BusbarError('SOURCE_FAILED', `the archive of ${member} is damaged: ${messageOf(cause)}`, { cause });
  }
}

interface KeptFile extends File {
  readonly path: string;
  readonly lastModified: string;
}

/**
 * Gets files. The newest one of each report is kept, and asked for again only if it was modified since: a day of
 * generators' prices is 12 MB and changes every 5 minutes, and the days of a backfill come out of the same archive.
 */
function createFiles(http: HttpSource, base: string, clock: Clock) {
  const kept = new Map<ReportName, KeptFile>();

  /** @returns undefined where there is none. */
  const get = async (name: ReportName, path: string, signal: AbortSignal): Promise<File | undefined> => {
    const known = kept.get(name)?.path === path ? kept.get(name) : undefined;
    const headers = known ? { 'if-modified-since': known.lastModified } : {};
    let cutOff: { readonly file: File; readonly error: BusbarError } | undefined;
    const read = (answer: HttpAnswer): File => {
      const file = { bytes: answer.bytes, publishedAt: publishedAtOf(answer, clock.now()) };
      const page = errorFromPage(answer.bytes);
      if (page) throw page;
      if (isDamaged(answer.bytes, path)) {
        const error = new BusbarError('SOURCE_FAILED', `${path} came damaged`);
        if (!path.endsWith('.zip')) cutOff = { file, error };
        throw error;
      }
      keep(name, path, answer, file);
      return file;
    };
    try {
      return await http.get(`${base}/${path}`, read, { headers, signal });
    } catch (error) {
      if (isStatus(error, 304)) return known;
      if (isStatus(error, 404)) return undefined;
      // A line that stays cut off is a dead letter; the lines before it are good.
      if (cutOff && error === cutOff.error) return cutOff.file;
      throw error;
    }
  };

  const keep = (name: ReportName, path: string, { headers }: HttpAnswer, file: File) => {
    const lastModified = headers['last-modified'];
    if (typeof lastModified === 'string') kept.set(name, { ...file, path, lastModified });
    else kept.delete(name);
  };
  return { get, forget: (name: ReportName) => kept.delete(name) };
}

/** What is cut off while it is written, or is no archive, is asked for again. */
function isDamaged(bytes: Buffer, path: string): boolean {
  return path.endsWith('.zip') ? !isZip(bytes) : isCutOff(bytes);
}

/** When the file was modified; a server whose clock is ahead does not publish in the future. */
function publishedAtOf({ headers }: HttpAnswer, now: number): number {
  const modified = headers['last-modified'];
  const at = typeof modified === 'string' ? Date.parse(modified) : Number.NaN;
  return Number.isNaN(at) ? now : Math.min(at, now);
}

function isStatus(error: unknown, status: number): boolean {
  return isBusbarError(error, 'SOURCE_REFUSED') && error.details.status === status;
}
