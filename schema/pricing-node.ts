import { z } from 'zod';
import { BusbarError } from '../domain/errors.ts';
import { marketById } from '../domain/market.ts';
import { PLACE_KINDS } from '../domain/place.ts';
import { builder } from './builder.ts';
import { connectionFrom, pageArguments, pageFrom } from './connection.ts';
import type { Context, NodeRow } from './context.ts';
import { cursorCodec } from './cursor.ts';
import { Market } from './market.ts';
import { requireMarket } from './node-names.ts';
import { asOfScopes } from './permissions.ts';
import { PricingNodeVersion } from './pricing-node-version.ts';

const KINDS = `${PLACE_KINDS.slice(0, -1).join(', ')} or ${PLACE_KINDS.at(-1)}`;

/**
 * A node is known by its name alone, which also tells its market: most questions ask for no more, and the store is not
 * asked for them. The row is there where a read brought it along.
 */
interface NodeReference {
  /** `MARKET:NAME`. */
  readonly id: string;
  readonly row?: NodeRow;
}

export const PricingNode = builder.objectRef<NodeReference>('PricingNode').implement({
  description:
    'A place on the grid that has a price: a hub, zone, generator, load or interface. Retired nodes stay; a node without metadata still has prices.',
  fields: (t) => ({
    id: t.exposeID('id', { description: '`MARKET:NAME`, unique for ever: what arguments take as a node.' }),
    name: t.string({
      description: 'The operator’s own name of the node, unique within the market.',
      resolve: ({ id }) => id.slice(id.indexOf(':') + 1),
    }),
    market: t.field({
      type: Market,
      description: 'The market that prices the node.',
      resolve: ({ id }) => marketOfNode(id),
    }),
    kind: t.string({
      nullable: true,
      description: `${KINDS}, as the operator says; null where unknown.`,
      resolve: async (node, _args, context) => (await rowOf(node, context))?.kind ?? null,
    }),
    zone: t.string({
      nullable: true,
      description: 'The operator’s zone the node lies in; null where unknown.',
      resolve: async (node, _args, context) => (await rowOf(node, context))?.zone ?? null,
    }),
    title: t.string({
      nullable: true,
      description: 'The node’s name for people; null where unknown.',
      resolve: async (node, _args, context) => (await rowOf(node, context))?.title ?? null,
    }),
    aliases: t.stringList({
      description: 'Its other names, as the operator’s number of it: `pricingNodes(search:)` finds it by them.',
      resolve: async (node, _args, context) => (await rowOf(node, context))?.aliases ?? [],
    }),
    retired: t.boolean({
      description:
        'Whether it is no more: its metadata has ended. Its prices stay; a node without metadata is not retired.',
      resolve: async (node, _args, context) => (await rowOf(node, context))?.retired ?? false,
    }),
    history: t.field({
      type: [PricingNodeVersion],
      authScopes: { may: 'ANALYSIS' },
      description: 'What is and was known of it, the newest version first; empty where nothing is.',
      resolve: ({ id }, _args, { loaders }) => loaders.nodeHistory.load(id),
    }),
    validFrom: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Since when kind, zone and title hold; null where the node has no metadata.',
      resolve: async (node, _args, context) => (await rowOf(node, context))?.validFrom ?? null,
    }),
    validTo: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Until when kind, zone and title held (exclusive), as with a retired node; null where they still hold.',
      resolve: async (node, _args, context) => (await rowOf(node, context))?.validTo ?? null,
    }),
  }),
});

const PricingNodeConnection = builder.connectionObject(
  { type: PricingNode, name: 'PricingNodeConnection', description: 'A page of pricing nodes, by market and name.' },
  { name: 'PricingNodeEdge', description: 'A pricing node and its place in the list.' },
);

/** The name of the last node seen. */
const CURSOR = cursorCodec('nodes', z.string());

builder.queryField('pricingNodes', (t) =>
  t.field({
    type: PricingNodeConnection,
    authScopes: asOfScopes,
    description: 'Pricing nodes that are or were, ordered by market and name.',
    args: {
      market: t.arg.string({ description: 'Only this market, by its id.' }),
      search: t.arg.string({
        description:
          'Only nodes with this text in their name, or in a title or alias that they have or ever had; capitals do not matter, and `%`, `_` are ordinary.',
      }),
      kind: t.arg.string({ description: `Only nodes of this kind: ${KINDS}.` }),
      zone: t.arg.string({ description: 'Only nodes of this zone of the operator’s; capitals do not matter.' }),
      asOf: t.arg({
        type: 'DateTime',
        description: 'As they were at this instant, by default now: their metadata, `kind`, `zone` and `retired`.',
      }),
      retired: t.arg.boolean({
        description: 'Only nodes that are retired, or only those that are not; by default both.',
      }),
      ...pageArguments,
    },
    resolve: async (_root, { market, search, kind, zone, asOf, retired, ...page }, { reads }) => {
      const filter = {
        ...(market != null && { market: requireMarket(market) }),
        ...(search != null && { search }),
        ...(kind != null && { kind: requireKind(kind) }),
        ...(zone != null && { zone }),
        ...(asOf != null && { asOf }),
        ...(retired != null && { retired }),
      };
      const asked = pageFrom(page, CURSOR);
      const { rows, hasNextPage } = await reads.pricingNodes(filter, asked);
      return connectionFrom({ rows: rows.map((row) => ({ id: row.id, row })), hasNextPage }, asked, ({ id }) =>
        CURSOR.encode(id),
      );
    },
  }),
);

/** @throws BusbarError `BAD_USER_INPUT` naming the kinds there are. */
function requireKind(kind: string): string {
  const known = PLACE_KINDS.find((each) => each === kind.toUpperCase());
  if (known) return known;
  throw new BusbarError('BAD_USER_INPUT', `no such kind: ${JSON.stringify(kind.slice(0, 60))}; there are ${KINDS}`);
}

function marketOfNode(id: string) {
  const market = marketById(id.slice(0, id.indexOf(':')));
  if (!market) throw new TypeError(`not a node name: ${id}`);
  return market;
}

function rowOf(node: NodeReference, { loaders }: Context): NodeRow | Promise<NodeRow | null> {
  return node.row ?? loaders.node.load(node.id);
}
