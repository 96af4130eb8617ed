import { z } from 'zod';
import { isOnPeak } from '../domain/blocks.ts';
import { hourEndingOf } from '../domain/hour-ending.ts';
import { isInstant } from '../domain/instant.ts';
import { type Market, marketOf, parseNodeName } from '../domain/market.ts';
import type { MarketRun as MarketRunName } from '../domain/market-run.ts';
import { builder } from './builder.ts';
import { connectionFrom, type PageArguments, pageArguments, pageFrom } from './connection.ts';
import type { LmpFilter, LmpRow, LmpUpdate as LmpUpdateRow, Range } from './context.ts';
import { cursorCodec } from './cursor.ts';
import { Delivery } from './delivery.ts';
import { LedgerEntry } from './ledger.ts';
import { LIMITS } from './limits.ts';
import { LmpRevision } from './lmp-revision.ts';
import { MarketRun } from './market-run.ts';
import { NODES_ARGUMENT, nodesFrom, requireMarket, someNodesFrom } from './node-names.ts';
import { PricingNode } from './pricing-node.ts';
import { QualityFlag } from './quality-flag.ts';
import { rangeFrom } from './range.ts';

const Lmp = builder.objectRef<LmpRow>('Lmp').implement({
  description:
    'A locational marginal price: node, run and delivery interval [start, end). Prices are in the market’s currency per MWh (USD/MWh) and may be negative. lmp = energy + congestion + loss (+ ghg at CAISO); a component that was not published is null, never 0.',
  fields: (t) => ({
    node: t.field({ type: PricingNode, description: 'Where.', resolve: ({ node }) => ({ id: node }) }),
    run: t.expose('run', { type: MarketRun, description: 'The clearing the price comes from.' }),
    start: t.expose('startAt', { type: 'DateTime', description: 'Start of the delivery interval, inclusive.' }),
    end: t.expose('endAt', {
      type: 'DateTime',
      description: 'End of the delivery interval, exclusive; equal to `start` for a tick without length.',
    }),
    hourEnding: t.string({
      description:
        'The hour that the interval starts in, as the market counts: by its end, on the market’s clock. `01` to `24`; in autumn `02` is the first and `02*` the second of the repeated hour, in spring `03` is left out. MISO has 24 hours every day. Operators’ own labels (CAISO’s 25, ERCOT’s flag) are not these.',
      resolve: ({ node, startAt }) => hourEndingOf(marketFrom(node), startAt),
    }),
    onPeak: t.boolean({
      description: 'Whether the interval starts in an hour of the market’s ON_PEAK block; else it is OFF_PEAK.',
      resolve: ({ node, startAt }) => isOnPeak(marketFrom(node), startAt),
    }),
    lmp: t.exposeFloat('lmp', { description: 'The price, USD/MWh, as published.' }),
    energy: t.exposeFloat('energy', {
      nullable: true,
      description: 'Energy component, USD/MWh; null where the operator publishes none (ERCOT).',
    }),
    congestion: t.exposeFloat('congestion', {
      nullable: true,
      description: 'Congestion component, USD/MWh. Positive raises the price at the node (NYISO’s sign is turned).',
    }),
    loss: t.exposeFloat('loss', {
      nullable: true,
      description: 'Loss component, USD/MWh. Positive raises the price at the node.',
    }),
    ghg: t.exposeFloat('ghg', {
      nullable: true,
      description: 'Greenhouse-gas component, USD/MWh; CAISO only, else null.',
    }),
    revision: t.exposeInt('revision', {
      description:
        'How often the price was published with a new value: 1 is the first. Earlier ones: `revisions`, and `lmpSeries(asOf:)`.',
    }),
    quality: t.field({
      type: [QualityFlag],
      description: 'What is odd about the price; empty where nothing is.',
      resolve: ({ flags }) => flags,
    }),
    publishedAt: t.expose('publishedAt', {
      type: 'DateTime',
      description:
        'When the source first published this version, as far as it says so; else when it was first fetched. It does not move when the source says the same again.',
    }),
    ledgerEntry: t.field({
      type: LedgerEntry,
      nullable: true,
      authScopes: { may: 'ANALYSIS' },
      description: 'Where the price came from: feed, source position or request, checksum, time.',
      resolve: ({ ledgerId }, _args, { loaders }) => loaders.ledgerEntry.load(ledgerId),
    }),
    revisions: t.field({
      type: [LmpRevision],
      authScopes: { may: 'ANALYSIS' },
      description:
        'Every version of the price that is known: the current one first, then the newest of those it superseded and of those that came late. All prices of one answer may show 100,000.',
      resolve: ({ node, run, startAt }, _args, { loaders }) => loaders.lmpRevisions.load({ node, run, startAt }),
    }),
  }),
});

/** @throws TypeError as a programming error: what comes from the store has a node of a market of ours. */
function marketFrom(node: string): Market {
  const name = parseNodeName(node);
  if (!name) throw new TypeError(`not a node name: ${node}`);
  return marketOf(name);
}

