import type pg from 'pg';
import { localNameOf, marketOf, type NodeName } from '../../../domain/market.ts';

/** Names to ids, kept in memory: nodes are never deleted or renamed, so an id once known stays right. */
export interface NodeDirectory {
  /** The id, where the node is known to this process. */
  idOf(node: NodeName): number | undefined;
  /** Looks names up in the store; afterwards `idOf` knows those that exist. */
  load(names: ReadonlySet<NodeName>): Promise<void>;
  /** Adds nodes that are not in the store yet. Several processes may add the same one. */
  register(names: ReadonlySet<NodeName>): Promise<void>;
}

export function createNodeDirectory(pool: pg.Pool): NodeDirectory {
  const ids = new Map<NodeName, number>();
  const load = async (names: ReadonlySet<NodeName>) => {
    const { rows } = await pool.query<{ name: NodeName; id: number }>({
      name: 'nodes-by-name',
      text: `SELECT market_id || ':' || n.name AS name, id
             FROM unnest($1::text[], $2::text[]) AS t(market, name)
             JOIN pricing_node n ON n.market_id = t.market AND n.name = t.name`,
      values: columnsOf(names),
    });
    for (const row of rows) ids.set(row.name, row.id);
  };
  return {
    idOf: (node) => ids.get(node),
    load,
    register: async (names) => {
      await pool.query(
        // In one order, so that of two processes that add the same none waits for one that waits for it.
        `INSERT INTO pricing_node (market_id, name) SELECT * FROM unnest($1::text[], $2::text[]) ORDER BY 1, 2 ON CONFLICT DO NOTHING`,
        columnsOf(names),
      );
      await load(names);
    },
  };
}

function columnsOf(names: ReadonlySet<NodeName>): [markets: string[], names: string[]] {
  const list = [...names];
  return [list.map((name) => marketOf(name).id), list.map(localNameOf)];
}
