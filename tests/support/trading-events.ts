import type { ForecastEvent, PositionEvent, TradeEvent } from '../../runtime/live-bus/live-bus.ts';

/** 10 MW over one hour, bought at 30. */
export function tradeEvent(tradeId: string, changes: Partial<TradeEvent> = {}): TradeEvent {
  return {
    tradeId,
    version: 1,
    ts: Date.UTC(2026, 0, 1),
    account: 'desk-1',
    node: 'PJM:A',
    side: 'BUY',
    mw: '10',
    price: '30',
    minutes: 60,
    status: 'ACTIVE',
    ledgerId: 1,
    recordedAt: Date.UTC(2026, 0, 1),
    ...changes,
  };
}

/** What is open of so many MWh that were bought at 30. */
export function positionEvent(seq: number, mwh: number, changes: Partial<PositionEvent> = {}): PositionEvent {
  return {
    account: 'desk-1',
    node: 'PJM:A',
    seq,
    position: {
      method: 'AVERAGE_COST',
      quantity: String(mwh * 60),
      cost: String(mwh * 60 * 30),
      realized: '0',
      trades: seq,
      last: { ts: seq, tradeId: `T${seq}` },
    },
    ledgerId: seq,
    recordedAt: Date.UTC(2026, 0, 1),
    ...changes,
  };
}

export function forecastEvent(lastAt: number, changes: Partial<ForecastEvent> = {}): ForecastEvent {
  return {
    node: 'PJM:A',
    run: 'REAL_TIME_5_MIN',
    lastAt,
    lastPrice: 30,
    models: [{ model: 'EWMA', value: 30, samples: 1, mae: 1, rmse: 1, bias: -1 }],
    ledgerId: 1,
    ...changes,
  };
}
