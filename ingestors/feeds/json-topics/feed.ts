import type { PriceTopic } from '../../../schema/events/topics.ts';
import { type Decoder, defineFeed, type Feed } from '../../feed.ts';
import { decodeDayaheadPrices, decodePrices, decodeRealtimePrices } from './decode.ts';

/** The feeds of the JSON price topics; a feed is named after its topic. Anyone may write there, so unknown nodes are refused. */
export const JSON_TOPIC_FEEDS: readonly Feed[] = [
  topicFeed('prices', 'Spot prices', decodePrices),
  topicFeed('dayahead_prices', 'Day-ahead prices', decodeDayaheadPrices),
  topicFeed('realtime_prices', 'Real-time prices', decodeRealtimePrices),
];

function topicFeed(topic: PriceTopic, title: string, decode: Decoder): Feed {
  return defineFeed({ id: topic, title, source: { kind: 'topic', topic }, unknownNodes: 'reject', decode });
}
