import type { PlaceKind } from '../../../domain/place.ts';
import type { Said } from '../../sources/told-places.ts';
import { isObject } from './pages.ts';

/** The column `type`, as PJM writes it in its reports of LMP. */
const KINDS: ReadonlyMap<unknown, PlaceKind> = new Map([
  ['HUB', 'HUB'],
  ['ZONE', 'ZONE'],
  ['GEN', 'GENERATOR'],
  ['LOAD', 'LOAD'],
  ['INTERFACE', 'INTERFACE'],
  ['AGGREGATE', 'AGGREGATE'],
  ['RESIDUAL_METERED_EDC', 'AGGREGATE'],
  ['EHV', 'NODE'],
]);

/** What a row tells of its node. `voltage` and `equipment` are of a single point, and name it for people: `ABERDEEN 138 KV T1`. */
export function placeSaidIn(item: unknown): Said {
  if (!isObject(item)) return {};
  const { type, zone, pnode_id, pnode_name, voltage, equipment } = item;
  const point = [voltage, equipment].filter((part) => typeof part === 'string' && part.trim() !== '');
  const title = point.length > 0 ? [pnode_name, ...point].map((part) => String(part).trim()).join(' ') : null;
  return {
    kind: KINDS.get(type),
    zone,
    title: voltage === undefined && equipment === undefined ? undefined : title,
    aliases: [pnode_id],
  };
}
