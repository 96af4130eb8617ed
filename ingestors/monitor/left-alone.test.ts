/** Alerts of sources that their circuit breaker leaves alone: the breaker, HTTP and the rules as they are, only the clock is ours. */
import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import { isAnswered, type SourceCall } from '../../domain/source-call.ts';
import { type SkippingClock, skippingClock, sourcePartsOn, TURNS_AT_ONCE } from '../../tests/support/source-parts.ts';
import { BREAKER, type BreakerSettings } from '../sources/circuit-breaker.ts';
import { createHttpSource } from '../sources/http.ts';
import { TOKEN_BREAKER } from '../sources/oauth-token.ts';
import { type AlertPlace, judge } from './alert-rules.ts';
import { AUTH_CALLS } from './auth-rule.ts';
import { DOWN_CALLS, DOWN_CALLS_UNANSWERED } from './down-rule.ts';
import { CALLS_SEEN, type EndpointStanding, type OpenNotice, WINDOW_MS } from './standing.ts';

const START = Date.parse('2025-07-08T12:00:00Z');
const ENDPOINTS = ['da', 'rt', 'rt5', 'rt5_verified', 'nodes', 'load'];

const cleanups: (() => Promise<unknown>)[] = [];
let clock: SkippingClock;
beforeEach(() => {
  clock = skippingClock(START);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A vendor that answers everything with one status, which a test sets, and its alerts after each look. */
async function watched({ triesMax = 1, breaker }: { triesMax?: number; breaker?: BreakerSettings } = {}) {
  let status = 200;
  const server = createServer((_, response) => response.writeHead(status).end('data'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/`;
  const { told, ...parts } = sourcePartsOn(clock, TURNS_AT_ONCE);
  const http = createHttpSource({
    ...parts,
    source: 'ISO-NE',
    pacer: parts.turns.of('isone', 0),
    timeoutMs: 5_000,
    bytesMax: 1_000,
    triesMax,
    backoffMs: 1_000,
    backoffMsMax: 10_000,
    ...(breaker && { breaker }),
  });
  cleanups.push(
    () => http.close(),
    () => new Promise((resolve) => server.close(resolve)),
  );
  let open: (AlertPlace & OpenNotice)[] = [];
  const log: string[] = [];
  const look = () => {
    const now = clock.now();
    const { opened, closed } = judge(standingsOf(told, now), open, now);
    open = [
      ...open.filter((each) => !closed.includes(each)),
      ...opened.map((each) => ({ ...each, openedAt: new Date(now) })),
    ];
    log.push(...opened.map((each) => `+${nameOf(each)}`), ...closed.map((each) => `-${nameOf(each)}`));
  };
  return {
    told,
    log,
    look,
    open: () => open.map(nameOf),
    answers: (next: number) => {
      status = next;
    },
    /** Asks the endpoints in turn, a second apart. */
    poll: async (endpoints: readonly string[] = ENDPOINTS) => {
      for (const endpoint of endpoints) {
        await http.get(url, ({ bytes }) => bytes, { endpoint }).catch(() => {});
        clock.advance(1_000);
      }
    },
    isLeftAlone: async () => {
      const calls = told.length;
      await http.get(url, ({ bytes }) => bytes, { endpoint: 'da' }).catch(() => {});
      return told.length === calls;
    },
  };
}

const nameOf = ({ kind, endpoint }: AlertPlace) => `${kind} ${endpoint ?? 'all'}`;

/** As `endpoint-standings.ts` reads them of the store. */
function standingsOf(calls: readonly SourceCall[], now: number): EndpointStanding[] {
  return ENDPOINTS.map((endpoint) => {
    const made = calls.filter((call) => call.endpoint === endpoint && call.at > now - 24 * HOUR_MS).reverse();
    const answers = made.filter(({ outcome, at }) => isAnswered(outcome) && at > now - WINDOW_MS).length;
    const newest = made.slice(0, CALLS_SEEN).map(({ at, outcome, error = null }) => ({ at, outcome, error }));
    return { source: 'ISO-NE', endpoint, newest, answers, p95Ms: null, usualAnswers: 0, usualMs: null };
  });
}

it('alerts open on fewer calls than a source is left alone after', () => {
  for (const { failed, refused } of [BREAKER, TOKEN_BREAKER]) {
    expect(AUTH_CALLS).toBeLessThan(refused.rowMax);
    expect(DOWN_CALLS).toBeLessThan(failed.rowMax);
    expect(DOWN_CALLS_UNANSWERED).toBeLessThan(failed.rowMax);
  }
});

describe('a source all of whose endpoints refuse us', () => {
  it.each([
    ['from the beginning', 0],
    ['after it had answered all', 3],
  ])('has an AUTH alert by its first three calls, %s, and no other', async (_, polls) => {
    const source = await watched();
    for (let poll = 0; poll < polls; poll += 1) await source.poll();
    source.answers(401);
    const before = source.told.length;
    await source.poll();
    expect(source.told.length - before).toBe(3);
    source.look();
    expect(source.open()).toEqual(['AUTH all']);
  });

  it('keeps it while it is left alone for hours, and closes it once when it knows us again', async () => {
    const source = await watched();
    source.answers(401);
    for (let minute = 0; minute < 5 * 60; minute += 1) {
      await source.poll();
      source.look();
      expect(source.open()).toEqual(['AUTH all']);
      clock.advance(MINUTE_MS - ENDPOINTS.length * 1_000);
    }
    expect(source.told.length).toBeLessThan(10);
    source.answers(200);
    for (let minute = 0; minute < 4 * 60; minute += 1) {
      await source.poll();
      source.look();
      clock.advance(MINUTE_MS);
    }
    expect(source.log).toEqual(['+AUTH all', '-AUTH all']);
  });
});

describe('a source all of whose endpoints fail', () => {
  it.each([
    ['from the beginning', 1, 0],
    ['after it had answered all', 1, 3],
    ['from the beginning, five tries each', 5, 0],
    ['after it had answered all, five tries each', 5, 3],
    ['after it had answered all, three tries each', 3, 3],
  ])('has a DOWN alert when it is left alone, %s', async (_, triesMax, polls) => {
    const source = await watched({ triesMax });
    for (let poll = 0; poll < polls; poll += 1) await source.poll();
    source.answers(500);
    const before = source.told.length;
    while (!(await source.isLeftAlone())) await source.poll(['rt', 'rt5', 'nodes']);
    expect(source.told.length - before).toBeLessThanOrEqual(BREAKER.failed.rowMax);
    source.look();
    expect(source.open().some((each) => each.startsWith('DOWN'))).toBe(true);
  });

  it('has it at its third call where it is asked seldom', async () => {
    const source = await watched();
    source.answers(500);
    for (const endpoint of ['da', 'rt', 'rt5']) {
      source.look();
      expect(source.open()).toEqual([]);
      await source.poll([endpoint]);
      clock.advance(5 * MINUTE_MS);
    }
    source.look();
    expect(source.open()).toEqual(['DOWN all']);
  });

  it('keeps it while it is left alone, and closes it once when it answers again', async () => {
    const source = await watched({ triesMax: 3 });
    source.answers(503);
    for (let minute = 0; minute < 180; minute += 1) {
      await source.poll();
      source.look();
      expect(source.open()).toEqual(['DOWN all']);
      clock.advance(MINUTE_MS);
    }
    expect(source.told.length).toBeLessThan(40);
    source.answers(200);
    for (let minute = 0; minute < 60; minute += 1) {
      await source.poll();
      source.look();
      clock.advance(MINUTE_MS);
    }
    expect(source.log).toEqual(['+DOWN all', '-DOWN all']);
  });

  it('does not lose it to one answer and another failure', async () => {
    const source = await watched();
    source.answers(503);
    await source.poll();
    source.look();
    for (const status of [200, 503, 200, 503]) {
      source.answers(status);
      await source.poll(['da']);
      source.look();
      clock.advance(5 * MINUTE_MS);
    }
    expect(source.log).toEqual(['+DOWN all']);
  });
});
