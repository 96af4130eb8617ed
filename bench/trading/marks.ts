/**
 * What a tick costs the board: 200 accounts that hold 10 of 100 nodes each, each account watched by one subscription, then by
 * every second one. Counted, not assumed: a tick marks those positions that are at its node and that somebody watches. The
 * baseline is to mark every position there is.
 */
import type { NodeName } from '../../domain/market.ts';
import { decimalFrom } from '../../domain/money.ts';
import { Board } from '../../gateway/positions/board.ts';
import type { StandingPosition } from '../../gateway/positions/position-row.ts';
import type { NodePrice } from '../../gateway/positions/positions-source.ts';
import { nodesFor } from '../../ingestors/simulator/market-model.ts';
import { ACCOUNTS, accountName, HELD_NODES, heldNodes } from './desk.ts';

const TICKS = 50_000;
const NOW = Date.UTC(2026, 0, 9, 12);
const NODES = nodesFor(100);

export function measureMarks() {
  const positions = positionsOf();
  const all = marksOf(positions, () => true);
  const half = marksOf(positions, (account) => account % 2 === 0);
  return {
    load: { accounts: ACCOUNTS, nodes: NODES.length, positions: positions.length, ticks: TICKS },
    baseline: 'marking every position at every tick',
    positionsAtNode: positions.length / NODES.length,
    everyAccountWatched: all,
    everySecondAccountWatched: half,
    ratio: all.marksPerTick / positions.length,
  };
}

function marksOf(positions: readonly StandingPosition[], isWatched: (account: number) => boolean) {
  const board = boardOf(positions);
  for (let account = 0; account < ACCOUNTS; account++) {
    if (isWatched(account)) board.watch({ account: accountName(account) }, account);
  }
  let marks = 0;
  let elsewhere = 0;
  const startedAt = performance.now();
  for (let at = 0; at < TICKS; at++) {
    const price = tick(at);
    board.prices([price], (_, { marked }) => {
      if (marked.row.node !== price.node) elsewhere++;
      marks++;
    });
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  return {
    marksPerTick: marks / TICKS,
    marksElsewhere: elsewhere,
    ticksPerSecond: Math.round(TICKS / seconds),
    marksPerSecond: Math.round(marks / seconds),
  };
}

function boardOf(positions: readonly StandingPosition[]): Board<number> {
  const board = new Board<number>({ runs: ['REAL_TIME_5_MIN'], clock: () => NOW });
  board.enter(board.unknown(NODES));
  for (const each of positions) board.place(each, () => undefined);
  return board;
}

function positionsOf(): StandingPosition[] {
  return Array.from({ length: ACCOUNTS }, (_, account) =>
    heldNodes(NODES, account).map((node) => standing(accountName(account), node)),
  ).flat();
}

function standing(account: string, node: NodeName): StandingPosition {
  const quantity = decimalFrom(600);
  const last = { ts: NOW, tradeId: 'T' };
  const position = {
    method: 'AVERAGE_COST',
    quantity,
    cost: quantity.times(decimalFrom('31.25')),
    realized: decimalFrom('-1234.5'),
    trades: HELD_NODES,
    last,
  } as const;
  return { account, node, seq: 1, position, ledgerId: 1, recordedAt: NOW };
}

function tick(at: number): NodePrice {
  const node = NODES[at % NODES.length] ?? '';
  const lmp = 30 + (at % 1_000) / 100;
  return {
    node,
    run: 'REAL_TIME_5_MIN',
    startAt: NOW + Math.floor(at / NODES.length),
    revision: 1,
    lmp,
    publishedAt: NOW,
  };
}
