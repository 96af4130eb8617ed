import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import { intervalMinutesOf, isMarketRun } from '../../domain/market-run.ts';

/**
 * What a field takes, told from its arguments alone: as many `rows` as it may answer with, for each of which what is selected below
 * counts again, and what is `read` for it beside. A row or a point that is shown counts 1, and a tenth where it is only
 * counted, averaged or seldom there.
 */
export type FieldCost = (args: Arguments) => { readonly rows: number; readonly read: number };

/** As the schema coerced them. */
type Arguments = Readonly<Record<string, unknown>>;

/** Rows of a page where nobody says how many. */
const FIRST_DEFAULT = 100;
const UNSHOWN = 0.1;
/** Guesses at how many there are of what is not named; what reads them stops at limits of its own. */
const NODES_GUESSED = 100;
const POSITIONS_GUESSED = 1_000;

const rows = (count: number): FieldCost => {
  const cost = { rows: count, read: 0 };
  return () => cost;
};
const ONE = rows(1);
/** What is refused for being negative must not make room for others. */
const page: FieldCost = ({ first }) => ({ rows: Math.max(0, numberOf(first) ?? FIRST_DEFAULT), read: 0 });
const perNode: FieldCost = (args) => ({ rows: nodesOf(args), read: 0 });

/** For each node, the points that its range has. */
const series =
  (pointMs: (args: Arguments) => number, weight = 1): FieldCost =>
  (args) => ({
    rows: nodesOf(args),
    read: nodesOf(args) * pointsOf(args, pointMs(args)) * weight,
  });

/** What there is of intervals is read, and little of it shown. */
const statistics =
  (shown: number): FieldCost =>
  (args) => ({
    rows: shown,
    read: nodesOf(args) * pointsOf(args, runMs(args)) * UNSHOWN,
  });

/**
 * By `Type.field`, everything that is a root, takes a number of rows, or asks the store for more. What is not here is part of the row
 * it stands in; field-costs.test.ts finds what is forgotten.
 */
