/** Who trades what in these benches. */
import type { NodeName } from '../../domain/market.ts';

export const ACCOUNTS = 200;

/** How many nodes an account trades. */
export const HELD_NODES = 10;

export function accountName(account: number): string {
  return `desk ${account}`;
}

/** An account's nodes: its neighbours in the order of accounts share some of them, so that each node has as many positions. */
export function heldNodes(nodes: readonly NodeName[], account: number): NodeName[] {
  return nodes.filter((_, place) => (place - account * 3 + nodes.length * ACCOUNTS) % nodes.length < HELD_NODES);
}
