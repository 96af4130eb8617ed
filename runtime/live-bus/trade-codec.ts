import type { EventCodec } from './event-codec.ts';
import type { TradeEvent } from './live-bus.ts';

/** A trade in Redis is a JSON array in this order, its position another one within it. */
export const tradeCodec: EventCodec<TradeEvent> = {
  format: 1,
  field: 'trades',
  encode: (trades) => JSON.stringify(trades.map(rowFromTrade)),
  decode(text) {
    const rows: TradeRow[] = JSON.parse(text);
    return rows.map(tradeFromRow);
  },
};

type TradeRow = [
  tradeId: string,
  version: number,
  ts: number,
  account: string,
  node: TradeEvent['node'],
  side: TradeEvent['side'],
  mw: string,
  price: string,
  minutes: number,
  status: TradeEvent['status'],
  ledgerId: number,
  recordedAt: number,
  position: PositionRow,
];

type PositionRow = [
  method: TradeEvent['position']['method'],
  quantity: string,
  cost: string,
  realized: string,
  trades: number,
  last: readonly [ts: number, tradeId: string] | null,
];

function rowFromTrade(trade: TradeEvent): TradeRow {
  return [
    trade.tradeId,
    trade.version,
    trade.ts,
    trade.account,
    trade.node,
    trade.side,
    trade.mw,
    trade.price,
    trade.minutes,
    trade.status,
    trade.ledgerId,
    trade.recordedAt,
    rowFromPosition(trade.position),
  ];
}

function tradeFromRow(row: TradeRow): TradeEvent {
  const [tradeId, version, ts, account, node, side, mw, price, minutes, status, ledgerId, recordedAt, position] = row;
  return {
    tradeId,
    version,
    ts,
    account,
    node,
    side,
    mw,
    price,
    minutes,
    status,
    ledgerId,
    recordedAt,
    position: positionFromRow(position),
  };
}

function rowFromPosition({ method, quantity, cost, realized, trades, last }: TradeEvent['position']): PositionRow {
  return [method, quantity, cost, realized, trades, last && [last.ts, last.tradeId]];
}

function positionFromRow([method, quantity, cost, realized, trades, last]: PositionRow): TradeEvent['position'] {
  return { method, quantity, cost, realized, trades, last: last && { ts: last[0], tradeId: last[1] } };
}
