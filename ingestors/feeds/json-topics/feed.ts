import type { LmpFact } from '../../../domain/lmp.ts';
import type { PriceTopic } from '../../../schema/events/topics.ts';
import { type Decoder, defineFeed, type Feed } from '../../feed.ts';
import { decodeNodes } from './decode-nodes.ts';
import { decodeDayaheadPrices, decodePrices, decodeRealtimePrices } from './decode-prices.ts';
import { decodeTrades } from './decode-trades.ts';

/**
 * The feeds of the JSON topics; a feed is named after its topic. Anyone may write there, so unknown nodes are refused, but in the
 * one topic that tells of nodes.
 */
export const JSON_TOPIC_FEEDS: readonly Feed[] = [
  priceFeed('prices', 'Spot prices', decodePrices),
  priceFeed('dayahead_prices', 'Day-ahead prices', decodeDayaheadPrices),
  priceFeed('realtime_prices', 'Real-time prices', decodeRealtimePrices),
  defineFeed({
    id: 'trades',
    family: 'trades',
    title: 'Trades',
    source: { kind: 'topic', topic: 'trades' },
    unknownNodes: 'reject',
    decode: decodeTrades,
  }),
  defineFeed({
    id: 'nodes',
    family: 'places',
    title: 'Pricing nodes',
    source: { kind: 'topic', topic: 'nodes', several: true },
    unknownNodes: 'register',
    decode: decodeNodes,
  }),
];

function priceFeed(topic: PriceTopic, title: string, decode: Decoder<LmpFact>): Feed {
  return defineFeed({
    id: topic,
    family: 'lmp',
    title,
    source: { kind: 'topic', topic },
    unknownNodes: 'reject',
    decode,
  });
}