export const FIELD_COSTS: Readonly<Record<string, FieldCost>> = {
  'Query.account': ONE,
  'Query.accounts': rows(100),
  'Query.apiAlerts': page,
  'Query.apiHealth': rows(20),
  'Query.apiKeys': rows(1_000),
  'Query.auditLog': page,
  'Query.controlSignals': rows(1_000),
  'Query.dartSpread': series(() => HOUR_MS, 2),
  'Query.deadLetters': page,
  'Query.exposure': rows(POSITIONS_GUESSED),
  'Query.feed': ONE,
  'Query.feeds': rows(50),
  'Query.forecasts': perNode,
  'Query.job': ONE,
  'Query.jobs': page,
  'Query.latestLmp': perNode,
  'Query.ledger': page,
  'Query.lmpSeries': series(resolutionMs),
  // A page comes by its key from each of its nodes.
  'Query.lmps': (args) => ({ rows: page(args).rows, read: nodesOf(args) }),
  'Query.marketMetrics': statistics(NODES_GUESSED),
  'Query.markets': rows(10),
  'Query.me': ONE,
  'Query.plantHistory': (args) => ({ rows: pointsOf(args, 15 * MINUTE_MS), read: 0 }),
  'Query.plantStatus': rows(10),
  'Query.pnlSeries': (args) => ({
    rows: positionsOf(args) / 10,
    read: positionsOf(args) * pointsOf(args, snapshotMs(args)) * UNSHOWN,
  }),
  'Query.positions': (args) => ({ rows: positionsOf(args), read: 0 }),
  'Query.priceTrends': (args) => ({ rows: nodesOf(args), read: nodesOf(args) * pointsOf(args, runMs(args)) * UNSHOWN }),
  'Query.pricingNodes': page,
  'Query.tariffComparison': (args) => ({ rows: 1, read: 2 * pointsOf(args, 15 * MINUTE_MS) }),
  'Query.tariffs': (args) => ({ rows: pointsOf(args, 15 * MINUTE_MS), read: 0 }),
  'Query.trades': page,

  'Mutation.backfill': ONE,
  'Mutation.cancelJob': ONE,
  'Mutation.createApiKey': ONE,
  'Mutation.discardDeadLetters': ONE,
  'Mutation.renewSession': ONE,
  'Mutation.repair': ONE,
  'Mutation.replay': ONE,
  'Mutation.retryDeadLetters': ONE,
  'Mutation.revokeApiKey': ONE,
  'Mutation.rotateApiKey': ONE,
  'Mutation.setCostMethod': ONE,

  // Of one event; a subscription that begins with how things stand, of that.
  'Subscription.apiHealth': rows(20),
  'Subscription.feedHealth': rows(50),
  'Subscription.forecasts': rows(100),
  'Subscription.jobProgress': ONE,
  'Subscription.lmp': ({ snapshot, nodes }) => ({
    rows: Array.isArray(nodes) ? Math.max(1, nodes.length) : snapshot === true ? 5_000 : 100,
    read: 0,
  }),
  'Subscription.pnl': (args) => ({ rows: positionsOf(args), read: 0 }),
  'Subscription.trades': rows(100),

  'AuditEntry.job': ONE,
  'DeadLetter.ledgerEntry': ONE,
  'DeadLetter.retriedBy': ONE,
  'EndpointHealth.outcomes': rows(5),
  'Feed.completeness': owed(20),
  'Feed.deadLettersOpen': ONE,
  'Feed.gaps': owed(100),
  'Feed.partitions': rows(10),
  'Feed.streams': rows(5),
  'Forecast.models': rows(5),
  'ForecastUpdate.forecasts': ONE,
  'Job.entries': page,
  'LedgerEntry.origins': rows(10),
  'Lmp.ledgerEntry': ONE,
  'Lmp.revisions': rows(3),
  'LmpUpdate.ticks': ONE,
  'PnlUpdate.positions': ONE,
  'Position.trades': page,
  'PricingNode.history': rows(5),
  'SourceHealth.alerts': rows(5),
  'SourceHealth.endpoints': rows(20),
  'SourceHealth.recentErrors': page,
  'TariffSummary.cheapestHours': rows(10),
  'Trade.versions': rows(3),
  'TradeUpdate.trades': ONE,

  '__Schema.types': rows(250),
  '__Schema.directives': rows(10),
  '__Type.fields': rows(10),
  '__Type.enumValues': rows(8),
  '__Type.inputFields': rows(8),
  '__Type.interfaces': ONE,
  '__Type.possibleTypes': ONE,
  '__Field.args': rows(4),
  '__Directive.args': rows(4),
};

function owed(shown: number): FieldCost {
  return (args) => ({ rows: shown, read: nodesOf(args) * pointsOf(args, HOUR_MS) * UNSHOWN });
}

function nodesOf({ nodes, node }: Arguments): number {
  if (Array.isArray(nodes)) return nodes.length;
  return typeof node === 'string' ? 1 : NODES_GUESSED;
}

function positionsOf({ node }: Arguments): number {
  return typeof node === 'string' ? 10 : POSITIONS_GUESSED;
}

/** Points of one length in the range; none of one that runs backwards, which is refused. */
function pointsOf({ from, to }: Arguments, pointMs: number): number {
  const [start, end] = [numberOf(from), numberOf(to)];
  return start === undefined || end === undefined ? 0 : Math.max(0, Math.ceil((end - start) / pointMs));
}

const RESOLUTION_MS: Readonly<Record<string, number>> = {
  FIFTEEN_MINUTES: 15 * MINUTE_MS,
  HOUR: HOUR_MS,
  DAY: DAY_MS,
  MONTH: 30 * DAY_MS,
};

function resolutionMs(args: Arguments): number {
  return RESOLUTION_MS[String(args.resolution)] ?? runMs(args);
}

/** As often as there are snapshots, or coarser. */
function snapshotMs({ resolution }: Arguments): number {
  return RESOLUTION_MS[String(resolution)] ?? MINUTE_MS;
}

/** Of a run, or of the finest that is published; ticks have no grid, and seldom come more often. */
function runMs({ run }: Arguments): number {
  const minutes = typeof run === 'string' && isMarketRun(run) ? intervalMinutesOf(run) : null;
  return (minutes ?? 5) * MINUTE_MS;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
