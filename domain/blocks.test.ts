import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCKS, isInBlock, isOnPeak } from './blocks.ts';
import { HOUR_MS, MINUTE_MS } from './instant.ts';
import { MARKETS, marketById } from './market.ts';
import { isWrittenOnPeak } from './market-clock.cases.ts';

const FROM = Date.UTC(1998, 0, 1);
const TO = Date.UTC(2041, 0, 1);

describe.each(MARKETS)('the blocks of $id (RULES 5)', (market) => {
  it('have the hours that the rules write down, in every hour of 1998 to 2040', () => {
    const wrong: string[] = [];
    for (let hour = FROM; hour < TO; hour += HOUR_MS) {
      if (isOnPeak(market, hour) !== isWrittenOnPeak(market.id, hour)) wrong.push(new Date(hour).toISOString());
    }
    expect(wrong).toEqual([]);
  });

  it('divide all hours between them: on-peak and off-peak are ATC', () => {
    const instants = fc.integer({ min: FROM, max: TO });
    fc.assert(
      fc.property(instants, (instant) => {
        const [atc, onPeak, offPeak] = BLOCKS.map((block) => isInBlock(market, block, instant));
        return atc === true && onPeak !== offPeak;
      }),
      { numRuns: 1_000 },
    );
  });

  it('are the same for all parts of an hour', () => {
    fc.assert(
      fc.property(fc.integer({ min: FROM / HOUR_MS, max: TO / HOUR_MS }), fc.nat(59), (hour, minute) => {
        return isOnPeak(market, hour * HOUR_MS) === isOnPeak(market, hour * HOUR_MS + minute * MINUTE_MS);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('on-peak hours', () => {
  it('begin and end as the rules say, on an ordinary day and on the day after the clocks changed', () => {
    const hours = (id: string, from: string) => {
      const market = marketById(id);
      const instants = Array.from({ length: 24 }, (_, hour) => Date.parse(from) + hour * HOUR_MS);
      const found = instants.filter((instant) => market && isOnPeak(market, instant));
      return [
        found.length,
        ...[found[0], found.at(-1)].map((each) => each && new Date(each).toISOString().slice(5, 13)),
      ];
    };
    expect(hours('PJM', '2024-07-03T04:00Z')).toEqual([16, '07-03T11', '07-04T02']);
    expect(hours('PJM', '2024-03-11T04:00Z')).toEqual([16, '03-11T11', '03-12T02']);
    expect(hours('ERCOT', '2024-11-04T06:00Z')).toEqual([16, '11-04T12', '11-05T03']);
    expect(hours('CAISO', '2024-07-06T07:00Z')).toEqual([16, '07-06T13', '07-07T04']);
    expect(hours('MISO', '2024-07-03T05:00Z')).toEqual([16, '07-03T11', '07-04T02']);
    expect(hours('MISO', '2024-07-04T05:00Z')).toEqual([0, undefined, undefined]);
    expect(hours('PJM', '2024-07-06T04:00Z')).toEqual([0, undefined, undefined]);
  });

  it('of MISO are what the contract says where it says something else', () => {
    const miso = marketById('MISO');
    const contract = { firstHourEnding: 8, lastHourEnding: 23, lastWeekday: 5 };
    const at = (iso: string) => miso && [isOnPeak(miso, Date.parse(iso)), isOnPeak(miso, Date.parse(iso), contract)];
    expect(at('2024-07-03T11:00Z')).toEqual([true, false]);
    expect(at('2024-07-04T03:00Z')).toEqual([false, true]);
    expect(at('2024-07-03T15:00Z')).toEqual([true, true]);
  });
});
