import { expect, test } from 'vitest';
import { MARK_RUNS } from '../../domain/mark-price.ts';
import { tick } from '../../tests/support/live.ts';
import { forecastEvent, positionEvent } from '../../tests/support/trading-events.ts';
import { standingFrom } from '../positions/board-life.ts';
import { positionRow } from '../positions/position-row.ts';
import { createFieldConflations } from './field-conflations.ts';

function conflationOf(field: string, dropped: () => void = () => undefined) {
  const create = createFieldConflations(dropped)[field];
  if (!create) throw new Error(`${field} has no conflation`);
  return create();
}

const position = (seq: number, account: string, lmp: number) =>
  positionRow(standingFrom(positionEvent(seq, 10, { account })), tick('PJM:A', lmp, { run: MARK_RUNS[0] ?? 'SPOT' }));

test('of a position the later mark stays, also where only its price fell back', () => {
  let dropped = 0;
  const conflation = conflationOf('pnl', () => {
    dropped += 1;
  });
  conflation.add({ cursor: 'a', positions: [position(1, 'desk-1', 31), position(1, 'desk-2', 31)] });
  const last = position(1, 'desk-1', 30);
  conflation.add({ cursor: 'b', positions: [last] });
  expect(conflation.take()).toEqual({ cursor: 'b', positions: [last, position(1, 'desk-2', 31)] });
  expect(conflation.take()).toBeUndefined();
  expect(dropped).toBe(1);
});

test('positions whose names only look alike together stay apart', () => {
  const conflation = conflationOf('pnl');
  const named = (account: string, node: string) => ({ ...position(1, 'x', 30), account, node });
  const rows = [named('A PJM:B', 'PJM:C'), named('A', 'PJM:B PJM:C'), named('C D', 'PJM:B'), named('D', 'PJM:B C')];
  conflation.add({ cursor: 'a', positions: rows });
  expect(conflation.take()).toEqual({ cursor: 'a', positions: rows });
});

test('of a node and run the newest price stays, and the forecast behind it', () => {
  const prices = conflationOf('lmp');
  const ticks = [
    tick('PJM:A', 2, { revision: 2 }),
    tick('PJM:A', 1, { revision: 1 }),
    tick('PJM:A', 9, { startAt: 0 }),
  ];
  prices.add({ cursor: 'a', ticks });
  expect(prices.take()).toEqual({ cursor: 'a', ticks: [ticks[0]] });
  const forecasts = conflationOf('forecasts');
  const said = [forecastEvent(2), forecastEvent(1), forecastEvent(1, { run: 'SPOT' })];
  forecasts.add({ cursor: 'a', forecasts: said });
  expect(forecasts.take()).toEqual({ cursor: 'a', forecasts: [said[0], said[2]] });
});

test('trades have none: each of them counts', () => {
  expect(createFieldConflations(() => undefined)).not.toHaveProperty('trades');
});
