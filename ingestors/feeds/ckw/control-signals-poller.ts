import { startOfDay } from '../../../domain/calendar.ts';
import { BusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { Answer, Fetched, Poller, SourceParts } from '../../feed.ts';
import { decodeControlSignals } from './decode-control-signals.ts';
import { jsonFrom } from './json.ts';
import { SIGNALS } from './names.ts';
import { daySignalled, signalRequests } from './requests.ts';
import type { CkwSettings } from './settings.ts';
import { createCkwSource } from './source.ts';
import { unlessAborted } from './tariffs-poller.ts';
import { ZURICH } from './zurich.ts';

/**
 * Asks for the signals of each day from the position to the end of yesterday, which is as far as CKW tells. The position
 * passes a day without signals once another day has ended: its signals might yet have come.
 */
export function createControlSignalsPoller(settings: CkwSettings, parts: SourceParts): Poller {
  const source = createCkwSource(settings, parts);
  const ask = async (request: string, signal: AbortSignal): Promise<Answer> => {
    const day = daySignalled(request);
    if (day === undefined) throw new BusbarError('BAD_USER_INPUT', `this is no request to CKW for signals: ${request}`);
    const bytes = await source.ask(SIGNALS, request, judge, signal);
    return { payload: { bytes, name: `${SIGNALS} ${day}` }, request, publishedAt: parts.clock.now() };
  };

  async function* poll(_partition: string, position: number | undefined, now: number, aborted: AbortSignal) {
    const signal = source.until(aborted);
    const today = startOfDay(ZURICH, now);
    const settled = startOfDay(ZURICH, now, -1);
    let reached = position ?? startOfDay(ZURICH, now - settings.CKW_LOOKBACK_HOURS * HOUR_MS);
    for (const { request, from, to } of signalRequests({ from: reached, to: today })) {
      const answer = await unlessAborted(ask(request, signal), signal);
      if (!answer) return;
      if (isEmpty(answer.payload.bytes) && to > settled) return;
      reached = to;
      yield { ...answer, next: reached, asked: { from, to } } satisfies Fetched;
      if (signal.aborted) return;
    }
  }

  return {
    poll,
    fetch: (_partition, request, signal) => ask(request, source.until(signal)),
    close: () => source.close(),
  };
}

/** A day without signals can be read too. */
function judge(bytes: Buffer) {
  if (isEmpty(bytes)) return { noData: true };
  return { damaged: decodeControlSignals({ bytes, name: SIGNALS }).facts.length === 0 };
}

function isEmpty(bytes: Buffer): boolean {
  const value = jsonFrom(bytes);
  return Array.isArray(value) && value.length === 0;
}
