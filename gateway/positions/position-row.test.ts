import { describe, expect, test } from 'vitest';
import type { RunPrice } from '../../domain/mark-price.ts';
import { decimalFrom } from '../../domain/money.ts';
import { positionRow, type StandingPosition } from './position-row.ts';

/** 10 MWh bought at 30, of 15 that were bought; the 5 sold earned 12.5. */
const LONG: StandingPosition = {
  account: 'desk-1',
  node: 'PJM:PJM-WEST',
  seq: 2,
  position: {
    method: 'AVERAGE_COST',
    quantity: decimalFrom('600'),
    cost: decimalFrom('18000'),
    realized: decimalFrom('750'),
    trades: 2,
    last: { ts: 5, tradeId: 'T2' },
  },
  ledgerId: 7,
  recordedAt: 1_000,
};

const PRICE: RunPrice = { run: 'SPOT', startAt: 500, revision: 1, lmp: 31.1, publishedAt: 900 };

describe('a position at a price', () => {
  test('has exact money, whose parts sum, from a price that is taken as it is written', () => {
    expect(positionRow(LONG, PRICE)).toEqual({
      account: 'desk-1',
      node: 'PJM:PJM-WEST',
      seq: 2,
      method: 'AVERAGE_COST',
      positionMw: '10',
      avgPrice: '30',
      realizedPnl: '12.5',
      unrealizedPnl: '11',
      totalPnl: '23.5',
      pnl01: '0.1',
      notional: '311',
      last: { run: 'SPOT', startAt: 500, price: '31.1' },
      trades: 2,
      asOf: 1_000,
      ledgerId: 7,
    });
  });

  test('is as new as the newer of its last change and its price', () => {
    expect(positionRow(LONG, { ...PRICE, publishedAt: 2_000 }).asOf).toBe(2_000);
  });

  test('is worth less the higher a price below zero is in amount', () => {
    expect(positionRow(LONG, { ...PRICE, lmp: -20 })).toMatchObject({ unrealizedPnl: '-500', notional: '-200' });
  });
});

describe('a position without a price', () => {
  test('shows what is known and nulls for the rest, never zeros', () => {
    expect(positionRow(LONG, undefined)).toMatchObject({
      realizedPnl: '12.5',
      unrealizedPnl: null,
      totalPnl: null,
      notional: null,
      last: null,
      asOf: 1_000,
    });
  });

  test('has its total where it is flat', () => {
    const flat = { ...LONG.position, quantity: decimalFrom(0), cost: decimalFrom(0) };
    expect(positionRow({ ...LONG, position: flat }, undefined)).toMatchObject({
      avgPrice: '0',
      unrealizedPnl: '0',
      totalPnl: '12.5',
      notional: null,
    });
  });
});
