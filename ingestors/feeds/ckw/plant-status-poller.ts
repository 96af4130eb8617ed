import { BusbarError } from '../../../domain/errors.ts';
import type { Answer, Fetched, Poller, SourceParts } from '../../feed.ts';
import { decodePlantStatus, plantStatusAt } from './decode-plant-status.ts';
import { isPlant } from './names.ts';
import { plantRequest } from './requests.ts';
import type { CkwSettings } from './settings.ts';
import { createCkwSource } from './source.ts';
import { unlessAborted } from './tariffs-poller.ts';

/** Asks a plant how it is. There is no history: what was not asked then is lost. */
export function createPlantStatusPoller(settings: CkwSettings, parts: SourceParts): Poller {
  const source = createCkwSource(settings, parts);
  const ask = async (plant: string, signal: AbortSignal): Promise<Answer> => {
    if (!isPlant(plant)) throw new BusbarError('BAD_USER_INPUT', `CKW has no plant ${plant}`);
    const request = plantRequest(plant);
    const judge = (bytes: Buffer) => ({ damaged: decodePlantStatus({ bytes, name: plant }).facts.length === 0 });
    const bytes = await source.ask(plant, request, judge, signal);
    return { payload: { bytes, name: plant }, request, publishedAt: plantStatusAt(bytes) ?? parts.clock.now() };
  };

  async function* poll(plant: string, position: number | undefined, now: number, aborted: AbortSignal) {
    const signal = source.until(aborted);
    const answer = await unlessAborted(ask(plant, signal), signal);
    if (answer) yield { ...answer, next: Math.max(position ?? now, now) } satisfies Fetched;
  }

  return {
    poll,
    fetch: async (plant, request, signal) => {
      if (request === plantRequest(plant)) return ask(plant, source.until(signal));
      throw new BusbarError('BAD_USER_INPUT', `this is no request to CKW for ${plant}: ${request}`);
    },
    close: () => source.close(),
  };
}
