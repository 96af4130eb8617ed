import { BusbarError } from '../../../domain/errors.ts';
import { localNameOf, marketOf, type NodeName, nodeNameFrom } from '../../../domain/market.ts';

/**
 * PJM is asked by `pnode_id` and answers with `pnode_name`, under which a price is stored. A node of the settings says its id
 * and may say its name; without the name it can be polled, but not be found by it.
 */
export interface PjmNode {
  /** Digits, as in 51288. */
  readonly id: string;
  /** As PJM writes it, as in WESTERN HUB. */
  readonly name: string | undefined;
}

const PNODE_ID = /^[1-9]\d{0,11}$/;
const ENTRY = /^([1-9]\d{0,11})(?:\s*=\s*(\S.*))?$/;

/** `51288=WESTERN HUB, 1`: what `isNodeList` does not accept is left out. */
export function nodesFrom(text: string): readonly PjmNode[] {
  return entriesOf(text).flatMap((entry) => {
    const [, id, name] = ENTRY.exec(entry) ?? [];
    return id === undefined ? [] : [{ id, name }];
  });
}

export function isNodeList(text: string): boolean {
  const entries = entriesOf(text);
  const nodes = nodesFrom(text);
  const names = nodes.flatMap(({ name }) => name ?? []);
  return (
    nodes.length === entries.length &&
    new Set(nodes.map(({ id }) => id)).size === nodes.length &&
    new Set(names).size === names.length &&
    names.every((name) => nodeNameFrom('PJM', name) !== undefined)
  );
}

/** The names of the nodes; undefined where one of them has none. */
export function namesOf(nodes: readonly PjmNode[]): readonly NodeName[] | undefined {
  const names = nodes.map(({ name }) => (name === undefined ? undefined : nodeNameFrom('PJM', name)));
  return names.every((name) => name !== undefined) ? names : undefined;
}

/**
 * The ids to ask for.
 * @param asked undefined: all of the settings. `PJM:51288` is the id itself; another name must be in the settings.
 * @throws BusbarError `BAD_USER_INPUT` for a node whose id is not known, and where there is none at all.
 */
export function pnodeIdsOf(nodes: readonly PjmNode[], asked: readonly NodeName[] | undefined): readonly string[] {
  const ids = asked === undefined ? nodes.map(({ id }) => id) : [...new Set(asked.map((node) => idOf(nodes, node)))];
  if (ids.length > 0) return ids;
  throw refused('no nodes to ask for: name some, as in PJM:51288, or set PJM_NODES');
}

function idOf(nodes: readonly PjmNode[], node: NodeName): string {
  if (marketOf(node).id !== 'PJM') throw refused(`${node} is no node of PJM`);
  const name = localNameOf(node);
  const known = nodes.find((each) => each.name === name)?.id ?? (PNODE_ID.test(name) ? name : undefined);
  if (known !== undefined) return known;
  throw refused(
    `PJM is asked by pnode_id, and that of ${node} is not known: write it into PJM_NODES, as in 51288=${name}, or name the node by its id, as in PJM:51288`,
  );
}

function entriesOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
}

function refused(message: string): BusbarError {
  return new BusbarError('BAD_USER_INPUT', message);
}
