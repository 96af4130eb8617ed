import { type NodeName, nodeNameFrom } from '../../../domain/market.ts';
import type { Problem } from './problem.ts';

/**
 * Two markets clear in one file. The balancing authority area SPP is the eastern one, SWPW the western one, and nothing
 * says that a name of the one is none of the other: a western location is kept as `SPP:SWPW/<name>`, always, so that the
 * two never clash and a node's name does not depend on what else is in a file. Files from before the western market have
 * no such column and are eastern.
 */
const WEST = 'SWPW';
const EAST = 'SPP';

/** @param area the value of BAA; undefined where the file has no such column. */
export function nodeFrom(area: string | undefined, location: string): NodeName | Problem {
  if (area === '') return { code: 'MISSING_FIELD', reason: `BAA is blank for ${location || 'a blank location'}` };
  if (area !== undefined && area !== EAST && area !== WEST) {
    return { code: 'BAD_VALUE', reason: `BAA is "${area}", expected ${EAST} or ${WEST}` };
  }
  if (area !== WEST && location.startsWith(`${WEST}/`)) {
    return { code: 'BAD_VALUE', reason: `the eastern location "${location}" has the name of a western one` };
  }
  const node = location === '' ? undefined : nodeNameFrom('SPP', area === WEST ? `${WEST}/${location}` : location);
  return node ?? { code: 'MISSING_FIELD', reason: `Settlement Location is blank or no name: "${location}"` };
}

/** Whether a text names a location as this feed does, `SPPNORTH_HUB` or `SWPW/SWPW_HUB`, without the market's name. */
export function isLocation(name: string): boolean {
  return /^[^\s:/]/.test(name) && !name.includes(':') && nodeNameFrom('SPP', name) !== undefined;
}
