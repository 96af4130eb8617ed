import type pg from 'pg';
import { pino } from 'pino';
import type { Trade } from '../../domain/trade.ts';
import type { FeedOf } from '../../ingestors/feed.ts';
import { JSON_TOPIC_FEEDS } from '../../ingestors/feeds/json-topics/feed.ts';
import { createPipeline, type Pipeline } from '../../ingestors/pipeline/pipeline.ts';
import { createRollups } from '../../ingestors/pipeline/rollups.ts';
import { unowned } from '../../ingestors/pipeline/store/positions.ts';
import type { Outcome } from '../../ingestors/pipeline/unit.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { tradeRecord } from './stored-positions.ts';

/** The pipeline of a process that has no bus: it commits and tells nobody. */
export function silentPipeline(pool: pg.Pool, clock = Date.now): Pipeline {
  const log = pino({ level: 'silent' });
  const rollups = createRollups({ pool, log, clock });
  return createPipeline({ pool, announcer: undefined, rollups, keepRaw: false, metrics: createMetrics(), log, clock });
}

export const TRADES_FEED = JSON_TOPIC_FEEDS.find(({ id }) => id === 'trades') as FeedOf<'trades'>;

/** Takes versions of trades through it in one piece. */
export function ingestTrades(pool: pg.Pool, versions: readonly Trade[]): Promise<Outcome> {
  return silentPipeline(pool).ingest(TRADES_FEED, unowned(TRADES_FEED.id, 'test'), {
    kind: 'FILE',
    next: undefined,
    request: null,
    lag: null,
    items: versions.map((version) => ({
      payload: { bytes: Buffer.from(tradeRecord(version)), name: 'trades' },
      publishedAt: Date.now(),
      publishedSeq: 0,
    })),
  });
}
