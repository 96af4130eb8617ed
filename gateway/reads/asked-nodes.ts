import { localNameOf, marketOf, type NodeName, parseNodeName } from '../../domain/market.ts';

/** Node names as two columns for `unnest`: any number of nodes in one statement, always as data. */
interface AskedNodes {
  readonly markets: readonly string[];
  readonly names: readonly string[];
}

export function askedNodes(nodes: readonly NodeName[]): AskedNodes {
  return { markets: nodes.map((node) => marketOf(node).id), names: nodes.map(localNameOf) };
}

export function nodeNames(texts: readonly string[]): NodeName[] {
  return texts.map(nodeName);
}

/** The schema has checked what a client sent; anything else here is a mistake of ours. */
export function nodeName(text: string): NodeName {
  const node = parseNodeName(text);
  if (!node) throw new TypeError(`not a node name: ${text}`);
  return node;
}
