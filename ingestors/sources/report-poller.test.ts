import { describe, expect, test } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import { DAY_MS, HOUR_MS, isoFromInstant } from '../../domain/instant.ts';
import { type SkippingClock, skippingClock } from '../../tests/support/source-parts.ts';
import type { Fetched } from '../feed.ts';
import {
  createReportPoller,
  type ReportAnswer,
  type ReportRequest,
  type ReportSource,
  reportChunks,
} from './report-poller.ts';

const at = (iso: string) => Date.parse(iso);
const NOW = at('2026-06-01T12:07Z');
const never = new AbortController().signal;

const REPORTS = {
  /** Hours, settled two hours after their end. */
  real: { run: 'REAL_TIME_HOURLY', publishedAheadMs: 0, settlesAfterMs: 2 * HOUR_MS },
  /** Days ahead, each said at once. */
  ahead: { run: 'DAY_AHEAD_HOURLY', publishedAheadMs: 12 * HOUR_MS, settlesAfterMs: 0 },
  /** Final prices, some days later, each day whole. */
  final: { run: 'REAL_TIME_HOURLY', publishedAheadMs: 0, settlesAfterMs: 3 * DAY_MS, whole: true },
} as const;

type Name = keyof typeof REPORTS;

const DATA: ReportAnswer = { bytes: Buffer.from('data') };
const NOTHING: ReportAnswer = { bytes: Buffer.from('nothing'), noData: true };
const DAMAGED: ReportAnswer = { bytes: Buffer.from('dam'), damaged: true };

interface Vendor {
  /** How long the intervals of one request are. */
  readonly stepMs?: number;
  /** How many requests there are for the same intervals. */
  readonly each?: number;
  readonly lookbackMs?: number;
  answer?(request: string, signal: AbortSignal): ReportAnswer | Promise<ReportAnswer>;
}

/** A vendor whose requests are called by their beginning: `06-01T10:00`, and `06-01T10:00#2` where there are several. */
function begin({ stepMs = HOUR_MS, each = 1, lookbackMs = DAY_MS, answer = () => DATA }: Vendor = {}) {
  const clock: SkippingClock = skippingClock(NOW);
  const asked: string[] = [];
  const source: ReportSource<Name> = {
    vendor: 'the vendor',
    reports: REPORTS,
    requestsFor: (_, { from, to }) => {
      const requests: ReportRequest[] = [];
      for (let start = Math.floor(from / stepMs) * stepMs; start < to; start += stepMs) {
        for (let n = 1; n <= each; n += 1)
          requests.push({ from: start, to: start + stepMs, request: nameOf(start, each > 1 ? n : undefined) });
      }
      return requests;
    },
    isRequest: (_, request) => /^\d\d-\d\dT\d\d:\d\d$/.test(request),
    ask: async (_, request, signal) => {
      asked.push(request);
      return answer(request, signal);
    },
    lookbackMs,
    clock,
    close: async () => {},
  };
  const poller = createReportPoller(source);
  const poll = async (name: string, position?: number, signal = never) => {
    const fetched: Fetched[] = [];
    for await (const answered of poller.poll(name, position, clock.now(), signal)) fetched.push(answered);
    return fetched;
  };
  return { source, poller, poll, clock, asked };
}

function nameOf(start: number, n?: number): string {
  return `${isoFromInstant(start).slice(5, 16)}${n === undefined ? '' : `#${n}`}`;
}

/** What was fetched, and where the position then is. */
function steps(fetched: readonly Fetched[]): string[] {
  return fetched.map(({ request, next }) => `${request} → ${isoFromInstant(next).slice(5, 16)}`);
}

