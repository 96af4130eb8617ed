import { nodeNameFrom } from '../../../domain/market.ts';
import type { PlaceKind } from '../../../domain/place.ts';
import type { Decoded, Reject } from '../../feed.ts';
import { createToldPlaces, type Said } from '../../sources/told-places.ts';
import { isRecord, listOf } from './answer.ts';

/** `@LocType` of a price's location, and `LocationType` of the list of locations. */
const KINDS: ReadonlyMap<unknown, PlaceKind> = new Map([
  ['HUB', 'HUB'],
  ['LOAD ZONE', 'ZONE'],
  ['EXT. NODE', 'INTERFACE'],
  ['NETWORK NODE', 'NODE'],
  ['DRR AGGREGATION ZONE', 'AGGREGATE'],
  ['RESERVE ZONE', 'RESERVE_ZONE'],
  ['SYSTEM', 'SYSTEM'],
]);

/** What a row of prices tells of its location: `{"@LocId": "4000", "@LocType": "HUB", "$": ".H.INTERNAL_HUB"}`. */
export function placeSaidIn(row: unknown): Said {
  const [location] = isRecord(row) ? listOf(row.Location) : [];
  return isRecord(location) ? saidBy(location['@LocType'], location['@LocId']) : {};
}

/**
 * The list of locations:
 *
 *   {"Locations":{"Location":[{"LocationID":4000,"LocationType":"HUB","LocationName":".H.INTERNAL_HUB","AreaType":"INTERNAL"},…]}}
 *
 * @returns undefined where it is none. Each entry without a name is a reject, of a list that can be decoded by itself.
 */
export function locationsIn(bytes: Buffer): Pick<Decoded<never>, 'places' | 'rejects'> | undefined {
  const list = listIn(bytes);
  if (!list) return undefined;
  const places = createToldPlaces();
  const rejects: Reject[] = [];
  for (const entry of list) {
    const name = isRecord(entry) ? entry.LocationName : undefined;
    const node = typeof name === 'string' ? nodeNameFrom('ISONE', name) : undefined;
    if (node && isRecord(entry)) places.tell(node, saidBy(entry.LocationType, entry.LocationID));
    else rejects.push({ ...NO_NAME, raw: Buffer.from(JSON.stringify({ Locations: { Location: [entry] } })) });
  }
  return { rejects, ...places.undated() };
}

const NO_NAME = { code: 'MISSING_FIELD', reason: 'LocationName is missing or no name of 1 to 200 characters' } as const;

/** Prices come under other keys: of them only the beginning is read. */
function listIn(bytes: Buffer): readonly unknown[] | undefined {
  if (
    !/^\s*\{\s*"Locations"\s*:/.test(
      bytes
        .subarray(0, 200)
        .toString('utf8')
        .replace(/^\uFEFF/, ''),
    )
  )
    return undefined;
  const document = parsed(bytes);
  const list = isRecord(document) && isRecord(document.Locations) ? document.Locations.Location : undefined;
  return list === undefined ? undefined : listOf(list);
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

function saidBy(type: unknown, id: unknown): Said {
  return { kind: KINDS.get(type), aliases: id === undefined ? undefined : [id] };
}
