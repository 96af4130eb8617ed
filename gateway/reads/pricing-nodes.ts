import type { NodeFilter, NodeRow, Page, Slice } from '../../schema/context.ts';
import { askedNodes, nodeNames } from './asked-nodes.ts';
import { sliceFrom } from './slice.ts';
import type { Queryable } from './statement.ts';

interface StoredNode {
  readonly market: string;
  readonly name: string;
  readonly kind: string | null;
  readonly zone: string | null;
  readonly title: string | null;
  readonly aliases: readonly string[] | null;
  readonly valid_from: Date | null;
  readonly valid_to: Date | null;
}

const COLUMNS = 'n.market_id AS market, n.name, v.kind, v.zone, v.title, v.aliases, v.valid_from, v.valid_to';

/** The newest version that has begun: a retired node keeps its last one. */
const VERSION = (now: string) => `
  LEFT JOIN LATERAL (
    SELECT * FROM pricing_node_version WHERE node_id = n.id AND valid_from <= ${now} ORDER BY valid_from DESC LIMIT 1
  ) AS v ON true`;

/** A search finds a node under every name that it ever had. No alias holds a line end, so that none is found across two. */
const SAYS = (pattern: string) => `(w.title ILIKE ${pattern} OR array_to_string(w.aliases, E'\\n') ILIKE ${pattern})`;

const LIST = `
  SELECT ${COLUMNS}
  FROM pricing_node AS n ${VERSION('$1')}
  WHERE ($2::text IS NULL OR n.market_id = $2) AND ($10::text[] IS NULL OR n.market_id = ANY($10))
    AND ($3::text IS NULL OR n.name ILIKE $3 OR n.id IN (SELECT node_id FROM pricing_node_version AS w WHERE ${SAYS('$3')}))
    AND ($4::text IS NULL OR (n.market_id, n.name) > ($4, $5::text))
    AND ($7::text IS NULL OR v.kind = $7)
    AND ($8::text IS NULL OR lower(v.zone) = lower($8))
    AND ($9::boolean IS NULL OR coalesce(v.valid_to <= $1, false) = $9)
  ORDER BY n.market_id, n.name
  LIMIT $6`;

const BY_NAME = `
  SELECT ${COLUMNS}
  FROM unnest($2::text[], $3::text[]) AS asked (market, name)
  JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name ${VERSION('$1')}`;

/**
 * A page of nodes by market and name.
 * @param now which metadata holds where `asOf` does not say, milliseconds UTC.
 */
export async function readPricingNodes(
  db: Queryable,
  filter: NodeFilter,
  page: Page<string>,
  now: number,
): Promise<Slice<NodeRow>> {
  const after = page.after === undefined ? undefined : splitName(page.after);
  const search = filter.search === undefined ? null : `%${escapeLike(filter.search)}%`;
  const { market, markets, kind, zone, retired, asOf = now } = filter;
  const place = [after?.market, after?.name, page.first + 1];
  const values = [new Date(asOf), market, search, ...place, kind, zone, retired, markets];
  const { rows } = await db.query<StoredNode>({ name: 'pricing-nodes', text: LIST, values });
  return sliceFrom(
    rows.map((row) => nodeRowFrom(row, asOf)),
    page,
  );
}

/** @returns in the order asked; null for a node nobody knows. */
export async function readNodesByName(
  db: Queryable,
  nodes: readonly string[],
  now: number,
): Promise<(NodeRow | null)[]> {
  const { markets, names } = askedNodes(nodeNames(nodes));
  const values = [new Date(now), markets, names];
  const { rows } = await db.query<StoredNode>({ name: 'nodes-by-name', text: BY_NAME, values });
  const byId = new Map(rows.map((row) => nodeRowFrom(row, now)).map((row) => [row.id, row]));
  return nodes.map((node) => byId.get(node) ?? null);
}

/** `%` and `_` in what a person types are ordinary characters. */
function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}

function splitName(id: string): { market: string; name: string } {
  const colon = id.indexOf(':');
  return { market: id.slice(0, colon), name: id.slice(colon + 1) };
}

function nodeRowFrom(stored: StoredNode, at: number): NodeRow {
  const validTo = stored.valid_to?.getTime() ?? null;
  return {
    id: `${stored.market}:${stored.name}`,
    market: stored.market,
    name: stored.name,
    kind: stored.kind,
    zone: stored.zone,
    title: stored.title,
    aliases: stored.aliases ?? [],
    validFrom: stored.valid_from?.getTime() ?? null,
    validTo,
    retired: validTo !== null && validTo <= at,
  };
}
