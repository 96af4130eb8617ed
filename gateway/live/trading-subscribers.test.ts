import type { Client } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cursorOf, socketClient } from '../../tests/support/gateway.ts';
import { tick } from '../../tests/support/live.ts';
import { storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway } from '../../tests/support/store-gateway.ts';
import { forecastEvent, positionEvent, tradeEvent } from '../../tests/support/trading-events.ts';
import { storeTrades } from '../../tests/support/trading-rows.ts';

const NOW = Date.UTC(2026, 0, 1, 12);

const PNL = `subscription Pnl($account: String, $node: ID, $delivery: Delivery, $after: String) {
  pnl(account: $account, node: $node, delivery: $delivery, after: $after) {
    cursor positions { account node { id } positionMw lastPrice unrealizedPnl }
  }
}`;

let db: TestDatabase;
let gateway: StoreGateway;
let client: Client;
let sequence = 0;

beforeAll(async () => {
  db = await freshDatabase();
  const trade = { ts: '2026-01-01T10:00Z', side: 'BUY', price: 30 } as const;
  await storeTrades(db.pool, [
    { ...trade, id: 'T1', account: 'desk-1', node: 'PJM:A', mw: 10 },
    { ...trade, id: 'T2', account: 'desk-1', node: 'PJM:B', mw: 5, side: 'SELL' },
    { ...trade, id: 'T3', account: 'desk-2', node: 'PJM:A', mw: '0.5' },
  ]);
  const price = { node: 'PJM:A', minutes: 5, lmp: 28 } as const;
  await storeLmps(db.pool, [
    { ...price, run: 'SPOT', start: '2025-11-30T12:00Z' },
    { ...price, run: 'REAL_TIME_5_MIN', start: '2026-01-01T11:50Z', lmp: 31.1 },
    { ...price, run: 'REAL_TIME_HOURLY', start: '2026-01-01T11:00Z' },
  ]);
  gateway = await startStoreGateway({ db, clock: () => NOW });
  client = socketClient(gateway.socketUrl);
});
afterAll(async () => {
  await client.dispose();
  await gateway.close();
  await db.drop();
});

// biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
type Frames = AsyncIterableIterator<any>;

function subscribe(query: string, variables: Record<string, unknown> = {}): Frames {
  return client.iterate({ query, variables });
}

async function next(frames: Frames) {
  const { value, done } = await frames.next();
  if (done || value.errors) throw new Error(`ended: ${JSON.stringify(value)}`);
  return value.data;
}

async function announce<C extends 'lmp' | 'trades' | 'positions' | 'forecasts'>(
  channel: C,
  ...events: Parameters<typeof gateway.bus.announce<C>>[1]['batches'][number]
): Promise<void> {
  await gateway.bus.announce(channel, { source: 'test/0', sequence: ++sequence, batches: [events] });
}

describe('the `pnl` subscription', () => {
  test('begins with what the `positions` query says, for each who joins, and moves with trades and prices', async () => {
    const { positions } = await gateway.answer(
      '{ positions(account: "desk-1") { account node { id } positionMw lastPrice unrealizedPnl } }',
    );
    expect(positions).toEqual([
      { account: 'desk-1', node: { id: 'PJM:A' }, positionMw: 10, lastPrice: 31.1, unrealizedPnl: '11' },
      { account: 'desk-1', node: { id: 'PJM:B' }, positionMw: -5, lastPrice: null, unrealizedPnl: null },
    ]);
    const all = [subscribe(PNL, { account: 'desk-1' }), subscribe(PNL, { account: 'desk-1' })];
    for (const frames of all) expect((await next(frames)).pnl.positions).toEqual(positions);
    const startAt = NOW - 60_000;
    await announce('lmp', tick('PJM:A', 29.5, { startAt }), tick('PJM:B', 10, { startAt, run: 'SPOT' }));
    const moved = [
      { ...positions[0], lastPrice: 29.5, unrealizedPnl: '-5' },
      { ...positions[1], lastPrice: 10, unrealizedPnl: '100' },
    ];
    for (const frames of all) expect((await next(frames)).pnl.positions).toEqual(moved);
    await announce('positions', positionEvent(1_000, 20));
    for (const frames of all) {
      expect((await next(frames)).pnl.positions).toEqual([{ ...moved[0], positionMw: 20, unrealizedPnl: '-10' }]);
      await frames.return?.();
    }
  });

  test('resumed with a cursor begins with how things stand', async () => {
    const frames = subscribe(PNL, { account: 'desk-2' });
    const { cursor } = (await next(frames)).pnl;
    await frames.return?.();
    const resumed = subscribe(PNL, { account: 'desk-2', after: cursor, delivery: 'EVERY' });
    expect((await next(resumed)).pnl.positions).toMatchObject([{ account: 'desk-2', positionMw: 0.5 }]);
    await resumed.return?.();
  });

  test('says of a text that is no cursor that it is none', async () => {
    const frames = subscribe(PNL, { after: 'yesterday' });
    expect((await frames.next()).value.errors[0].extensions).toEqual({ code: 'BAD_USER_INPUT' });
  });
});

describe('the `trades` subscription', () => {
  test('tells of versions that are committed, and resumes after its cursor', async () => {
    const query = `subscription T($after: String) {
      trades(account: "desk-1", after: $after) { cursor trades { id version status } }
    }`;
    const frames = subscribe(query, {
      after: cursorOf(await gateway.bus.tail('trades'), 'trades', { account: 'desk-1' }),
    });
    await announce('trades', tradeEvent('T1', { version: 2 }), tradeEvent('X', { account: 'desk-2' }));
    const first = (await next(frames)).trades;
    expect(first.trades).toEqual([{ id: 'T1', version: 2, status: 'ACTIVE' }]);
    await frames.return?.();
    await announce('trades', tradeEvent('T1', { version: 3, status: 'CANCELLED' }));
    const resumed = subscribe(query, { after: first.cursor });
    expect((await next(resumed)).trades.trades).toEqual([{ id: 'T1', version: 3, status: 'CANCELLED' }]);
    await resumed.return?.();
  });
});

describe('the `forecasts` subscription', () => {
  test('tells of what is forecast of its nodes', async () => {
    const query = `subscription F($after: String) {
      forecasts(nodes: ["PJM:B"], delivery: LATEST, after: $after) { forecasts { node { id } run } }
    }`;
    const after = cursorOf(await gateway.bus.tail('forecasts'), 'forecasts', { nodes: ['PJM:B'] });
    const frames = subscribe(query, { after });
    await announce('forecasts', forecastEvent(1), forecastEvent(2, { node: 'PJM:B' }));
    expect((await next(frames)).forecasts.forecasts).toEqual([{ node: { id: 'PJM:B' }, run: 'REAL_TIME_5_MIN' }]);
    await frames.return?.();
  });
});
