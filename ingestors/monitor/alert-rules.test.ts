import { describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../domain/instant.ts';
import { CALL_OUTCOMES, type CallOutcome } from '../../domain/source-call.ts';
import { type AlertPlace, judge } from './alert-rules.ts';
import { DOWN_CALLS } from './down-rule.ts';
import { SLOW_MS_MAX, SLOW_MS_MIN } from './slow-rule.ts';
import { type EndpointStanding, type OpenNotice, WINDOW_MS } from './standing.ts';

const NOW = Date.parse('2025-07-08T12:00:00Z');
type OpenAlert = AlertPlace & OpenNotice;
const OPENED = { openedAt: new Date(NOW - 10 * MINUTE_MS) };
const DOWN: OpenAlert = { source: 'PJM', endpoint: 'da', kind: 'DOWN', ...OPENED };
const SLOW: OpenAlert = { ...DOWN, kind: 'SLOW' };
const SOURCE_DOWN: OpenAlert = { ...DOWN, endpoint: null };
const AUTH: OpenAlert = { ...SOURCE_DOWN, kind: 'AUTH' };

/** Of a source that answered something of late, as most do. @param outcomes the newest first, a minute apart. */
function standing(
  outcomes: readonly CallOutcome[],
  more: Partial<EndpointStanding> & { readonly newestAt?: number } = {},
) {
  const { newestAt = NOW - 1_000, ...rest } = more;
  const newest = outcomes.map((outcome, place) => ({ at: newestAt - place * MINUTE_MS, outcome, error: null }));
  return { source: 'PJM', endpoint: 'da', newest, answers: 1, p95Ms: null, usualAnswers: 0, usualMs: null, ...rest };
}

const opened = (...standings: EndpointStanding[]) =>
  judge(standings, [], NOW).opened.map(({ kind, endpoint }) => `${kind} ${endpoint}`);
const closes = (alert: OpenAlert, ...standings: EndpointStanding[]) =>
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
    expect(alert).toEqual({
      source: 'PJM',
      endpoint: 'da',
      kind: 'DOWN',
      detail: 'the last 5 calls of da failed: TIMEOUT',
    });
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

describe('DOWN, of a whole source', () => {
  const of = (endpoint: string, outcomes: readonly CallOutcome[], minutesAgo = 0, answers = 1) =>
    standing(outcomes, { endpoint, newestAt: NOW - 1_000 - minutesAgo * MINUTE_MS, answers });
  const [a, b] = [of('a', times(3, 'NETWORK')), of('b', [...times(2, 'TIMEOUT'), 'OK'])];

  it('opens where the last five calls of all endpoints failed, though no endpoint failed five times', () => {
    expect(opened(a, b)).toEqual(['DOWN null']);
    expect(opened(a, of('b', ['TIMEOUT', 'OK']))).toEqual([]);
    expect(judge([a, b], [], NOW).opened[0]?.detail).toBe('the last 5 calls failed, of a, b: NETWORK');
  });

  it('opens at the third where nothing was answered of late, be it of one endpoint', () => {
    expect(opened(of('a', times(2, 'NETWORK'), 0, 0), of('b', ['SERVER_ERROR', 'OK'], 14, 0))).toEqual(['DOWN null']);
    expect(opened(of('a', times(3, 'NETWORK'), 0, 0))).toEqual(['DOWN null']);
    expect(opened(of('a', times(2, 'NETWORK'), 0, 0))).toEqual([]);
    expect(opened(of('a', times(3, 'NETWORK'), 0, 0), of('b', ['NO_DATA'], 1))).toEqual([]);
    expect(opened(of('a', times(3, 'NETWORK'), 15, 0))).toEqual([]);
  });

  it('does not open for endpoints that are down by themselves, whose alerts say so', () => {
    const broken = of('broken', times(5, 'REFUSED'));
    expect(opened(broken, of('b', ['OK', 'OK'], 6))).toEqual(['DOWN broken']);
    expect(opened({ ...broken, answers: 0 }, of('b', ['OK', 'OK'], 50, 0))).toEqual(['DOWN broken']);
  });

  it('tells of its endpoints, which then have no alert of their own', () => {
    const failing = [of('a', times(5, 'NETWORK')), a, b].map((each, place) => ({ ...each, endpoint: `e${place}` }));
    expect(opened(...failing)).toEqual(['DOWN null']);
    expect(judge([of('da', times(5, 'NETWORK'))], [SOURCE_DOWN], NOW).opened).toEqual([]);
  });

  it('closes after two answers in a row since it opened, or one that nothing went wrong after for a while', () => {
    expect(closes(SOURCE_DOWN, of('a', ['OK', 'NETWORK'], 1), of('b', ['OK', 'NETWORK'], 1.5))).toBe(true);
    expect(closes(SOURCE_DOWN, of('a', ['OK', 'NETWORK'], 1), of('b', ['NETWORK', 'OK'], 2))).toBe(false);
    expect(closes(SOURCE_DOWN, of('a', ['OK', 'NETWORK'], 15), of('b', ['NETWORK', 'OK'], 16))).toBe(true);
    expect(closes(SOURCE_DOWN, of('a', ['OK', 'NETWORK'], 13), of('b', ['NETWORK', 'OK'], 14))).toBe(false);
    expect(closes(SOURCE_DOWN)).toBe(true);
  });

  it('stays while the source is left alone, however long, and whatever was answered before', () => {
    expect(closes(SOURCE_DOWN, of('a', times(3, 'NETWORK'), 600))).toBe(false);
    const [broken, before] = [of('broken', times(5, 'NETWORK')), of('b', ['OK', 'OK'], 10)];
    expect(closes(SOURCE_DOWN, broken, before)).toBe(false);
    expect(closes(SOURCE_DOWN, broken, of('b', ['OK', 'OK'], 5))).toBe(true);
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

  it('opens at the second refusal of the source, whichever endpoints it was of', () => {
    const [a, b] = ['a', 'b'].map((endpoint) => standing(['AUTH'], { endpoint })) as [
      EndpointStanding,
      EndpointStanding,
    ];
    expect(opened(a)).toEqual([]);
    expect(opened(a, b)).toEqual(['AUTH null']);
    expect(opened(a, standing(['OK'], { endpoint: 'b', newestAt: NOW - 500 }))).toEqual([]);
    expect(opened(a, { ...b, source: 'ERCOT' })).toEqual([]);
  });

  it.each(['NETWORK', 'TIMEOUT', 'SERVER_ERROR', 'THROTTLED'] as const)(
    'takes %s for no word about credentials, neither way',
    (outcome) => {
      expect(opened(standing([outcome, 'AUTH', outcome, 'AUTH']))).toEqual(['AUTH null']);
      expect(closes(AUTH, standing([outcome, 'AUTH', 'AUTH']))).toBe(false);
      expect(closes(AUTH, standing(times(5, outcome)))).toBe(false);
      expect(closes(AUTH, standing([outcome, 'OK', 'AUTH', 'AUTH']))).toBe(true);
    },
  );

  it('stays while the source is left alone, and closes where nobody asks for a day', () => {
    expect(closes(AUTH, standing(['AUTH', 'AUTH'], { newestAt: NOW - 600 * MINUTE_MS }))).toBe(false);
    expect(closes(AUTH, standing([]))).toBe(true);
    expect(closes(AUTH)).toBe(true);
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
      for (const answers of [0, 1]) {
        for (const alert of [DOWN, SOURCE_DOWN, AUTH]) {
          const of = standing(outcomes, { answers });
          const opens = opened(of).includes(`${alert.kind} ${alert.endpoint}`);
          expect(opens && closes(alert, of), `${alert.kind} ${outcomes}`).toBe(false);
        }
      }
    }
  }
});
