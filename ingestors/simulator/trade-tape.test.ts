import { describe, expect, it } from 'vitest';
import { HOUR_MS } from '../../domain/instant.ts';
import { nodesFor } from './market-model.ts';
import { createTradeTape, openTradeTapes, type TradeTape } from './trade-tape.ts';
import { createTradingModel, type SimulatedTrade, type SimulatedVersion } from './trading-model.ts';

const SETTINGS = { seed: 3, accounts: 5, nodes: nodesFor(4) };
const MODEL = createTradingModel({ ...SETTINGS, origin: 0, stepMs: 500 });
const SESSION = MODEL.sessionFrom(Date.UTC(2026, 10, 21));
const START = MODEL.startOf(SESSION);

/** Everything due at the instant, taken. */
function taken(tape: TradeTape, now: number): SimulatedTrade[] {
  const trades: SimulatedTrade[] = [];
  for (let due = tape.due(now); due.length > 0; due = tape.due(now)) {
    trades.push(...due);
    tape.take(due.length);
  }
  return trades;
}

function sessions(...numbers: number[]): SimulatedTrade[] {
  return numbers.flatMap((number) => MODEL.trades(number));
}

describe('a trade tape', () => {
  it('begins with the session under way and tells each trade once, when it is due', () => {
    const tape = createTradeTape(MODEL, START + 10_000, 0);
    const told: SimulatedTrade[] = [];
    for (let now = START + 10_000; now < START + 2 * MODEL.sessionMs; now += 50) {
      const trades = taken(tape, now);
      for (const { atMs } of trades) expect(atMs).toBeLessThanOrEqual(now);
      told.push(...trades);
    }
    expect(told).toEqual(sessions(SESSION, SESSION + 1));
  });

  it('goes back as far as it is asked to, by whole sessions', () => {
    const tape = createTradeTape(MODEL, START, 3.5 * MODEL.sessionMs);
    expect(taken(tape, START - 1)).toEqual(sessions(SESSION - 3, SESSION - 2, SESSION - 1));
  });

  it('tells again what was not taken, also a part of it', () => {
    const tape = createTradeTape(MODEL, START, 0);
    const now = START + MODEL.sessionMs - 1;
    taken(tape, START - 1);
    const due = tape.due(now);
    expect(tape.due(now)).toEqual(due);
    tape.take(5);
    expect(tape.due(now)).toEqual(due.slice(5));
  });

  it('ends the session it has begun after a long pause, and passes over those that nobody saw', () => {
    const tape = createTradeTape(MODEL, START + 10_000, 0);
    const before = taken(tape, START + 10_000);
    const after = taken(tape, START + 100.5 * MODEL.sessionMs);
    const present = MODEL.trades(SESSION + 100).filter(({ atMs }) => atMs <= START + 100.5 * MODEL.sessionMs);
    expect([...before, ...after]).toEqual([...sessions(SESSION), ...present]);
  });

  it('makes up for seconds also where sessions are short', () => {
    const fast = createTradingModel({ ...SETTINGS, origin: 0, stepMs: 2 });
    const tape = createTradeTape(fast, START, 0);
    taken(tape, START);
    const count = taken(tape, START + 5_000).length;
    expect(count).toBeGreaterThan(2_000);
    expect(count).toBeLessThan(3_000);
  });

  it('gives no more at a time than an append may hold', () => {
    const fast = createTradingModel({ ...SETTINGS, origin: 0, stepMs: 2 });
    const tape = createTradeTape(fast, START, 0);
    taken(tape, START);
    const due = tape.due(START + 5_000);
    expect(due.length).toBeGreaterThan(900);
    expect(due.length).toBeLessThan(1_100);
  });

  it('has nothing to tell while the clock goes back', () => {
    const tape = createTradeTape(MODEL, START + 10_000, 0);
    taken(tape, START + 10_000);
    expect(tape.due(START)).toEqual([]);
    expect(tape.due(START + 10_000)).toEqual([]);
  });
});

describe('the tapes of a simulator', () => {
  const HISTORY_MS = 6 * HOUR_MS;

  function versionsAt(now: number, perSecond = 2): SimulatedVersion[] {
    const tapes = openTradeTapes({ ...SETTINGS, trades: { accounts: 5, perSecond }, historyMs: HISTORY_MS }, now);
    return tapes.flatMap((tape) => taken(tape, now)).map(({ version }) => version);
  }

  const keyOf = ({ trade_id: id, version = 1 }: SimulatedVersion) => `${id} ${version}`;

  it('bring hours of trades at the start, and not many of them, at whatever pace', () => {
    for (const perSecond of [0.001, 0.1, 2, 500]) {
      const versions = versionsAt(START, perSecond);
      const oldest = Math.min(...versions.map(({ ts }) => Date.parse(ts)));
      expect(versions.length, `${perSecond}`).toBeLessThan(600);
      if (perSecond >= 0.1) expect(versions.length, `${perSecond}`).toBeGreaterThan(300);
      if (perSecond >= 0.1) expect(oldest, `${perSecond}`).toBeLessThan(START - 5 * HOUR_MS);
      expect(oldest, `${perSecond}`).toBeGreaterThanOrEqual(START - HISTORY_MS);
    }
  });

  it('bring after a restart nothing that would have been otherwise, had they run on', () => {
    const tapes = openTradeTapes({ ...SETTINGS, trades: { accounts: 5, perSecond: 2 }, historyMs: HISTORY_MS }, START);
    const ranOn = new Map<string, SimulatedVersion>();
    for (let now = START; now <= START + 2 * HOUR_MS; now += 1_000)
      for (const tape of tapes) for (const { version } of taken(tape, now)) ranOn.set(keyOf(version), version);
    const restarted = versionsAt(START + 2 * HOUR_MS);
    expect(restarted.length).toBeGreaterThan(300);
    for (const version of restarted) expect(ranOn.get(keyOf(version))).toEqual(version);
  });

  it('are none where nobody trades, and refuse a pace that goes back', () => {
    expect(openTradeTapes({ ...SETTINGS }, START)).toEqual([]);
    expect(openTradeTapes({ ...SETTINGS, trades: { accounts: 5, perSecond: 0 } }, START)).toEqual([]);
    for (const trades of [
      { accounts: 5, perSecond: -1 },
      { accounts: 0, perSecond: 1 },
    ])
      expect(() => openTradeTapes({ ...SETTINGS, trades }, START)).toThrow(RangeError);
  });
});
