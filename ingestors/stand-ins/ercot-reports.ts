import { Temporal } from 'temporal-polyfill';
import { noise } from './noise.ts';
import { pricePartsOf } from './price-shape.ts';

/**
 * The reports of the ERCOT stand-in: simulated prices in the fields of the real ones. The same seed, settlement point and
 * instant give the same price in every request.
 */
export interface StandInReport {
  readonly emil: string;
  readonly endpoint: string;
  readonly name: string;
  readonly fields: readonly (readonly [name: string, dataType: string])[];
  readonly filter: 'deliveryDate' | 'SCEDTimestamp';
  readonly minutes: number;
  /** The default order of rows, as `_meta` tells it. */
  readonly sortedBy: string;
}

const POINT = ['settlementPoint', 'VARCHAR'] as const;
const DATE = ['deliveryDate', 'DATE'] as const;
const FLAG = ['DSTFlag', 'BOOLEAN'] as const;

export const ERCOT_REPORTS: readonly StandInReport[] = [
  {
    emil: 'NP4-190-CD',
    endpoint: 'dam_stlmnt_pnt_prices',
    name: 'DAM Settlement Point Prices',
    fields: [DATE, ['hourEnding', 'VARCHAR'], POINT, ['settlementPointPrice', 'DOUBLE'], FLAG],
    filter: 'deliveryDate',
    minutes: 60,
    sortedBy: 'deliveryDate: DESC,hourEnding: ASC,settlementPoint: ASC',
  },
  {
    emil: 'NP6-905-CD',
    endpoint: 'spp_node_zone_hub',
    name: 'Settlement Point Prices at Resource Nodes, Hubs and Load Zones',
    fields: [
      DATE,
      ['deliveryHour', 'INTEGER'],
      ['deliveryInterval', 'INTEGER'],
      POINT,
      ['settlementPointType', 'VARCHAR'],
      ['settlementPointPrice', 'DOUBLE'],
      FLAG,
    ],
    filter: 'deliveryDate',
    minutes: 15,
    sortedBy: 'deliveryDate: DESC,deliveryHour: ASC,deliveryInterval: ASC',
  },
  {
    emil: 'NP6-788-CD',
    endpoint: 'lmp_node_zone_hub',
    name: 'LMPs by Resource Nodes, Load Zones and Trading Hubs',
    fields: [['SCEDTimestamp', 'DATETIME'], ['repeatHourFlag', 'BOOLEAN'], POINT, ['LMP', 'DOUBLE']],
    filter: 'SCEDTimestamp',
    minutes: 5,
    sortedBy: 'SCEDTimestamp: DESC',
  },
];

export type Row = Readonly<Record<string, string | number | boolean>>;

export interface RowsAsked {
  readonly report: StandInReport;
  readonly point: string;
  /** Bounds of `filter`, inclusive, as text of the wall clock. */
  readonly from: string;
  readonly to: string;
  readonly now: number;
  readonly seed: number;
}

/** What is published by now, the newest day first; of a repeated hour the second pass, which the API puts first too. */
export function rowsOf(asked: RowsAsked): Row[] {
  const { report, point, from, to, now } = asked;
  const rows: Row[] = [];
  // The plain dates are as far from UTC as the zone is at most; what falls outside is sorted out by its own label.
  const stepMs = report.minutes * 60_000;
  for (
    let slot = Date.parse(`${from.slice(0, 10)}T00:00Z`);
    slot < Date.parse(`${to.slice(0, 10)}T00:00Z`) + 31 * 3_600_000;
    slot += stepMs
  ) {
    const start = report.emil === 'NP6-788-CD' ? slot + scedOffsetMs(slot) : slot;
    const wall = central(start);
    const label = report.filter === 'deliveryDate' ? wall.toPlainDate().toString() : secondsOf(wall);
    if (label < from || label > to || publishedAt(report, start) > now) continue;
    rows.push(...rowsAt(asked, start, wall));
  }
  return rows.map((row) => ({ ...row, settlementPoint: point })).sort((a, b) => orderOf(report, a, b));
}

function orderOf({ filter }: StandInReport, a: Row, b: Row): number {
  const newestFirst = String(b[filter]).localeCompare(String(a[filter]));
  if (filter === 'SCEDTimestamp') return newestFirst || Number(b.repeatHourFlag) - Number(a.repeatHourFlag);
  const hour =
    Number.parseInt(String(a.hourEnding ?? a.deliveryHour), 10) -
    Number.parseInt(String(b.hourEnding ?? b.deliveryHour), 10);
  const quarter = Number(a.deliveryInterval ?? 0) - Number(b.deliveryInterval ?? 0);
  return newestFirst || hour || quarter || Number(b.DSTFlag) - Number(a.DSTFlag);
}

/** $/MWh to the cent; negative in some hours. */
export function ercotPrice(seed: number, emil: string, point: string, startMs: number): number {
  const parts = pricePartsOf({ market: 'ERCOT', ahead: emil === 'NP4-190-CD', place: point, startMs, seed });
  return Math.round((parts.energy + parts.congestion + parts.loss) * 100) / 100;
}

function rowsAt({ report, point, seed }: RowsAsked, start: number, wall: Temporal.ZonedDateTime): Row[] {
  const price = ercotPrice(seed, report.emil, point, start);
  const repeated = central(start - 3_600_000).hour === wall.hour;
  const deliveryDate = wall.toPlainDate().toString();
  if (report.emil === 'NP4-190-CD') {
    const hourEnding = `${String(wall.hour + 1).padStart(2, '0')}:00`;
    return [{ deliveryDate, hourEnding, settlementPointPrice: price, DSTFlag: repeated }];
  }
  if (report.emil === 'NP6-788-CD') return [{ SCEDTimestamp: secondsOf(wall), repeatHourFlag: repeated, LMP: price }];
  const interval = {
    deliveryDate,
    deliveryHour: wall.hour + 1,
    deliveryInterval: wall.minute / 15 + 1,
    DSTFlag: repeated,
  };
  const type = point.startsWith('LZ_') ? 'LZ' : point.startsWith('HB_') ? 'HU' : 'RN';
  const own = { ...interval, settlementPointType: type, settlementPointPrice: price };
  if (type !== 'LZ') return [own];
  const weighted = ercotPrice(seed, report.emil, `${point}_EW`, start);
  return [own, { ...interval, settlementPointType: 'LZEW', settlementPointPrice: weighted }];
}

/** The day-ahead market at 13:00 the day before, real time two minutes after the interval, SCED as soon as it has run. */
function publishedAt(report: StandInReport, start: number): number {
  if (report.emil === 'NP6-905-CD') return start + 17 * 60_000;
  if (report.emil === 'NP6-788-CD') return start + 30_000;
  return central(start).startOfDay().subtract({ days: 1 }).with({ hour: 13 }).epochMilliseconds;
}

/** SCED starts some seconds after each fifth minute, now more, now fewer. */
function scedOffsetMs(slot: number): number {
  return 10_000 + Math.floor(noise(`sced/${slot}`) * 20) * 1000;
}

function central(instant: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO('America/Chicago');
}

function secondsOf(wall: Temporal.ZonedDateTime): string {
  return wall.toPlainDateTime().toString({ smallestUnit: 'second' });
}
