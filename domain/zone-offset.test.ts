import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from './instant.ts';
import { MARKETS } from './market.ts';
import { writtenWallTime } from './market-clock.cases.ts';
import { offsetMsAt } from './zone-offset.ts';

const FROM = Date.UTC(1998, 0, 1);
const TO = Date.UTC(2041, 0, 1);

describe('the offset of a zone', () => {
  it.each(MARKETS)('is what the law makes it in every hour of 1998 to 2040: $id (RULES 4)', ({ id, timeZone }) => {
    const wrong: string[] = [];
    for (let hour = FROM; hour < TO; hour += HOUR_MS) {
      const written = writtenWallTime(id, hour).getTime() - hour;
      if (offsetMsAt(timeZone, hour) !== written) wrong.push(new Date(hour).toISOString());
    }
    expect(wrong).toEqual([]);
  });

  it('is what the calendar says at any millisecond, in zones of odd offsets and changes too', () => {
    const zones = fc.constantFrom(
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
      'America/St_Johns',
      'UTC',
    );
    const instants = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2100, 0, 1) });
    fc.assert(
      fc.property(zones, instants, (zone, instant) => {
        const zoned = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone);
        return offsetMsAt(zone, instant) === zoned.offsetNanoseconds / 1e6;
      }),
      { numRuns: 2_000 },
    );
  });

  it('changes at the very millisecond', () => {
    const springs = Date.UTC(2024, 2, 10, 7);
    expect(offsetMsAt('America/New_York', springs - 1)).toBe(-5 * HOUR_MS);
    expect(offsetMsAt('America/New_York', springs)).toBe(-4 * HOUR_MS);
  });

  it('is told though more days were asked for than are kept', () => {
    for (let day = 0; day < 20_001; day++) offsetMsAt('Etc/GMT+5', day * DAY_MS);
    expect(offsetMsAt('Etc/GMT+5', 0)).toBe(-5 * HOUR_MS);
  });
});
