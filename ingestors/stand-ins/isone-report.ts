import type { Temporal } from 'temporal-polyfill';
import { noise } from './noise.ts';
import { pricePartsOf } from './price-shape.ts';

/** The reports of the ISO-NE stand-in: simulated prices in the shape of the real ones, the same for the same seed. */
export interface StandInReport {
  readonly list: string;
  readonly row: string;
  readonly minutes: number;
  /** What the prices of the report are made of: two that share it tell of the same market. */
  readonly market: string;
  readonly final: boolean;
  /** When the interval that begins then is published, milliseconds UTC. */
  readonly publishedAt: (start: Temporal.ZonedDateTime) => number;
}

export interface StandInLocation {
  readonly id: string;
  readonly type: string;
  readonly name: string;
}

export const STAND_IN_LOCATIONS: readonly StandInLocation[] = [
  { id: '4000', type: 'HUB', name: '.H.INTERNAL_HUB' },
  { id: '4001', type: 'LOAD ZONE', name: '.Z.MAINE' },
  { id: '4008', type: 'LOAD ZONE', name: '.Z.NEMASSBOST' },
  { id: '4011', type: 'EXT. NODE', name: '.I.ROSETON 345 1' },
  { id: '321', type: 'NETWORK NODE', name: 'UN.FRNKLNSQ13.810CC' },
];

const HOURLY = { list: 'HourlyLmps', row: 'HourlyLmp', minutes: 60 };
const FIVE_MINUTE = { list: 'FiveMinLmps', row: 'FiveMinLmp', minutes: 5 };

/** Day-ahead prices of a day come at 13:00 of the day before, final ones at noon two days later. */
const dayBefore = (start: Temporal.ZonedDateTime) => atHour(start, -1, 13);
const twoDaysLater = (start: Temporal.ZonedDateTime) => atHour(start, 2, 12);
const minutesLater = (minutes: number) => (start: Temporal.ZonedDateTime) => start.add({ minutes }).epochMilliseconds;

export const STAND_IN_REPORTS: Readonly<Record<string, StandInReport>> = {
  'hourlylmp/da/final': { ...HOURLY, market: 'da', final: true, publishedAt: dayBefore },
  'hourlylmp/rt/prelim': { ...HOURLY, market: 'rt', final: false, publishedAt: minutesLater(70) },
  'hourlylmp/rt/final': { ...HOURLY, market: 'rt', final: true, publishedAt: twoDaysLater },
  'fiveminutelmp/prelim': { ...FIVE_MINUTE, market: 'rt5', final: false, publishedAt: minutesLater(8) },
  'fiveminutelmp/final': { ...FIVE_MINUTE, market: 'rt5', final: true, publishedAt: twoDaysLater },
};

export interface Prices {
  readonly LmpTotal: number;
  readonly EnergyComponent: number;
  readonly CongestionComponent: number;
  readonly LossComponent: number;
}

/** Prices in cents, so that the sum is exact. The review that makes a price final changes about one in eight. */
export function simulatedPrices(
  seed: number,
  { market, final }: Pick<StandInReport, 'market' | 'final'>,
  id: string,
  startMs: number,
): Prices {
  const parts = pricePartsOf({ market: 'ISONE', ahead: market === 'da', place: id, startMs, seed });
  const settled = market === 'rt' ? noise(`${seed}|${id}|${startMs}`) - 0.5 : 0;
  const reviewed = final && market !== 'da' && noise(`${id}|${startMs}|reviewed`) > 0.875 ? 25 : 0;
  // Adding 0 makes -0 an ordinary 0.
  const energy = Math.round((parts.energy + settled) * 100) + 0;
  const congestion = Math.round(parts.congestion * 100) + reviewed + 0;
  const loss = Math.round(parts.loss * 100) + 0;
  return {
    LmpTotal: (energy + congestion + loss) / 100,
    EnergyComponent: energy / 100,
    CongestionComponent: congestion / 100,
    LossComponent: loss / 100,
  };
}

/** The answer for a day: as everywhere in JSON made from XML, one row stands without its array and none is a blank text. */
export function answerOf(
  report: StandInReport,
  locations: readonly StandInLocation[],
  day: Temporal.PlainDate,
  now: number,
  seed: number,
): string {
  const starts = startsIn(report, day).filter((start) => report.publishedAt(start) <= now);
  const rows = locations.flatMap(({ id, type, name }) =>
    starts.map((start) => ({
      BeginDate: start.toString({ timeZoneName: 'never', fractionalSecondDigits: 3 }),
      Location: { '@LocId': id, '@LocType': type, $: name },
      ...simulatedPrices(seed, report, id, start.epochMilliseconds),
    })),
  );
  if (rows.length === 0) return JSON.stringify({ [report.list]: '' });
  return JSON.stringify({ [report.list]: { [report.row]: rows.length === 1 ? rows[0] : rows } });
}

function startsIn({ minutes }: StandInReport, day: Temporal.PlainDate): readonly Temporal.ZonedDateTime[] {
  const first = day.toZonedDateTime(ZONE);
  const end = day.add({ days: 1 }).toZonedDateTime(ZONE);
  const count = (end.epochMilliseconds - first.epochMilliseconds) / (minutes * 60_000);
  return Array.from({ length: count }, (_, i) => first.add({ minutes: i * minutes }));
}

const ZONE = 'America/New_York';

function atHour(start: Temporal.ZonedDateTime, days: number, hour: number): number {
  return start.toPlainDate().add({ days }).toZonedDateTime({ timeZone: ZONE, plainTime: { hour } }).epochMilliseconds;
}
