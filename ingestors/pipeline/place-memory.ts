import type { NodeName } from '../../domain/market.ts';
import { isSeenIn, type PlaceVersion } from '../../domain/place.ts';
import type { DatedPlace, PlacedPlace, PlacesWritten } from './store/write-places.ts';

/**
 * What this process knows to be known of nodes, so that what a source says with every payload costs nothing after the first.
 * Another process may have learned otherwise meanwhile: then what is said here counts again a day later at most.
 */
export interface PlaceMemory {
  /** Whether the store knows it already. */
  isKnown(place: DatedPlace): boolean;
  /** Called after the commit of what was written. */
  keep(placed: readonly PlacedPlace[], written: PlacesWritten): void;
}

const NODES_MAX = 100_000;

/**
 * One version of each node is remembered, the one that was written last.
 * @param nodesMax beyond it the node is forgotten that was written longest ago: what is said of it is then looked up again.
 */
export function createPlaceMemory(nodesMax = NODES_MAX): PlaceMemory {
  const versions = new Map<NodeName, PlaceVersion>();
  return {
    isKnown: (place) => {
      const version = versions.get(place.node);
      return version !== undefined && isSeenIn(version, place, place.at);
    },
    keep: (placed, { histories }) => {
      for (const { fact, nodeId } of placed) {
        const version = histories.get(nodeId)?.findLast(({ validFrom }) => validFrom <= fact.at);
        if (!version) continue;
        versions.delete(fact.node);
        versions.set(fact.node, version);
      }
      for (const node of versions.keys()) {
        if (versions.size <= nodesMax) break;
        versions.delete(node);
      }
    },
  };
}