describe('the position', () => {
  test('follows what is settled, and the rest is asked for again by the next poll', async () => {
    const { poll, clock, asked } = begin();
    const first = await poll('real', at('2026-06-01T08:00Z'));
    expect(steps(first)).toEqual([
      '06-01T08:00 → 06-01T09:00',
      '06-01T09:00 → 06-01T10:00',
      '06-01T10:00 → 06-01T10:00',
      '06-01T11:00 → 06-01T10:00',
      '06-01T12:00 → 06-01T10:00',
    ]);
    asked.length = 0;
    clock.advance(HOUR_MS);
    const second = await poll('real', first.at(-1)?.next);
    expect(asked).toEqual(['06-01T10:00', '06-01T11:00', '06-01T12:00', '06-01T13:00']);
    expect(isoFromInstant(second.at(-1)?.next ?? 0)).toBe('2026-06-01T11:00:00.000Z');
  });

  test('never goes back, whatever is asked for', async () => {
    const { poll } = begin({ stepMs: DAY_MS });
    const ahead = at('2026-06-01T11:00Z');
    expect((await poll('real', ahead)).map(({ next }) => next)).toEqual([ahead]);
  });

  test('begins as far back as the settings say, at the beginning of an interval', async () => {
    const { poll, asked } = begin({ lookbackMs: 3 * HOUR_MS });
    await poll('real');
    expect(asked[0]).toBe('06-01T09:00');
  });

  test('begins further back where a report settles later than that: it would never be asked for what is there', async () => {
    const { poll, asked } = begin({ lookbackMs: HOUR_MS, stepMs: DAY_MS });
    await poll('final');
    expect(asked).toEqual(['05-29T00:00', '05-30T00:00', '05-31T00:00', '06-01T00:00']);
  });

  test('of a report of days to come passes what has come of them', async () => {
    const { poll } = begin({ stepMs: 12 * HOUR_MS });
    expect(steps(await poll('ahead', at('2026-06-02T00:00Z')))).toEqual(['06-02T00:00 → 06-02T12:00']);
  });
});

describe('what is missing', () => {
  const without =
    (...missing: readonly string[]) =>
    (request: string) =>
      missing.includes(request) ? NOTHING : DATA;

  test('and may yet come holds back all that follows it', async () => {
    const { poll } = begin({ answer: without('06-01T10:00') });
    expect(steps(await poll('real', at('2026-06-01T09:00Z')))).toEqual([
      '06-01T09:00 → 06-01T10:00',
      '06-01T11:00 → 06-01T10:00',
      '06-01T12:00 → 06-01T10:00',
    ]);
  });

  test('holds back days to come as well, and is asked for until it is there', async () => {
    let missing = true;
    const day = 12 * HOUR_MS;
    const { poll, clock } = begin({
      stepMs: day,
      answer: (name) => (missing && name === '06-02T00:00' ? NOTHING : DATA),
    });
    clock.advance(day);
    const position = at('2026-06-02T00:00Z');
    expect(steps(await poll('ahead', position))).toEqual(['06-02T12:00 → 06-02T00:00']);
    missing = false;
    expect(steps(await poll('ahead', position))).toEqual(['06-02T00:00 → 06-02T00:00', '06-02T12:00 → 06-03T00:00']);
  });

  test('is passed once it is settled, and is then told of, so that the ledger shows that it was asked for', async () => {
    const { poll } = begin({ answer: without('06-01T08:00', '06-01T11:00') });
    const [gap, ...others] = await poll('real', at('2026-06-01T08:00Z'));
    expect(gap).toMatchObject({
      request: '06-01T08:00',
      next: at('2026-06-01T09:00Z'),
      payload: { name: 'real', bytes: NOTHING.bytes },
      asked: { from: at('2026-06-01T08:00Z'), to: at('2026-06-01T09:00Z') },
    });
    expect(others.map(({ request }) => request)).toEqual(['06-01T09:00', '06-01T10:00', '06-01T12:00']);
  });

  test('as what cannot be read is told of at once, and holds back likewise', async () => {
    const { poll } = begin({ answer: (name) => (name === '06-01T10:00' ? DAMAGED : DATA), stepMs: HOUR_MS });
    expect(steps(await poll('real', at('2026-06-01T09:00Z'))).slice(1)).toEqual([
      '06-01T10:00 → 06-01T10:00',
      '06-01T11:00 → 06-01T10:00',
      '06-01T12:00 → 06-01T10:00',
    ]);
  });
});

describe('a report that says each day whole', () => {
  test('is settled with its data, however young', async () => {
    const { poll } = begin({ stepMs: DAY_MS });
    expect(steps(await poll('final', at('2026-05-30T00:00Z')))).toEqual([
      '05-30T00:00 → 05-31T00:00',
      '05-31T00:00 → 06-01T00:00',
      '06-01T00:00 → 06-02T00:00',
    ]);
  });

  test.each([
    ['missing', NOTHING],
    ['damaged', DAMAGED],
  ])('waits for a day that is %s', async (_, wanting) => {
    const { poll } = begin({ stepMs: DAY_MS, answer: (name) => (name === '05-31T00:00' ? wanting : DATA) });
    const fetched = await poll('final', at('2026-05-30T00:00Z'));
    expect(isoFromInstant(fetched.at(-1)?.next ?? 0)).toBe('2026-05-31T00:00:00.000Z');
  });
});