const LmpConnection = builder.connectionObject(
  { type: Lmp, name: 'LmpConnection', description: 'A page of prices, by interval start and node.' },
  { name: 'LmpEdge', description: 'A price and its place in the list.' },
);

export const LMP_CURSOR = cursorCodec(
  'lmps',
  z.object({ startAt: z.number().int().refine(isInstant), node: z.string() }),
);

interface LatestLmpArguments {
  readonly nodes: readonly string[];
  readonly run: MarketRunName;
}

interface LmpsArguments extends LatestLmpArguments, Range, PageArguments {}

/** What `latestLmp` asks. @throws BusbarError `BAD_USER_INPUT`, `LIMIT_EXCEEDED`. */
export function latestLmpQuestion({ nodes, run }: LatestLmpArguments) {
  return { nodes: nodesFrom(nodes), run };
}

/** What `lmps` asks. @throws BusbarError `BAD_USER_INPUT`, `LIMIT_EXCEEDED`. */
export function lmpsQuestion({ nodes, run, from, to, ...page }: LmpsArguments) {
  const asked = pageFrom(page, LMP_CURSOR);
  return { nodes: nodesFrom(nodes), run, range: rangeFrom({ from, to }), page: asked };
}

builder.queryField('latestLmp', (t) =>
  t.field({
    type: [Lmp],
    authScopes: { may: 'PRICES' },
    description:
      'The price of the newest delivery interval of each node in one run: of the day-ahead run that may lie in the future. In the order asked; a node without prices is left out.',
    args: {
      nodes: t.arg.idList({ required: true, description: NODES_ARGUMENT }),
      run: t.arg({ type: MarketRun, required: true, description: 'The clearing to read.' }),
    },
    resolve: (_root, args, { reads }) => {
      const { nodes, run } = latestLmpQuestion(args);
      return reads.latestLmp(nodes, run);
    },
  }),
);

builder.queryField('lmps', (t) =>
  t.field({
    type: LmpConnection,
    authScopes: { may: 'PRICES' },
    description:
      'Prices one by one, with everything known about each, by interval start and then node. For many points at once `lmpSeries` is smaller and faster.',
    args: {
      nodes: t.arg.idList({ required: true, description: NODES_ARGUMENT }),
      run: t.arg({ type: MarketRun, required: true, description: 'The clearing to read.' }),
      from: t.arg({ type: 'DateTime', required: true, description: 'First interval start, inclusive.' }),
      to: t.arg({ type: 'DateTime', required: true, description: 'End of the range: interval starts before it.' }),
      ...pageArguments,
    },
    resolve: async (_root, args, { reads }) => {
      const { nodes, run, range, page } = lmpsQuestion(args);
      const slice = await reads.lmps(nodes, run, range, page);
      return connectionFrom(slice, page, ({ startAt, node }) => LMP_CURSOR.encode({ startAt, node }));
    },
  }),
);

const LmpUpdate = builder.objectRef<LmpUpdateRow>('LmpUpdate').implement({
  description: 'What was committed since the update before; in a steady stream, about ten milliseconds of it.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description: 'Opaque. Subscribe again with it as `after` to miss nothing and see nothing twice.',
    }),
    ticks: t.field({ type: [Lmp], description: 'The prices, in commit order.', resolve: ({ ticks }) => ticks }),
  }),
});

const SNAPSHOT_ARGUMENT = `First one update with the current price of every node asked for, as \`latestLmp\` gives it (of each run, where none is asked for), then every later price, none missing and none twice. At most ${LIMITS.snapshotNodes.toLocaleString('en-US')} nodes. With \`after\` it is ignored.`;

builder.subscriptionField('lmp', (t) =>
  t.field({
    type: LmpUpdate,
    authScopes: { may: 'PRICES' },
    description:
      'Prices as they are committed, new ones and corrections. Filters combine; without any, all prices. Whoever falls too far behind with EVERY is closed with LIMIT_EXCEEDED and the cursor to resume from; a cursor that is no longer kept ends with CURSOR_EXPIRED.',
    args: {
      nodes: t.arg.idList({ description: `Only these nodes. ${NODES_ARGUMENT}` }),
      market: t.arg.string({ description: 'Only this market, by its id.' }),
      run: t.arg({ type: MarketRun, description: 'Only this clearing.' }),
      delivery: t.arg({ type: Delivery, defaultValue: 'EVERY', description: 'What to do when events come too fast.' }),
      after: t.arg.string({ description: 'The cursor of the last update seen; without it, begin now.' }),
      snapshot: t.arg.boolean({
        defaultValue: false,
        description: SNAPSHOT_ARGUMENT,
      }),
    },
    subscribe: (_root, { nodes, market, run, delivery, after, snapshot }, { live }) => {
      const filter: LmpFilter = {
        ...(nodes != null && { nodes: someNodesFrom(nodes) }),
        ...(market != null && { market: requireMarket(market) }),
        ...(run != null && { run }),
      };
      return live.lmp(filter, delivery ?? 'EVERY', after ?? undefined, snapshot ?? false);
    },
    resolve: (update) => update,
  }),
);
