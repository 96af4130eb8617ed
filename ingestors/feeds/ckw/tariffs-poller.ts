import { startOfDay } from '../../../domain/calendar.ts';
import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { Answer, Fetched, Poller, SourceParts } from '../../feed.ts';
import { decodeTariffs, tariffsEndAt, tariffsPublishedAt } from './decode-tariffs.ts';
import { isTariffRequest, QUARTER_MS, tariffRequests } from './requests.ts';
import type { CkwSettings } from './settings.ts';
import { createCkwSource } from './source.ts';
import { ZURICH } from './zurich.ts';

/**
 * Asks for the prices of a tariff from its position, or at latest from the start of today, to the end of tomorrow: so today is
 * asked for again, and a correction is found. A range beyond what is published just ends there; the position is the end of
 * what came, and the end of yesterday at least, since a day's prices are published the day before.
 */
export function createTariffsPoller(settings: CkwSettings, parts: SourceParts): Poller {
  const source = createCkwSource(settings, parts);
  const { clock } = parts;
  const ask = async (tariffName: string, request: string, signal: AbortSignal): Promise<Answer> => {
    const bytes = await source.ask(tariffName, request, (answer) => judge(answer, tariffName), signal);
    return { payload: { bytes, name: tariffName }, request, publishedAt: tariffsPublishedAt(bytes) ?? clock.now() };
  };

  async function* poll(tariffName: string, position: number | undefined, now: number, aborted: AbortSignal) {
    const signal = source.until(aborted);
    const today = startOfDay(ZURICH, now);
    const begin = position ?? now - settings.CKW_LOOKBACK_HOURS * HOUR_MS;
    let reached = position ?? Math.floor(begin / QUARTER_MS) * QUARTER_MS;
    const range = { from: Math.min(begin, today), to: startOfDay(ZURICH, now, 2) };
    for (const { request, from, to } of tariffRequests(tariffName, range)) {
      const answer = await unlessAborted(ask(tariffName, request, signal), signal);
      if (!answer) return;
      const end = tariffsEndAt(answer.payload.bytes);
      const next = Math.max(reached, Math.min(to, Math.max(end ?? from, today)));
      // Nothing came that may yet come: the next poll asks again.
      if (end === undefined && next === reached) continue;
      reached = next;
      yield { ...answer, next, asked: { from, to } } satisfies Fetched;
      if (signal.aborted) return;
    }
  }

  return {
    poll,
    fetch: async (tariffName, request, signal) => {
      if (isTariffRequest(tariffName, request)) return ask(tariffName, request, source.until(signal));
      throw new BusbarError('BAD_USER_INPUT', `this is no request to CKW for ${tariffName}: ${request}`);
    },
    close: () => source.close(),
  };
}

function judge(bytes: Buffer, name: string) {
  try {
    return { damaged: decodeTariffs({ bytes, name }).facts.length === 0 };
  } catch (error) {
    if (isBusbarError(error, 'NO_DATA')) return { noData: true };
    throw error;
  }
}

/** @returns undefined where polling was ended meanwhile. */
export async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value | undefined> {
  try {
    return await work;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
