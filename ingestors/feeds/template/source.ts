import { HOUR_MS } from '../../../domain/instant.ts';
import type { SourceParts } from '../../feed.ts';
import { outcomeOfAnswer } from '../../sources/call-outcome.ts';
import { createHttpSource } from '../../sources/http.ts';
import type { HttpAnswer } from '../../sources/http-answer.ts';
import type { ReportAnswer, ReportSource } from '../../sources/report-poller.ts';
import { answerIn } from './answer.ts';
import type { ReportName } from './reports.ts';
import { isTemplateRequest, templatePlan } from './requests.ts';
import type { TemplateSettings } from './settings.ts';

const LIMITS = {
  timeoutMs: 60_000,
  // A day of a node is 4 kB.
  bytesMax: 16 * 1024 * 1024,
  triesMax: 5,
  backoffMs: 5_000,
  backoffMsMax: 120_000,
};

/** Asks Template. What stays unreadable after the last try is an answer all the same: the decoder says why, and it is kept. */
export function createTemplateSource(settings: TemplateSettings, parts: SourceParts): ReportSource<ReportName> {
  const plan = templatePlan(settings);
  const pacer = parts.turns.of('template', settings.TEMPLATE_REQUEST_SPACING_MS);
  const http = createHttpSource({ ...parts, ...LIMITS, source: plan.vendor, pacer });
  const base = settings.TEMPLATE_URL.replace(/\/$/, '');
  const headers = { accept: 'application/json', 'x-api-key': settings.TEMPLATE_API_KEY?.reveal() ?? '' };
  return {
    ...plan,
    isRequest: isTemplateRequest,
    ask: (report, request, signal) =>
      http.get<ReportAnswer>(`${base}/${request}`, read, {
        endpoint: report,
        headers,
        signal,
        outcomeOf: outcomeOfAnswer,
        whenDamaged: ({ bytes }) => ({ bytes, damaged: true }),
      }),
    lookbackMs: settings.TEMPLATE_LOOKBACK_HOURS * HOUR_MS,
    clock: parts.clock,
    close: () => http.close(),
  };
}

/** @throws BusbarError `MALFORMED`, which is asked for again: it may only have been cut off. */
function read({ bytes }: HttpAnswer): ReportAnswer {
  return { bytes, noData: answerIn(bytes).prices.length === 0 };
}
