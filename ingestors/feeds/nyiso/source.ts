import { BusbarError, messageOf } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { SourceParts } from '../../feed.ts';
import { outcomeOfAnswer } from '../../sources/call-outcome.ts';
import { createHttpSource } from '../../sources/http.ts';
import type { HttpAnswer } from '../../sources/http-answer.ts';
import type { ReportAnswer, ReportSource } from '../../sources/report-poller.ts';
import { readZip, type ZipLimits } from '../../sources/zip.ts';
import { errorFromPage } from './decode.ts';
import { hasColumns, hasRows, isCutOff } from './lbmp-rows.ts';
import { REPORTS, type ReportName } from './reports.ts';
import { archivedFile, fileAsked, isArchived, nyisoRequests } from './requests.ts';
import type { NyisoSettings } from './settings.ts';

const LIMITS = {
  timeoutMs: 120_000,
  // A day of 5-minute prices of generators is some 12 MB, a month of them zipped some 50 MB.
  bytesMax: 192 * 1024 * 1024,
  triesMax: 5,
  backoffMs: 2_000,
  backoffMsMax: 60_000,
  // A day of generators changes every 5 minutes; the days of a backfill come out of the same archive.
  keptBytesMax: 128 * 1024 * 1024,
};

/** One member is unpacked; the limit is on what all of them declare. */
const ARCHIVE_LIMITS: ZipLimits = { membersMax: 64, bytesMax: 1024 * 1024 * 1024 };

/** Answers requests with the file of a day, which it takes out of its month's archive where it lies there. */
export function createNyisoSource(settings: NyisoSettings, parts: SourceParts): ReportSource<ReportName> {
  const { clock } = parts;
  const pacer = parts.turns.of('nyiso-mis', settings.NYISO_REQUEST_SPACING_MS);
  const http = createHttpSource({ ...parts, ...LIMITS, source: 'NYISO', pacer });
  const base = settings.NYISO_URL.replace(/\/$/, '');
  const ask = async (name: ReportName, request: string, signal: AbortSignal): Promise<ReportAnswer> => {
    const asked = fileAsked(name, request);
    if (!asked) throw new TypeError(`no request to NYISO for ${name}: ${request}`);
    const { path, member, day } = asked;
    const read = async (answer: HttpAnswer): Promise<File> => ({
      ...(member === undefined ? fileIn(answer) : await memberIn(answer, member)),
      publishedAt: publishedAtOf(answer, clock.now()),
    });
    const file = await http.get(`${base}/${path}`, read, {
      endpoint: name,
      signal,
      statuses: [404],
      outcomeOf: outcomeOfAnswer,
      // A line that stays cut off is a dead letter; the lines before it are good.
      whenDamaged: (answer) => ({ bytes: answer.bytes, publishedAt: publishedAtOf(answer, clock.now()) }),
      conditional: true,
    });
    // Between the planning of a job and its turn a day can have moved into the archive.
    const hasMoved = file.isMissing && member === undefined && isArchived(day, clock.now());
    return hasMoved ? ask(name, archivedFile(name, day), signal) : file;
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

type File = ReportAnswer & { readonly isMissing?: boolean };

const MISSING: File = { bytes: Buffer.alloc(0), noData: true, isMissing: true };

/** @throws BusbarError `MALFORMED` where its last line is cut off; `SOURCE_FAILED` for a page. */
function fileIn({ bytes, refusal }: HttpAnswer): File {
  if (refusal) return MISSING;
  const page = errorFromPage(bytes);
  if (page) throw page;
  if (isCutOff(bytes)) throw new BusbarError('MALFORMED', 'NYISO answered with a file whose last line is cut off');
  return fileOf(bytes);
}

/** Other columns are no file of prices, however often it is asked for: the decoder says why. */
function fileOf(bytes: Buffer): File {
  const noData = !hasRows(bytes);
  return { bytes, noData, damaged: !noData && !hasColumns(bytes) };
}

/**
 * @returns "no data" where the archive has no such day.
 * @throws BusbarError `SOURCE_FAILED` for a page and for a damaged archive, which is asked for again.
 */
async function memberIn({ bytes, refusal }: HttpAnswer, member: string): Promise<File> {
  if (refusal) return MISSING;
  const page = errorFromPage(bytes);
  if (page) throw page;
  try {
    const [found] = await readZip(bytes, ARCHIVE_LIMITS, (name) => name === member);
    return found ? fileOf(found.bytes) : MISSING;
  } catch (cause) {
    throw new BusbarError('SOURCE_FAILED', `NYISO answered with a damaged archive of ${member}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** When the file was modified; a server whose clock is ahead does not publish in the future. */
function publishedAtOf({ headers }: HttpAnswer, now: number): number {
  const modified = headers['last-modified'];
  const at = typeof modified === 'string' ? Date.parse(modified) : Number.NaN;
  return Number.isNaN(at) ? now : Math.min(at, now);
}
