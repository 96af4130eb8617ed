import { UTILITY } from '../../domain/rights.ts';
import type { Reads } from '../../schema/context.ts';
import { marketIn } from '../live/market-in.ts';
import { requireNodes, type Scopes } from './scopes.ts';

type PriceReads = Pick<
  Reads,
  | 'markets'
  | 'pricingNodes'
  | 'nodesByName'
  | 'nodeHistories'
  | 'latestLmp'
  | 'lmps'
  | 'lmpSeries'
  | 'lmpRevisions'
  | 'dartSpread'
  | 'forecasts'
  | 'marketMetrics'
  | 'priceTrends'
  | 'tariffs'
  | 'tariffComparison'
  | 'plantStatus'
  | 'plantHistory'
  | 'controlSignals'
>;

/** Prices and reference data of the markets in scope. */
export function scopedPriceReads(reads: Reads, { markets }: Scopes): PriceReads {
  /** The same read, of nodes that come first. */
  const ofNodes =
    <Rest extends readonly unknown[], Answer>(read: (nodes: readonly string[], ...rest: Rest) => Promise<Answer>) =>
    async (nodes: readonly string[], ...rest: Rest): Promise<Answer> => {
      requireNodes(markets, nodes);
      return read(nodes, ...rest);
    };
  /** Providers are markets of their own names. */
  const ofProvider =
    <Asked extends { readonly provider: string }, Answer>(read: (asked: Asked) => Promise<Answer>) =>
    async (asked: Asked): Promise<Answer> => {
      markets.require(asked.provider);
      return read(asked);
    };
  return {
    markets: (within = markets.list) => reads.markets(within?.filter((id) => markets.has(id))),
    pricingNodes: async (filter, page) => {
      const narrowed = markets.unless(filter.market);
      return reads.pricingNodes({ ...filter, ...(narrowed && { markets: narrowed }) }, page);
    },
    nodesByName: ofNodes(reads.nodesByName),
    nodeHistories: ofNodes(reads.nodeHistories),
    latestLmp: ofNodes(reads.latestLmp),
    lmps: ofNodes(reads.lmps),
    lmpSeries: ofNodes(reads.lmpSeries),
    lmpRevisions: async (keys) => {
      for (const { node } of keys) markets.require(marketIn(node));
      return reads.lmpRevisions(keys);
    },
    dartSpread: ofNodes(reads.dartSpread),
    forecasts: ofNodes(reads.forecasts),
    priceTrends: ofNodes(reads.priceTrends),
    marketMetrics: async (asked) => {
      markets.require(asked.market);
      return reads.marketMetrics(asked);
    },
    tariffs: ofProvider(reads.tariffs),
    tariffComparison: ofProvider(reads.tariffComparison),
    // Plants have no provider in the store: the one utility tells of them.
    plantStatus: async (plant) => {
      markets.require(UTILITY);
      return reads.plantStatus(plant);
    },
    plantHistory: async (asked) => {
      markets.require(UTILITY);
      return reads.plantHistory(asked);
    },
    controlSignals: async (provider, date) => {
      markets.require(provider);
      return reads.controlSignals(provider, date);
    },
  };
}
