import type { NodeName } from '../../../domain/market.ts';
import type { NodeDirectory } from '../store/nodes.ts';

/** Where on the grid the facts of a family are. */
export interface Places<Judged, NodeId extends number | null> {
  /** The pricing node that a fact is of; undefined: facts of this family are of none. */
  nodeOf(fact: Judged): NodeName | undefined;
  /** @returns undefined where the fact's node is one that nobody knows; null where it is of none. */
  nodeIdOf(fact: Judged, nodes: Pick<NodeDirectory, 'idOf'>): NodeId | undefined;
}

/** Each fact is of a pricing node. */
export const AT_NODES: Places<{ readonly node: NodeName }, number> = {
  nodeOf: ({ node }) => node,
  nodeIdOf: ({ node }, nodes) => nodes.idOf(node),
};

/** No fact is of a pricing node: a retail tariff, a plant, a control signal has names of its own. */
export const NOWHERE: Places<unknown, null> = {
  nodeOf: () => undefined,
  nodeIdOf: () => null,
};
