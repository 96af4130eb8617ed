import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { Pacer } from '../../feed.ts';
import { type Clock, createHttpSource, type HttpSource } from '../../sources/http.ts';
import type { ReportAnswer, ReportSource } from '../../sources/report-poller.ts';
import { refusedCredentials, rowsIn } from './answer.ts';
import { REPORTS, type ReportName } from './reports.ts';
import { credentialsOf, isIsoneRequest, isonePlan } from './requests.ts';
import type { IsoneSettings } from './settings.ts';

/** A day of five-minute prices of one location is 80 kB; all locations of a day come only as files. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

const TIMEOUT_MS = 60_000;

const RETRIES = { triesMax: 5, backoffMs: 5_000, backoffMsMax: 120_000 };

export interface IsoneParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly pacer: Pacer;
}

/**
 * Asks the ISO-NE web services. A page instead of data and an answer that is cut off are tried again like a failure; JSON of
 * another format is not, since that would not change it. What stays unreadable is an answer: the decoder says why, and its
 * bytes are kept.
 */
export function createIsoneSource(
  settings: IsoneSettings,
  { clock, random, pacer }: IsoneParts,
): ReportSource<ReportName> {
  const limits = { timeoutMs: TIMEOUT_MS, bytesMax: ANSWER_BYTES_MAX, ...RETRIES };
  const http = createHttpSource({ clock, random, pacer, ...limits });
  return {
    ...isonePlan(settings),
    isRequest: isIsoneRequest,
    ask: (name, request, signal) => ask(http, settings, name, request, signal),
    lookbackMs: settings.ISONE_LOOKBACK_HOURS * HOUR_MS,
    clock,
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
  const headers = { accept: 'application/json', authorization: basicAuthorization(settings) };
  let cutOff: { readonly bytes: Buffer; readonly error: BusbarError } | undefined;
  const read = ({ bytes }: { readonly bytes: Buffer }): ReportAnswer => {
    const error = errorIn(bytes, name);
    if (error?.code === 'MALFORMED' && error.cause !== undefined) {
      cutOff = { bytes, error: new BusbarError('SOURCE_FAILED', error.message, { cause: error }) };
      throw cutOff.error;
    }
    if (error?.code === 'MALFORMED') return { bytes, damaged: true };
    if (error && error.code !== 'NO_DATA') throw error;
    return { bytes, noData: error !== undefined };
  };
  try {
    return await http.get(url, read, { headers, signal });
  } catch (error) {
    if (cutOff && error === cutOff.error) return { bytes: cutOff.bytes, damaged: true };
    const unknownUser = isBusbarError(error, 'SOURCE_REFUSED') && error.details.status === 401;
    throw unknownUser ? refusedCredentials(error) : error;
  }
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
