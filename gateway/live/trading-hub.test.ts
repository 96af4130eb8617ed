import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Channel, Channels, LiveBus } from '../../runtime/live-bus/live-bus.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import type { ForecastUpdate, TradeUpdate } from '../../schema/trading-rows.ts';
import { NO_POSITIONS, ringBus, silent } from '../../tests/support/live.ts';
import { forecastEvent, tradeEvent } from '../../tests/support/trading-events.ts';
import { createLiveHub, type LiveHub } from './hub.ts';

let bus: LiveBus;
let hub: LiveHub;
let metrics: ReturnType<typeof createMetrics>;
let sequence = 0;

beforeEach(async () => {
  bus = ringBus();
  metrics = createMetrics();
  hub = createLiveHub({ bus, log: silent, metrics, bounds: { entriesMax: 4, eventsMax: 40 }, ...NO_POSITIONS });
  await hub.ready;
});
afterEach(async () => {
  await hub.close();
  await bus.close();
});

/** Each list becomes one entry. */
async function announce<C extends Channel>(channel: C, ...batches: readonly (readonly Channels[C][])[]): Promise<void> {
  await bus.announce(channel, { source: 'trades/0', sequence: ++sequence, batches });
}

async function settled() {
  for (let each = 0; each < 10; each++) await turn();
}

async function next<Update>(updates: AsyncIterator<Update>): Promise<Update> {
  const { value, done } = await updates.next();
  if (done) throw new Error('the subscription ended');
  return value;
}

const idsIn = ({ trades }: TradeUpdate) => trades.map(({ tradeId }) => tradeId);

const tradesOf = (filter = {}, after?: string) => hub.trades(filter, after)[Symbol.asyncIterator]();

describe('a subscription to trades', () => {
  test('gets every version that is committed, in order, with the entry’s id as the cursor', async () => {
    const updates = tradesOf();
    const versions = [tradeEvent('T1'), tradeEvent('T1', { version: 2, mw: '12.5' })];
    await announce('trades', versions);
    expect(await next(updates)).toEqual({ cursor: await bus.tail('trades'), trades: versions });
  });

  test('gets what its account and its node ask for, both where both do', async () => {
    const [byAccount, byNode, byBoth] = [
      tradesOf({ account: 'desk-1' }),
      tradesOf({ node: 'PJM:A' }),
      tradesOf({ account: 'desk-1', node: 'PJM:A' }),
    ];
    await announce('trades', [
      tradeEvent('both'),
      tradeEvent('account', { node: 'PJM:B' }),
      tradeEvent('node', { account: 'desk-2' }),
      tradeEvent('neither', { account: 'desk-2', node: 'PJM:B' }),
    ]);
    expect(idsIn(await next(byAccount))).toEqual(['both', 'account']);
    expect(idsIn(await next(byNode))).toEqual(['both', 'node']);
    expect(idsIn(await next(byBoth))).toEqual(['both']);
  });

  test('resumes after its cursor, with its filter', async () => {
    const start = await bus.tail('trades');
    await announce('trades', [tradeEvent('T1')], [tradeEvent('other', { account: 'desk-2' })], [tradeEvent('T2')]);
    const updates = tradesOf({ account: 'desk-1' }, start);
    const first = await next(updates);
    const seen = idsIn(first);
    while (seen.length < 2) seen.push(...idsIn(await next(updates)));
    expect(seen).toEqual(['T1', 'T2']);
    await announce('trades', [tradeEvent('T3')]);
    expect(idsIn(await next(updates))).toEqual(['T3']);
  });

  test('that does not keep up ends with LIMIT_EXCEEDED and a cursor after which nothing is missing', async () => {
    const updates = tradesOf();
    for (let each = 0; each < 6; each++) await announce('trades', [tradeEvent(`T${each}`)]);
    await settled();
    const seen = idsIn(await next(updates));
    const error = await updates.next().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', details: { cursor: expect.any(String) } });
    const resumed = tradesOf({}, error.details.cursor);
    while (seen.length < 6) seen.push(...idsIn(await next(resumed)));
    expect(seen).toEqual(['T0', 'T1', 'T2', 'T3', 'T4', 'T5']);
  });

  test('does not take a cursor of prices', async () => {
    const updates = tradesOf({}, await bus.tail('lmp'));
    await expect(updates.next()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
  });
});

describe('a subscription to forecasts', () => {
  const forecastsOf = (filter = {}, delivery: 'EVERY' | 'LATEST' = 'EVERY', after?: string) =>
    hub.forecasts(filter, delivery, after)[Symbol.asyncIterator]();
  const instantsIn = ({ forecasts }: ForecastUpdate) =>
    forecasts.map(({ node, run, lastAt }) => `${node} ${run} ${lastAt}`);

  test('gets what its nodes and its run ask for', async () => {
    const updates = forecastsOf({ nodes: ['PJM:A', 'PJM:B'], run: 'SPOT' });
    await announce('forecasts', [
      forecastEvent(1),
      forecastEvent(2, { run: 'SPOT' }),
      forecastEvent(3, { run: 'SPOT', node: 'PJM:C' }),
      forecastEvent(4, { run: 'SPOT', node: 'PJM:B' }),
    ]);
    expect(instantsIn(await next(updates))).toEqual(['PJM:A SPOT 2', 'PJM:B SPOT 4']);
  });

  test('EVERY gets them all, after its cursor', async () => {
    const start = await bus.tail('forecasts');
    await announce('forecasts', [forecastEvent(1)], [forecastEvent(2)]);
    const updates = forecastsOf({}, 'EVERY', start);
    const seen: string[] = [];
    while (seen.length < 2) seen.push(...instantsIn(await next(updates)));
    expect(seen).toEqual(['PJM:A REAL_TIME_5_MIN 1', 'PJM:A REAL_TIME_5_MIN 2']);
  });

  test('LATEST gets of each node and run the one behind the newest price, and is never ended for being slow', async () => {
    const updates = forecastsOf({}, 'LATEST');
    for (let at = 1; at <= 100; at++) {
      await announce('forecasts', [forecastEvent(at), forecastEvent(at, { node: 'PJM:B' })]);
    }
    await announce('forecasts', [forecastEvent(50)]);
    await settled();
    expect(instantsIn(await next(updates))).toEqual(['PJM:A REAL_TIME_5_MIN 100', 'PJM:B REAL_TIME_5_MIN 100']);
    expect((await metrics.conflatedTicks.get()).values[0]?.value).toBe(199);
  });
});
