import type { PlaceKind } from '../../../domain/place.ts';

/**
 * What ERCOT calls its settlement points in np6-905-cd. A resource node is of generation or of storage, by itself (RN), as a
 * part of a combined cycle (PCCRN, LCCRN) or of a private network (PUN).
 */
const KINDS: ReadonlyMap<string, PlaceKind> = new Map([
  ['RN', 'RESOURCE'],
  ['PCCRN', 'RESOURCE'],
  ['LCCRN', 'RESOURCE'],
  ['PUN', 'RESOURCE'],
  ['HU', 'HUB'],
  ['AH', 'HUB'],
  ['SH', 'HUB'],
  ['LZ', 'ZONE'],
  ['LZEW', 'ZONE'],
  ['LZ_DC', 'ZONE'],
  ['LZ_DCEW', 'ZONE'],
]);

/** @returns undefined for a type that is not known: then nothing is told. */
export function kindOf(settlementPointType: string): PlaceKind | undefined {
  return KINDS.get(settlementPointType);
}
