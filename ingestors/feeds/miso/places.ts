import type { PlaceKind } from '../../../domain/place.ts';

/** The column Type of MISO's market reports. */
const KINDS: ReadonlyMap<string, PlaceKind> = new Map([
  ['hub', 'HUB'],
  ['loadzone', 'ZONE'],
  ['gennode', 'GENERATOR'],
  ['interface', 'INTERFACE'],
]);

/** @returns undefined for a type that is not known: then nothing is told. */
export function kindOf(type: string): PlaceKind | undefined {
  return KINDS.get(type.toLowerCase());
}
