import { describe, expect, it } from 'vitest';
import { daysIn, instantsAt, startOfDate, startOfDay, wallTimeAt } from './calendar.ts';
import { HOUR_MS } from './instant.ts';

const EASTERN = 'America/New_York';

describe('wall times', () => {
  it('come once, twice in the repeated hour, and not at all in the one left out', () => {
    const at = (month: number, day: number, hour: number) =>
      instantsAt(EASTERN, { year: 2024, month, day, hour, minute: 30 }).map((instant) =>
        new Date(instant).toISOString(),
      );
    expect(at(7, 1, 1)).toEqual(['2024-07-01T05:30:00.000Z']);
    expect(at(11, 3, 1)).toEqual(['2024-11-03T05:30:00.000Z', '2024-11-03T06:30:00.000Z']);
    expect(at(3, 10, 2)).toEqual([]);
    expect(instantsAt(EASTERN, { year: 2023, month: 2, day: 29, hour: 1, minute: 0 })).toEqual([]);
  });

  it('are shown again by the instants they came from', () => {
    for (let hour = 0; hour < 8_784; hour++) {
      const instant = Date.UTC(2024, 0, 1) + hour * HOUR_MS;
      expect(instantsAt(EASTERN, wallTimeAt(EASTERN, instant))).toContain(instant);
    }
  });
});

describe('days', () => {
  it('have 23, 24 or 25 hours, and follow each other without a gap', () => {
    const days = daysIn(EASTERN, Date.UTC(2024, 0, 1, 12), Date.UTC(2025, 0, 1, 12));
    const lengths = days.map(({ from, to }) => (to - from) / HOUR_MS);
    expect(lengths.filter((hours) => hours !== 24)).toEqual([23, 25]);
    expect(days.slice(1).every(({ from }, place) => from === days[place]?.to)).toBe(true);
    expect(days).toHaveLength(367);
  });

  it('have none of another zone where the zone has no daylight saving', () => {
    const lengths = daysIn('Etc/GMT+5', Date.UTC(2024, 0, 1), Date.UTC(2025, 0, 1)).map(({ from, to }) => to - from);
    expect(new Set(lengths)).toEqual(new Set([24 * HOUR_MS]));
  });

  it('begin at midnight', () => {
    expect(startOfDate(EASTERN, { year: 2024, month: 3, day: 10 })).toBe(Date.UTC(2024, 2, 10, 5));
    expect(startOfDay(EASTERN, Date.UTC(2024, 2, 10, 20), 1)).toBe(Date.UTC(2024, 2, 11, 4));
    expect(() => startOfDate(EASTERN, { year: 2024, month: 2, day: 30 })).toThrow(RangeError);
  });
});
