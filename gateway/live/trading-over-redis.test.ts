import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MARK_RUNS } from '../../domain/mark-price.ts';
import type { LiveBus } from '../../runtime/live-bus/live-bus.ts';
import { createRedisBus } from '../../runtime/live-bus/redis-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import type { PnlUpdate, TradeUpdate } from '../../schema/trading-rows.ts';
import { silent, tick } from '../../tests/support/live.ts';
import { type RedisServer, startRedis } from '../../tests/support/redis.ts';
import { requireOrSkip } from '../../tests/support/services.ts';
import { forecastEvent, positionEvent, tradeEvent } from '../../tests/support/trading-events.ts';
import { standingFrom } from '../positions/board-life.ts';
import { createLiveHub, type LiveHub } from './hub.ts';

const NOW = Date.UTC(2026, 0, 1, 1);
const SOURCE = { source: 'test/0', sequence: 1 };

describe.skipIf(!requireOrSkip('redis'))('over Redis, from another process’s bus', () => {
  let redis: RedisServer;
  let announcing: LiveBus;
  let following: LiveBus;
  let hub: LiveHub;
  let prefixes = 0;

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  beforeEach(async () => {
    const prefix = `test-${prefixes++}:`;
    const create = () =>
      createRedisBus({ url: redis.url, window: { entriesMax: 1_000, ageMsMax: 60_000 }, log: silent, prefix });
    [announcing, following] = [create(), create()];
    const source = {
      positions: async () => [standingFrom(positionEvent(1, 10))],
      prices: async () => [tick('PJM:A', 30, { startAt: NOW - 60_000 })],
    };
    const metrics = createMetrics();
    hub = createLiveHub({ bus: following, log: silent, metrics, source, runs: MARK_RUNS, clock: () => NOW });
    await hub.ready;
  });
  afterEach(async () => {
    await hub.close();
    await Promise.all([announcing.close(), following.close()]);
  });

  async function next<Update>(updates: AsyncIterator<Update>): Promise<Update> {
    const { value, done } = await updates.next();
    if (done) throw new Error('the subscription ended');
    return value;
  }

  const marksIn = ({ positions }: PnlUpdate) => positions.map(({ seq, last }) => [seq, last?.price]);

  test('positions begin as they are, and trades and prices move them', async () => {
    const updates = hub.pnl({}, 'LATEST', undefined)[Symbol.asyncIterator]();
    expect(marksIn(await next(updates))).toEqual([[1, '30']]);
    await announcing.announce('positions', { ...SOURCE, batches: [[positionEvent(2, 20)]] });
    const moved = await next(updates);
    expect(marksIn(moved)).toEqual([[2, '30']]);
    await announcing.announce('lmp', { ...SOURCE, batches: [[tick('PJM:A', 31, { startAt: NOW })]] });
    expect(marksIn(await next(updates))).toEqual([[2, '31']]);
    const again = hub.pnl({}, 'EVERY', moved.cursor)[Symbol.asyncIterator]();
    expect(marksIn(await next(again))).toEqual([[2, '31']]);
    const wrong = hub.pnl({}, 'EVERY', 'yesterday')[Symbol.asyncIterator]();
    await expect(wrong.next()).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  test('trades and forecasts come unchanged, and trades resume after a cursor', async () => {
    const trades = hub.trades({}, undefined)[Symbol.asyncIterator]();
    const forecasts = hub.forecasts({}, 'LATEST', undefined)[Symbol.asyncIterator]();
    const batches = [[tradeEvent('T1', { mw: '0.1' })], [tradeEvent('T2')]];
    await announcing.announce('trades', { ...SOURCE, batches });
    await announcing.announce('forecasts', { ...SOURCE, batches: [[forecastEvent(1)]] });
    const seen: TradeUpdate[] = [];
    while (seen.flatMap((update) => update.trades).length < 2) seen.push(await next(trades));
    expect(seen.flatMap((update) => update.trades)).toEqual(batches.flat());
    expect((await next(forecasts)).forecasts).toEqual([forecastEvent(1)]);
    const end = seen.at(-1)?.cursor;
    await announcing.announce('trades', { ...SOURCE, sequence: 2, batches: [[tradeEvent('T3')]] });
    const resumed = hub.trades({}, end)[Symbol.asyncIterator]();
    expect((await next(resumed)).trades.map(({ tradeId }) => tradeId)).toEqual(['T3']);
  });
});
