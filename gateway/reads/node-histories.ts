import { ms } from '../../prisma/instants.ts';
import type { NodeVersionRow } from '../../schema/context.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import { askedNodes, nodeNames } from './asked-nodes.ts';
import type { Queryable } from './statement.ts';

/** One more than may be shown tells that there are too many. */
const TEXT = `
  SELECT n.market_id || ':' || n.name AS node, v.kind, v.zone, v.title, coalesce(v.aliases, '{}') AS aliases, ${ms('v.valid_from')} AS "validFrom",
         ${ms('v.valid_to')} AS "validTo", ${ms('coalesce(v.seen_until, v.valid_from)')} AS "seenUntil",
         ${ms('v.stated_at')} AS "statedAt", v.ledger_id AS "ledgerId"
  FROM unnest($1::text[], $2::text[]) AS asked (market, name)
  JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name
  JOIN pricing_node_version AS v ON v.node_id = n.id
  ORDER BY n.id, v.valid_from DESC
  LIMIT ${LIMITS.nodeVersions + 1}`;

/**
 * What is and was known of nodes, the newest version first.
 * @returns in the order asked; nothing of a node that nobody knows.
 * @throws BusbarError `LIMIT_EXCEEDED`.
 */
export async function readNodeHistories(db: Queryable, nodes: readonly string[]): Promise<NodeVersionRow[][]> {
  const { markets, names } = askedNodes(nodeNames(nodes));
  const { rows } = await db.query<NodeVersionRow & { readonly node: string }>({
    name: 'node-histories-by-name',
    text: TEXT,
    values: [markets, names],
  });
  if (rows.length > LIMITS.nodeVersions) throw limitExceeded('nodeVersions', rows.length, 'ask for fewer nodes');
  const histories = new Map<string, NodeVersionRow[]>();
  for (const { node, ...version } of rows) {
    const history = histories.get(node);
    if (history) history.push(version);
    else histories.set(node, [version]);
  }
  return nodes.map((node) => histories.get(node) ?? []);
}
