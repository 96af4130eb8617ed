import { type CostMethod, foldTrades, type Position } from '../../domain/position.ts';
import { currentTrades, type Trade } from '../../domain/trade.ts';
import { lotsIn } from './lots-at-hand.ts';
import type { SqlPosition } from './sql-positions.ts';

/** What the domain makes of versions of trades, in the form and the order in which `sqlPositions` gives it. */
export function foldedPositions(method: CostMethod, versions: Iterable<Trade>): SqlPosition[] {
  return [...booksOf(currentTrades(versions))]
    .map(([book, trades]) => textsOf(book, foldTrades(method, trades), trades))
    .sort((one, other) => compareTexts(one.account, other.account) || compareTexts(one.node, other.node));
}

/** By account and node. */
function booksOf(trades: readonly Trade[]): Map<string, Trade[]> {
  const books = new Map<string, Trade[]>();
  for (const trade of trades) {
    const name = JSON.stringify([trade.account, trade.node]);
    const book = books.get(name);
    if (book) book.push(trade);
    else books.set(name, [trade]);
  }
  return books;
}

function textsOf(book: string, position: Position, counted: readonly Trade[]): SqlPosition {
  const [account, node] = JSON.parse(book);
  const { method, quantity, cost, realized, trades } = position;
  return {
    account,
    node,
    quantity: String(quantity),
    cost: String(cost),
    realized: String(realized),
    trades,
    lots: method === 'FIFO' ? lotsIn(position, counted).map((lot) => `${lot.quantity} @ ${lot.price}`) : null,
  };
}

const compareTexts = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other));
