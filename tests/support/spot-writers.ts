import type pg from 'pg';
import { type NodeName, parseNodeName } from '../../domain/market.ts';
import type { Feed } from '../../ingestors/feed.ts';
import { JSON_TOPIC_FEEDS } from '../../ingestors/feeds/json-topics/feed.ts';
import { type Announcer, createAnnouncer } from '../../ingestors/pipeline/announcer.ts';
import { archivesOf } from '../../ingestors/pipeline/families/families.ts';
import { createPipeline } from '../../ingestors/pipeline/pipeline.ts';
import { createRollups } from '../../ingestors/pipeline/rollups.ts';
import { createNodeDirectory } from '../../ingestors/pipeline/store/nodes.ts';
import { type Claim, claimPartition, unowned } from '../../ingestors/pipeline/store/positions.ts';
import type { LiveBus } from '../../runtime/live-bus/live-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { silent } from './live.ts';

const FEED_ID = 'prices';
const START_AT = Date.UTC(2026, 0, 1);
const NOW = START_AT + 86_400_000;

/** A spot price of a hub at a place in time. */
export interface Spot {
  readonly hub: string;
  readonly place: number;
  readonly price: number;
}

/** Spot prices on their real way: the pipeline of an ingestor, which commits and then announces. */
export async function createSpotWriters(pool: pg.Pool, bus: LiveBus, nodes: readonly string[]) {
  await createNodeDirectory(pool).register(new Set(nodes.map(nodeOf)));
  const feed = spotFeed();
  const announcer = createAnnouncer({
    bus,
    pool,
    archiveOf: archivesOf(JSON_TOPIC_FEEDS),
    metrics: createMetrics(),
    log: silent,
  });
  const pipelineWith = (told: Announcer | undefined) => {
    const clock = () => NOW;
    const rollups = createRollups({ pool, log: silent, clock });
    return createPipeline({
      pool,
      announcer: told,
      rollups,
      keepRaw: false,
      metrics: createMetrics(),
      log: silent,
      clock,
    });
  };
  const announcing = pipelineWith(announcer);
  const silently = pipelineWith(undefined);
  let published = 0;

  const itemsOf = (spots: readonly Spot[]) =>
    spots.map(({ hub, place, price }) => {
      const record = { ts: new Date(START_AT + place * 1_000).toISOString(), hub, price_mwh: price };
      const payload = { bytes: Buffer.from(JSON.stringify(record)), name: FEED_ID };
      return { payload, publishedAt: START_AT, publishedSeq: ++published };
    });

  return {
    /** Takes a partition of the topic over. @returns what commits a batch to it and announces it. */
    async partition(partition: string) {
      const claim = await claimPartition(pool, FEED_ID, partition, 'test');
      await announcer.catchUp(FEED_ID, partition);
      return (spots: readonly Spot[]) => ingestBatch(announcing, claim, itemsOf(spots));
    },
    /** Commits as a process that dies before it announces. */
    commitSilently: (spots: readonly Spot[]) =>
      silently.ingest(feed, unowned(FEED_ID, 'file'), {
        kind: 'FILE',
        next: undefined,
        request: `file-${published}`,
        items: itemsOf(spots),
        lag: null,
      }),
    /** Announces what was committed silently. */
    announceLate: () => announcer.catchUp(FEED_ID, 'file'),
  };

  function ingestBatch(pipeline: typeof announcing, claim: Claim, items: ReturnType<typeof itemsOf>) {
    const next = (claim.position ?? 0) + items.length;
    return pipeline.ingest(feed, claim, { kind: 'BATCH', next, request: null, items, lag: null });
  }
}

function nodeOf(text: string): NodeName {
  const node = parseNodeName(text);
  if (!node) throw new TypeError(`not a node: ${text}`);
  return node;
}

function spotFeed(): Feed {
  const feed = JSON_TOPIC_FEEDS.find(({ id }) => id === FEED_ID);
  if (!feed) throw new TypeError('there is a feed of spot prices');
  return feed;
}
