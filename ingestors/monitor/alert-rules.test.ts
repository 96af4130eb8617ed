import { describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../domain/instant.ts';
import { CALL_OUTCOMES, type CallOutcome } from '../../domain/source-call.ts';
import {
  type AlertPlace,
  DOWN_CALLS,
  type EndpointStanding,
  judge,
  SLOW_MS_MAX,
  SLOW_MS_MIN,
  WINDOW_MS,
} from './alert-rules.ts';

const NOW = Date.parse('2025-07-08T12:00:00Z');
const DOWN: AlertPlace = { source: 'PJM', endpoint: 'da', kind: 'DOWN' };
const SLOW: AlertPlace = { ...DOWN, kind: 'SLOW' };
const AUTH: AlertPlace = { source: 'PJM', endpoint: null, kind: 'AUTH' };

/** @param outcomes the newest first, a minute apart. */
function standing(
  outcomes: readonly CallOutcome[],
  more: Partial<EndpointStanding> & { readonly newestAt?: number } = {},
) {
  const { newestAt = NOW - 1_000, ...rest } = more;
  const newest = outcomes.map((outcome, place) => ({ at: newestAt - place * MINUTE_MS, outcome, error: null }));
  return { source: 'PJM', endpoint: 'da', newest, answers: 0, p95Ms: null, usualAnswers: 0, usualMs: null, ...rest };
}

const opened = (...standings: EndpointStanding[]) =>
  judge(standings, [], NOW).opened.map(({ kind, endpoint }) => `${kind} ${endpoint}`);
const closes = (alert: AlertPlace, ...standings: EndpointStanding[]) =>
  judge(standings, [alert], NOW).closed.length === 1;
const times = (count: number, outcome: CallOutcome) => Array<CallOutcome>(count).fill(outcome);

describe('DOWN', () => {
  it.each(['TIMEOUT', 'SERVER_ERROR', 'NETWORK', 'MALFORMED', 'REFUSED'] as const)(
    'opens where the last five calls failed, not at four: %s',
    (outcome) => {
      expect(opened(standing(times(5, outcome)))).toEqual(['DOWN da']);
      expect(opened(standing(times(4, outcome)))).toEqual([]);
    },
  );

  it('opens whatever the failures were, and says what the last one was', () => {
    const mixed = standing(['TIMEOUT', 'NETWORK', 'SERVER_ERROR', 'MALFORMED', 'REFUSED']);
    const [alert] = judge([mixed], [], NOW).opened;
    expect(alert).toEqual({ ...DOWN, detail: 'the last 5 calls of da failed: TIMEOUT' });
  });

  it.each(['OK', 'NO_DATA', 'THROTTLED', 'AUTH'] as const)('does not open where one of them was %s', (outcome) => {
    for (let place = 0; place < DOWN_CALLS; place += 1) {
      const outcomes = times(DOWN_CALLS, 'NETWORK').with(place, outcome);
      expect(opened(standing(outcomes))).toEqual([]);
    }
  });

  it('opens for a source that is asked seldom, over hours, but not on failures of long ago', () => {
    const seldom = standing(times(5, 'NETWORK'));
    const hourly = seldom.newest.map((call, hours) => ({ ...call, at: NOW - 1_000 - hours * 60 * MINUTE_MS }));
    expect(opened({ ...seldom, newest: hourly })).toEqual(['DOWN da']);
    expect(opened(standing(times(5, 'NETWORK'), { newestAt: NOW - WINDOW_MS }))).toEqual([]);
  });

  it('is not opened twice, and not for the one because of the other', () => {
    const failing = standing(times(5, 'NETWORK'));
    expect(judge([failing], [DOWN], NOW).opened).toEqual([]);
    expect(opened(failing, standing(['OK'], { endpoint: 'rt' }))).toEqual(['DOWN da']);
    expect(judge([failing], [{ ...DOWN, source: 'ERCOT' }], NOW).opened).toHaveLength(1);
  });

  it('closes after two answers in a row: one that comes and goes is one alert', () => {
    expect(closes(DOWN, standing(['OK', 'NO_DATA', 'NETWORK', 'NETWORK', 'NETWORK']))).toBe(true);
    expect(closes(DOWN, standing(['OK', 'NETWORK', 'OK', 'NETWORK', 'OK']))).toBe(false);
    expect(closes(DOWN, standing(['NETWORK', 'OK', 'OK', 'OK', 'OK']))).toBe(false);
    expect(closes(DOWN, standing(['THROTTLED', 'THROTTLED', 'NETWORK', 'NETWORK', 'NETWORK']))).toBe(false);
  });

  it('closes after one answer that nothing went wrong after for a while, and where nobody asked for a day', () => {
    const once = ['OK', 'NETWORK', 'NETWORK', 'NETWORK', 'NETWORK'] as const;
    expect(closes(DOWN, standing(once, { newestAt: NOW - WINDOW_MS }))).toBe(true);
    expect(closes(DOWN, standing(once, { newestAt: NOW - WINDOW_MS + 1 }))).toBe(false);
    expect(closes(DOWN, standing([]))).toBe(true);
    expect(closes(DOWN)).toBe(true);
  });
});

describe('SLOW', () => {
  const slow = (p95Ms: number, usualMs: number | null, more: Partial<EndpointStanding> = {}) =>
    standing(['OK'], { answers: 5, p95Ms, usualAnswers: usualMs === null ? 0 : 20, usualMs, ...more });

  it.each([
    ['five times the usual', 1_000, 5_000],
    ['two seconds where the usual is quick', 40, SLOW_MS_MIN],
    ['thirty seconds where the usual is long', 8_000, SLOW_MS_MAX],
    ['twice the usual where that is longer', 20_000, 40_000],
    ['thirty seconds where nothing is usual yet', null, SLOW_MS_MAX],
  ])('opens above %s', (_what, usualMs, limitMs) => {
    expect(opened(slow(limitMs, usualMs))).toEqual([]);
    expect(opened(slow(limitMs + 1, usualMs))).toEqual(['SLOW da']);
  });

  it('opens on five answers or more, and trusts twenty to be usual', () => {
    expect(opened(slow(60_000, null, { answers: 4 }))).toEqual([]);
    expect(opened(slow(6_000, 1_000, { usualAnswers: 19 }))).toEqual([]);
  });

  it('closes well below where it opened, or where nothing is answered any more', () => {
    expect(closes(SLOW, slow(4_001, 1_000))).toBe(false);
    expect(closes(SLOW, slow(4_000, 1_000))).toBe(true);
    expect(closes(SLOW, slow(4_000, 1_000, { answers: 1 }))).toBe(true);
    expect(closes(SLOW, standing(times(5, 'NETWORK')))).toBe(true);
  });
});

describe('AUTH', () => {
  it('opens for the whole source at the second refusal of an endpoint: the first is a token that ended', () => {
    expect(opened(standing(['AUTH', 'AUTH']))).toEqual(['AUTH null']);
    expect(opened(standing(['AUTH', 'OK', 'AUTH']))).toEqual([]);
    expect(opened(standing(['AUTH', 'AUTH']), standing(['AUTH', 'AUTH'], { endpoint: 'rt' }))).toEqual(['AUTH null']);
  });

  it('closes when no endpoint is refused any more', () => {
    expect(closes(AUTH, standing(['OK', 'AUTH', 'AUTH']))).toBe(true);
    expect(closes(AUTH, standing(['OK']), standing(['AUTH', 'AUTH'], { endpoint: 'rt' }))).toBe(false);
    expect(closes(AUTH, standing(['OK']), standing(['AUTH', 'AUTH'], { source: 'ERCOT' }))).toBe(true);
  });
});

it('one look never opens and closes the same', () => {
  for (const first of CALL_OUTCOMES) {
    for (const rest of CALL_OUTCOMES) {
      const outcomes = [first, ...times(4, rest)];
      for (const alert of [DOWN, AUTH]) {
        const opens = judge([standing(outcomes)], [], NOW).opened.some(({ kind }) => kind === alert.kind);
        expect(opens && closes(alert, standing(outcomes)), `${alert.kind} ${outcomes}`).toBe(false);
      }
    }
  }
});
