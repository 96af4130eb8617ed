import { BusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { SourceParts } from '../../feed.ts';
import { outcomeOfAnswer } from '../../sources/call-outcome.ts';
import { createHttpSource, type HttpSource } from '../../sources/http.ts';
import type { HttpAnswer } from '../../sources/http-answer.ts';
import type { ReportAnswer, ReportSource } from '../../sources/report-poller.ts';
import { isBlank, isPage, isWithoutRows } from './csv-files.ts';
import { hasColumns } from './lmp-row.ts';
import { REPORTS, type ReportName } from './reports.ts';
import { filesOf, isSppRequest, sppRequests } from './requests.ts';
import type { SppSettings } from './settings.ts';

const LIMITS = {
  timeoutMs: 60_000,
  // A day of all locations is 4 MB, an interval 150 kB.
  bytesMax: 64 * 1024 * 1024,
  triesMax: 5,
  backoffMs: 5_000,
  backoffMsMax: 120_000,
};

/** What can be asked for, without asking. */
export const SPP_REPORTS = { vendor: 'SPP', reports: REPORTS, requestsFor: sppRequests };

/**
 * Asks the SPP portal for files. The files of a request are handed on as they came, joined by a line end; those that are
 * missing leave no trace but the gap, and where all of them are, that is "no data".
 */
export function createSppSource(settings: SppSettings, parts: SourceParts): ReportSource<ReportName> {
  const pacer = parts.turns.of('spp-portal', settings.SPP_REQUEST_SPACING_MS);
  const http = createHttpSource({ ...parts, ...LIMITS, source: SPP_REPORTS.vendor, pacer });
  const base = settings.SPP_URL.replace(/\/$/, '');
  return {
    ...SPP_REPORTS,
    isRequest: isSppRequest,
    ask: (report, request, signal) => ask(http, base, report, request, signal),
    lookbackMs: settings.SPP_LOOKBACK_HOURS * HOUR_MS,
    clock: parts.clock,
    close: () => http.close(),
  };
}

async function ask(
  http: HttpSource,
  base: string,
  report: ReportName,
  request: string,
  signal: AbortSignal,
): Promise<ReportAnswer> {
  const files: Buffer[] = [];
  for (const path of filesOf(request)) {
    const file = await http.get(`${base}/${path}`, fileIn, {
      endpoint: report,
      signal,
      statuses: [404],
      outcomeOf: (bytes) => {
        const noData = !bytes || isWithoutRows(bytes);
        return outcomeOfAnswer({ noData, damaged: !noData && !hasColumns(bytes) });
      },
      conditional: true,
    });
    if (file) files.push(file);
  }
  return { bytes: joined(files), noData: files.every(isWithoutRows) };
}

/**
 * A page, or nothing at all, with status 200 is tried again. A file that cannot be read is an answer: the decoder tells.
 * @returns undefined where SPP has no such file, which it says with status 404 and no body: a body says something else.
 */
function fileIn({ bytes, refusal }: HttpAnswer): Buffer | undefined {
  if (refusal && bytes.length === 0) return undefined;
  if (refusal) throw refusal;
  if (isPage(bytes)) throw new BusbarError('SOURCE_FAILED', 'SPP answered with a page in the place of a file');
  if (isBlank(bytes)) throw new BusbarError('SOURCE_FAILED', 'SPP answered with nothing and status 200');
  return bytes;
}

/** With a line end between two files: the decoder finds where one ends without its own. */
function joined(files: readonly Buffer[]): Buffer {
  const lineEnd = Buffer.from('\n');
  return Buffer.concat(files.flatMap((file, i) => (i === 0 ? [file] : [lineEnd, file])));
}
