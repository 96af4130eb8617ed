import { type BusbarError, isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { SourceParts } from '../../feed.ts';
import { outcomeOfAnswer } from '../../sources/call-outcome.ts';
import { createHttpSource, type HttpSource } from '../../sources/http.ts';
import type { HttpAnswer } from '../../sources/http-answer.ts';
import type { ReportAnswer, ReportSource } from '../../sources/report-poller.ts';
import { refusedCredentials, rowsIn } from './answer.ts';
import { hasPrices } from './lmp-row.ts';
import { REPORTS, type ReportName } from './reports.ts';
import { credentialsOf, isIsoneRequest, isonePlan } from './requests.ts';
import type { IsoneSettings } from './settings.ts';

const LIMITS = {
  timeoutMs: 60_000,
  // A day of five-minute prices of one location is 80 kB; all locations of a day come only as files.
  bytesMax: 16 * 1024 * 1024,
  triesMax: 5,
  backoffMs: 5_000,
  backoffMsMax: 120_000,
};

/**
 * Asks the ISO-NE web services. A page instead of data and an answer that is cut off are tried again like a failure; JSON of
 * another format is not, since that would not change it. What stays unreadable is an answer: the decoder says why, and its
 * bytes are kept.
 */
export function createIsoneSource(settings: IsoneSettings, parts: SourceParts): ReportSource<ReportName> {
  const plan = isonePlan(settings);
  const pacer = parts.turns.of('isone-webservices', settings.ISONE_REQUEST_SPACING_MS);
  const http = createHttpSource({ ...parts, ...LIMITS, source: plan.vendor, pacer });
  return {
    ...plan,
    isRequest: isIsoneRequest,
    ask: (name, request, signal) => ask(http, settings, name, request, signal),
    lookbackMs: settings.ISONE_LOOKBACK_HOURS * HOUR_MS,
    clock: parts.clock,
    close: () => http.close(),
  };
}

async function ask(
  http: HttpSource,
  settings: IsoneSettings,
  name: ReportName,
  request: string,
  signal: AbortSignal,
): Promise<ReportAnswer> {
  const url = `${settings.ISONE_URL.replace(/\/$/, '')}/${request}`;
  return http.get(url, (answer) => answerIn(answer, name), {
    endpoint: name,
    headers: { accept: 'application/json', authorization: basicAuthorization(settings) },
    signal,
    statuses: [401],
    outcomeOf: outcomeOfAnswer,
    whenDamaged: ({ bytes }) => ({ bytes, damaged: true }),
  });
}

/** @throws BusbarError `MALFORMED` for what may only be cut off, and what the answer says instead of data. */
function answerIn({ bytes, refusal }: HttpAnswer, name: ReportName): ReportAnswer {
  if (refusal) throw refusedCredentials(refusal);
  const error = errorIn(bytes, name);
  if (!error) return { bytes, damaged: !hasPrices(rowsIn(bytes, REPORTS[name])) };
  if (error.code === 'NO_DATA') return { bytes, noData: true };
  if (error.code === 'MALFORMED' && error.cause === undefined) return { bytes, damaged: true };
  throw error;
}

function errorIn(bytes: Buffer, name: ReportName): BusbarError | undefined {
  try {
    rowsIn(bytes, REPORTS[name]);
    return undefined;
  } catch (error) {
    if (isBusbarError(error)) return error;
    throw error;
  }
}

function basicAuthorization(settings: IsoneSettings): string {
  const { user, password } = credentialsOf(settings);
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