describe('several requests for the same intervals', () => {
  test('are done with the last of them', async () => {
    const { poll } = begin({ each: 2 });
    expect(steps(await poll('real', at('2026-06-01T08:00Z'))).slice(0, 4)).toEqual([
      '06-01T08:00#1 → 06-01T08:00',
      '06-01T08:00#2 → 06-01T09:00',
      '06-01T09:00#1 → 06-01T09:00',
      '06-01T09:00#2 → 06-01T10:00',
    ]);
  });

  test('are held back by any of them that is missing', async () => {
    const { poll } = begin({ each: 2, answer: (name) => (name === '06-01T10:00#1' ? NOTHING : DATA) });
    const fetched = await poll('real', at('2026-06-01T09:00Z'));
    expect(isoFromInstant(fetched.at(-1)?.next ?? 0)).toBe('2026-06-01T10:00:00.000Z');
  });
});

describe('an answer', () => {
  test('was published when the vendor says so, else when it came', async () => {
    const { poll } = begin({ answer: (name) => (name === '06-01T11:00' ? { ...DATA, publishedAt: 7 } : DATA) });
    expect((await poll('real', at('2026-06-01T11:00Z'))).map(({ publishedAt }) => publishedAt)).toEqual([7, NOW]);
  });

  test('to a request that reaches back before the position is asked for from there on', async () => {
    const { poll } = begin({ stepMs: DAY_MS });
    const [fetched] = await poll('real', at('2026-06-01T09:00Z'));
    expect(fetched?.asked).toEqual({ from: at('2026-06-01T09:00Z'), to: at('2026-06-02T00:00Z') });
  });
});

describe('a poll that is ended', () => {
  test.each(['aborted', 'closed'] as const)('because it is %s ends quietly, with what it has', async (how) => {
    const polling = new AbortController();
    const { poll, poller, asked } = begin({
      answer: async (name, signal) => {
        if (name !== '06-01T10:00') return DATA;
        if (how === 'aborted') polling.abort(new Error('enough'));
        else await poller.close();
        signal.throwIfAborted();
        return DATA;
      },
    });
    expect(steps(await poll('real', at('2026-06-01T09:00Z'), polling.signal))).toEqual(['06-01T09:00 → 06-01T10:00']);
    expect(asked).toEqual(['06-01T09:00', '06-01T10:00']);
  });

  test('while an answer is committed asks for nothing more', async () => {
    const polling = new AbortController();
    const { poller, asked } = begin();
    for await (const _ of poller.poll('real', at('2026-06-01T08:00Z'), NOW, polling.signal)) polling.abort();
    expect(asked).toEqual(['06-01T08:00']);
  });

  test('by an error of the source fails with it, and asks for nothing behind it', async () => {
    const { poll, asked } = begin({
      answer: (name) => {
        if (name === '06-01T10:00') throw new BusbarError('SOURCE_FAILED', 'the vendor is away');
        return DATA;
      },
    });
    await expect(poll('real', at('2026-06-01T09:00Z'))).rejects.toThrow('the vendor is away');
    expect(asked).toEqual(['06-01T09:00', '06-01T10:00']);
  });
});

describe('a request of a job', () => {
  test('is asked, and answered with what it was', async () => {
    const { poller } = begin({ answer: () => NOTHING });
    const answer = await poller.fetch('real', '06-01T10:00', never);
    expect(answer).toEqual({
      payload: { name: 'real', bytes: NOTHING.bytes },
      request: '06-01T10:00',
      publishedAt: NOW,
    });
  });

  test('is broken off where the poller is closed', async () => {
    const { poller } = begin({
      answer: async (_, signal) => {
        await poller.close();
        signal.throwIfAborted();
        return DATA;
      },
    });
    await expect(poller.fetch('real', '06-01T10:00', never)).rejects.toThrow('aborted');
  });

  test.each([
    ['real', 'https://elsewhere.example/x', 'this is no request to the vendor for real: https://elsewhere.example/x'],
    ['unreal', '06-01T10:00', 'the vendor has no "unreal": ask for one of real, ahead, final'],
    ['toString', '06-01T10:00', 'the vendor has no "toString"'],
  ])('for %s that is foreign, %s, is not asked', async (partition, request, message) => {
    const { poller, asked } = begin();
    const fetching = poller.fetch(partition, request, never);
    await expect(fetching).rejects.toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringContaining(message) });
    expect(asked).toEqual([]);
  });

  test('is planned for partitions that there are', () => {
    const { source } = begin();
    const range = { from: at('2026-06-01T10:00Z'), to: at('2026-06-01T12:00Z'), nodes: undefined };
    expect(reportChunks(source, 'real', range).map(({ request }) => request)).toEqual(['06-01T10:00', '06-01T11:00']);
    expect(() => reportChunks(source, 'unreal', range)).toThrow('the vendor has no "unreal"');
  });
});
