import { BusbarError } from '../domain/errors.ts';
import { MARKETS, marketById, type NodeName, parseNodeName } from '../domain/market.ts';
import { requireWithin, someOf } from './limits.ts';

/** How the arguments that take nodes describe them. */
export const NODES_ARGUMENT =
  'Pricing nodes as `MARKET:NAME`, for instance `PJM:PJM-WEST`; at most 1,000. A node named twice counts once.';

/**
 * @returns each node once, in the order of its first mention.
 * @throws BusbarError `BAD_USER_INPUT` where a name is not `MARKET:NAME` with a market of ours, `LIMIT_EXCEEDED`.
 */
export function nodesFrom(names: readonly string[]): NodeName[] {
  requireWithin('nodes', names.length, 'ask in several queries');
  return [...new Set(names.map(nodeFrom))];
}

/**
 * Nodes of an argument that may be left out, which means all.
 * @throws BusbarError as `nodesFrom` does, and `BAD_USER_INPUT` where none is named.
 */
export function someNodesFrom(names: readonly string[]): NodeName[] {
  return nodesFrom(someOf('nodes', names));
}

/** @throws BusbarError `BAD_USER_INPUT` naming the markets there are. */
export function requireMarket(id: string): string {
  const market = marketById(id);
  if (market) return market.id;
  const known = MARKETS.map((each) => each.id).join(', ');
  throw new BusbarError('BAD_USER_INPUT', `no such market: ${shown(id)}; there are ${known}`);
}

/** @throws BusbarError `BAD_USER_INPUT` where a name is not `MARKET:NAME` with a market of ours. */
export function nodeFrom(name: string): NodeName {
  const node = parseNodeName(name);
  if (!node) {
    throw new BusbarError('BAD_USER_INPUT', `not a pricing node as MARKET:NAME with a known market: ${shown(name)}`);
  }
  return node;
}

function shown(text: string): string {
  return JSON.stringify(text.length <= 60 ? text : `${text.slice(0, 60)}…`);
}
