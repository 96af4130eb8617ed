import type { PlaceKind } from '../../../domain/place.ts';
import type { Said } from '../../sources/told-places.ts';

/**
 * What a row tells of its node. CAISO's names say what an aggregated pricing node is: `TH_NP15_GEN-APND` a trading hub,
 * `DLAP_PGAE-APND` a default load aggregation point. GRP_TYPE is what was asked for: only ALL_APNODES tells of the node.
 */
export function placeSaidBy(row: { node: string; resource: string; groupType: string }): Said {
  const { node, resource, groupType } = row;
  return { kind: kindOf(node, groupType), aliases: resource === '' ? undefined : [resource] };
}

function kindOf(node: string, groupType: string): PlaceKind | undefined {
  if (node.endsWith('-APND')) {
    if (node.startsWith('TH_')) return 'HUB';
    return /^[DS]LAP_/.test(node) ? 'ZONE' : 'AGGREGATE';
  }
  return groupType === 'ALL_APNODES' ? 'AGGREGATE' : undefined;
}
