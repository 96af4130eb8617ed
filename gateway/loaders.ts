import DataLoader from 'dataloader';
import type { Loaders, RawRequest, Reads } from '../schema/context.ts';
import { requireWithin } from '../schema/limits.ts';

/** Loaders for one request, or for one event of a subscription. */
export function createLoaders(reads: Reads): Loaders {
  return {
    node: new DataLoader((names) => reads.nodesByName(names)),
    ledgerEntry: new DataLoader((ids) => reads.ledgerEntriesById(ids)),
    deadLetterRaw: new DataLoader(rawsWithinLimit(reads), { cacheKeyFn: ({ id, bytes }) => `${id}:${bytes}` }),
  };
}

/** The sizes are known before anything is read, so that an answer too large costs nothing. */
function rawsWithinLimit(reads: Reads): (requests: readonly RawRequest[]) => Promise<Buffer[]> {
  let asked = 0;
  return async (requests) => {
    asked += requests.reduce((sum, { bytes }) => sum + bytes, 0);
    requireWithin('rawBytes', asked, 'ask for fewer dead letters, or less of each by `maxBytes`');
    return reads.deadLetterRaws(requests);
  };
}
