import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hourEndingOf, intervalOf, intervalsOfDay, labelOf } from './hour-ending.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './instant.ts';
import { MARKETS, type Market, marketById } from './market.ts';
import { writtenWallTime } from './market-clock.cases.ts';

const DAY_FIRST = Date.UTC(1998, 0, 1) / DAY_MS;
const DAY_LAST = Date.UTC(2040, 11, 31) / DAY_MS;

const days = fc.integer({ min: DAY_FIRST, max: DAY_LAST });
const dayOf = (iso: string) => Date.parse(`${iso}T00:00Z`) / DAY_MS;
const isoOf = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);

function market(id: string): Market {
  const found = marketById(id);
  if (!found) throw new Error(`no market ${id}`);
  return found;
}

function labels(id: string, day: string): string[] {
  return intervalsOfDay(market(id), dayOf(day), 60).map(({ startAt }) => hourEndingOf(market(id), startAt));
}

/** `01` to `24` as the rule books count them, where the clock does this. */
const ORDINARY = Array.from({ length: 24 }, (_, hour) => String(hour + 1).padStart(2, '0'));
const SPRING = ORDINARY.filter((label) => label !== '03');
const AUTUMN = ['01', '02', '02*', ...ORDINARY.slice(2)];

describe.each(MARKETS)('the hours of $id from 1998 to 2040 (RULES 4)', (each) => {
  it('have each one label, in the order of the clock, 23, 24 or 25 in a day', () => {
    const odd: string[] = [];
    let at = intervalsOfDay(each, DAY_FIRST, 60)[0]?.startAt ?? Number.NaN;
    for (let day = DAY_FIRST; day <= DAY_LAST; day++) {
      const found: string[] = [];
      for (; labelOf(each, at, 60).operatingDay === day; at += HOUR_MS) found.push(hourEndingOf(each, at));
      // By the written rules noon is never in an hour that is left out or repeated, and tells the offset before and after.
      const noon = (of: number) => writtenWallTime(each.id, of * DAY_MS + 18 * HOUR_MS).getUTCHours();
      const gained = noon(day - 1) - noon(day);
      const written = gained === 0 ? ORDINARY : gained < 0 ? SPRING : AUTUMN;
      if (found.join() !== written.join()) odd.push(`${isoOf(day)}: ${found}`);
    }
    expect(odd).toEqual([]);
  });

  it('come back from their labels, every one of a day that has not 24 of them', () => {
    for (let day = DAY_FIRST; day <= DAY_LAST; day++) {
      if (new Date(day * DAY_MS).getUTCDay() !== 0) continue;
      const hours = intervalsOfDay(each, day, 60);
      if (hours.length === 24) continue;
      for (const hour of hours) expect(intervalOf(each, labelOf(each, hour.startAt, 60), 60)).toEqual(hour);
    }
  });

  it('and their parts come back from their labels', () => {
    const lengths = fc.constantFrom(60, 30, 15, 5);
    fc.assert(
      fc.property(days, lengths, fc.nat(), (day, minutes, which) => {
        const intervals = intervalsOfDay(each, day, minutes);
        const interval = intervals[which % intervals.length];
        const label = labelOf(each, interval?.startAt ?? Number.NaN, minutes);
        expect(label.operatingDay).toBe(day);
        expect(intervalOf(each, label, minutes)).toEqual(interval);
      }),
      { numRuns: 300 },
    );
  });

  it('fill their days without gap or overlap', () => {
    fc.assert(
      fc.property(days, fc.constantFrom(60, 15, 5), (day, minutes) => {
        const intervals = [...intervalsOfDay(each, day, minutes), ...intervalsOfDay(each, day + 1, minutes)];
        const starts = intervals.map(({ startAt }) => startAt);
        const stepMs = minutes * MINUTE_MS;
        expect(starts).toEqual(starts.map((_, place) => (starts[0] ?? 0) + place * stepMs));
        expect(intervals.map(({ endAt }) => endAt)).toEqual(starts.map((start) => start + stepMs));
        const names = intervals.map(({ startAt }) => JSON.stringify(labelOf(each, startAt, minutes)));
        expect(new Set(names).size).toBe(names.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the hours of a day', () => {
  it.each([
    ['PJM', '2006-04-02', SPRING],
    ['PJM', '2006-10-29', AUTUMN],
    ['PJM', '2007-03-11', SPRING],
    ['PJM', '2007-04-01', ORDINARY],
    ['PJM', '2007-10-28', ORDINARY],
    ['PJM', '2007-11-04', AUTUMN],
    ['CAISO', '2024-03-10', SPRING],
    ['ERCOT', '2024-11-03', AUTUMN],
    ['MISO', '2024-03-10', ORDINARY],
    ['MISO', '2024-11-03', ORDINARY],
  ])('of %s on %s are as the law of that year has them', (id, day, written) => {
    expect(labels(id, day)).toEqual(written);
  });

  it('tell the repeated one from the first', () => {
    const at = (iso: string) => hourEndingOf(market('PJM'), Date.parse(iso));
    expect(at('2024-11-03T05:59:59.999Z')).toBe('02');
    expect(at('2024-11-03T06:00Z')).toBe('02*');
    expect(at('2024-11-03T07:00Z')).toBe('03');
  });

  it('have settlement periods by the quarter of an hour: 92, 96 or 100', () => {
    const count = (day: string) => intervalsOfDay(market('ERCOT'), dayOf(day), 15).length;
    expect([count('2024-03-10'), count('2024-07-04'), count('2024-11-03')]).toEqual([92, 96, 100]);
    expect(labelOf(market('ERCOT'), Date.parse('2024-11-03T07:30Z'), 15)).toEqual({
      operatingDay: dayOf('2024-11-03'),
      hourEnding: '02*',
      place: 3,
    });
  });
});

describe('a label', () => {
  const placed = (day: string, hourEnding: string, place = 1, minutes = 60) =>
    intervalOf(market('PJM'), { operatingDay: dayOf(day), hourEnding, place }, minutes);

  it.each([
    ['the hour that is left out', '2024-03-10', '03'],
    ['a repeated hour on a day that repeats none', '2024-11-04', '02*'],
    ['another hour as repeated', '2024-11-03', '03*'],
    ['hour 25, which is CAISO’s own way', '2024-11-03', '25'],
    ['hour 0', '2024-11-03', '00'],
    ['an hour of one digit', '2024-11-03', '2'],
    ['nothing', '2024-11-03', ''],
  ])('names no interval where it is %s', (_what, day, hourEnding) => {
    expect(placed(day, hourEnding)).toBeUndefined();
  });

  it('names no interval beyond its hour', () => {
    expect(placed('2024-07-04', '08', 4, 15)?.startAt).toBe(Date.parse('2024-07-04T11:45Z'));
    for (const place of [0, 5, 1.5, -1]) expect(placed('2024-07-04', '08', place, 15)).toBeUndefined();
  });

  it('is of intervals that fill an hour', () => {
    for (const minutes of [0, -5, 7, 120, Number.NaN]) {
      expect(() => labelOf(market('PJM'), 0, minutes)).toThrow(RangeError);
    }
  });
});
