import { expect, it } from 'vitest';
import type { NodeName } from '../../domain/market.ts';
import type { PlaceVersion } from '../../domain/place.ts';
import { createPlaceMemory } from './place-memory.ts';
import type { DatedPlace } from './store/write-places.ts';

const AT = Date.parse('2025-07-08T12:00:00Z');

function placeOf(nodeId: number): DatedPlace {
  return { node: `PJM:N${nodeId}` as NodeName, at: AT, publishedAt: AT };
}

const VERSION: PlaceVersion = {
  kind: null,
  zone: null,
  title: null,
  aliases: [],
  validFrom: AT,
  validTo: null,
  seenUntil: AT,
  statedAt: AT,
};

it('forgets the nodes that were written longest ago, beyond as many as it may keep', () => {
  const memory = createPlaceMemory(3);
  const keep = (...nodeIds: readonly number[]) =>
    memory.keep(
      nodeIds.map((nodeId) => ({ fact: placeOf(nodeId), nodeId })),
      { written: 0, revised: 0, unchanged: 0, histories: new Map(nodeIds.map((nodeId) => [nodeId, [VERSION]])) },
    );
  const known = () => [1, 2, 3, 4, 5].filter((nodeId) => memory.isKnown(placeOf(nodeId)));
  keep(1, 2, 3);
  expect(known()).toEqual([1, 2, 3]);
  keep(1);
  keep(4);
  expect(known()).toEqual([1, 3, 4]);
  keep(1, 2, 3, 4, 5);
  expect(known()).toEqual([3, 4, 5]);
});
