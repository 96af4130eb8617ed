import { beforeEach, describe, expect, test } from 'vitest';
import type { CallOutcome } from '../../domain/source-call.ts';
import { type SkippingClock, skippingClock } from '../../tests/support/source-parts.ts';
import { type BreakerSettings, type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts';

const SETTINGS: BreakerSettings = {
  failed: { rowMax: 3, pauseMs: 1000, pauseMsMax: 3000 },
  refused: { rowMax: 2, pauseMs: 10_000, pauseMsMax: 20_000 },
};
const START = Date.parse('2026-01-01T00:00:00Z');

let clock: SkippingClock;
let breaker: CircuitBreaker;
beforeEach(() => {
  clock = skippingClock(START);
  breaker = createCircuitBreaker('PJM', clock, SETTINGS);
});

const call = (...outcomes: readonly CallOutcome[]) => {
  for (const outcome of outcomes) breaker.begin().ended(outcome, `it was ${outcome}`);
};

describe('closed', () => {
  test.each<[readonly CallOutcome[], boolean]>([
    [['TIMEOUT', 'NETWORK', 'SERVER_ERROR'], true],
    [['TIMEOUT', 'NETWORK'], false],
    [['TIMEOUT', 'NETWORK', 'OK', 'SERVER_ERROR'], false],
    [['TIMEOUT', 'NETWORK', 'NO_DATA', 'SERVER_ERROR'], false],
    [['TIMEOUT', 'NETWORK', 'THROTTLED', 'SERVER_ERROR'], false],
    [['MALFORMED', 'MALFORMED', 'MALFORMED', 'MALFORMED'], false],
    [['REFUSED', 'REFUSED', 'REFUSED', 'REFUSED'], false],
    [['AUTH', 'AUTH'], true],
    [['AUTH', 'TIMEOUT', 'AUTH'], false],
    [['AUTH', 'OK', 'AUTH'], false],
  ])('after %j it is open: %s', (outcomes, isOpen) => {
    call(...outcomes);
    expect(breaker.isOpen()).toBe(isOpen);
    if (isOpen) expect(() => breaker.assertAsked()).toThrow(`it was ${outcomes.at(-1)}`);
    else expect(() => breaker.assertAsked()).not.toThrow();
  });
});

describe('open', () => {
  test('says until when, and why, to all who ask until then', () => {
    call('AUTH', 'AUTH');
    clock.advance(9_999);
    for (const ask of [breaker.assertAsked, breaker.begin]) {
      expect(ask).toThrow(
        'PJM is left alone until 2026-01-01T00:00:10.000Z, after 2 refused calls in a row: it was AUTH',
      );
    }
    clock.advance(1);
    expect(() => breaker.assertAsked()).not.toThrow();
  });

  test('is not closed, nor held open longer, by calls that began before; an answer closes it', () => {
    const [early, lucky] = [breaker.begin(), breaker.begin()];
    call('TIMEOUT', 'TIMEOUT', 'TIMEOUT');
    clock.advance(500);
    early.ended('TIMEOUT', 'late');
    clock.advance(500);
    expect(() => breaker.assertAsked()).not.toThrow();
    lucky.ended('OK', undefined);
    expect(breaker.isOpen()).toBe(false);
  });

  test('ends where the clock is set back', () => {
    call('AUTH', 'AUTH');
    clock.advance(-86_400_000);
    expect(() => breaker.assertAsked()).not.toThrow();
  });
});

describe('trying', () => {
  test('lets one call through, and closes with an answer', () => {
    call('TIMEOUT', 'TIMEOUT', 'TIMEOUT');
    clock.advance(1000);
    const trial = breaker.begin();
    expect(breaker.begin).toThrow('left alone');
    trial.ended('OK', undefined);
    expect(breaker.isOpen()).toBe(false);
    call('TIMEOUT', 'TIMEOUT');
    expect(breaker.isOpen()).toBe(false);
  });

  test('doubles the pause with each failure, up to the longest', () => {
    call('TIMEOUT', 'TIMEOUT', 'TIMEOUT');
    for (const pauseMs of [1000, 2000, 3000, 3000]) {
      clock.advance(pauseMs - 1);
      expect(() => breaker.assertAsked()).toThrow('left alone');
      clock.advance(1);
      call('SERVER_ERROR');
    }
  });

  test('lets another one through where its call is broken off', () => {
    call('TIMEOUT', 'TIMEOUT', 'TIMEOUT');
    clock.advance(1000);
    breaker.begin().dropped();
    expect(() => breaker.begin()).not.toThrow();
  });
});
