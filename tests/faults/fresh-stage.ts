import { onTestFinished } from 'vitest';
import { startKafka } from '../support/kafka.ts';
import { freshDatabase } from '../support/postgres.ts';
import { startRedis } from '../support/redis.ts';
import type { PriceSeries } from './price-series.ts';
import type { SabotageName } from './sabotage/sabotages.ts';
import { type Network, openStage } from './stage.ts';
import type { TradeSeries } from './trade-series.ts';
import { withTrades } from './trades-stage.ts';

/** A stage for the running test. Kafka takes some seconds to start: pass `kafka: true` only where it is the subject. */
export async function freshStage(series: PriceSeries, { kafka = false } = {}) {
  const { stage, pool, broker } = await openFresh(series, kafka);
  onTestFinished(() => stage.close());
  return { ...stage, pool, broker };
}

export type FreshStage = Awaited<ReturnType<typeof freshStage>>;

/** Half of a series is stored by ingestors that run on, and whose next step a test may hold. */
export async function halfStored(series: PriceSeries, sabotage?: SabotageName) {
  const stage = await freshStage(series);
  const network = pricesOnly(await stage.network());
  const ingestors = stage.startIngestors(network, sabotage);
  await stage.produce(series.records / 2);
  await stage.stands(series.records / 2);
  return { stage, network, ingestors };
}

/** Nothing but prices is committed and announced there, so that what waits for a step meets one of theirs. */
function pricesOnly({ environment, ...network }: Network): Network {
  return { ...network, environment: { ...environment, FORECASTS: 'false', PNL_SNAPSHOT_SECONDS: '0' } };
}

/** As `freshStage`, with trades beside the prices. */
export async function freshTradesStage(series: PriceSeries, trades: TradeSeries, { kafka = false } = {}) {
  const { stage: prices, pool, broker } = await openFresh(series, kafka);
  const stage = await withTrades(prices, pool, trades);
  onTestFinished(() => stage.close());
  return { ...stage, pool, broker };
}

async function openFresh(series: PriceSeries, kafka: boolean) {
  const database = await freshDatabase();
  onTestFinished(() => database.drop());
  const [redis, broker] = await Promise.all([startRedis(), kafka ? startKafka() : undefined]);
  onTestFinished(async () => void (await Promise.all([redis.stop(), broker?.stop()])));
  const { pool, url: databaseUrl } = database;
  const stage = await openStage({ pool, databaseUrl, redisUrl: redis.url, kafka: broker, series });
  return { stage, pool, broker };
}
