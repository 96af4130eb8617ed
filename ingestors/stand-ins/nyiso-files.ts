import { Temporal } from 'temporal-polyfill';
import { noise } from './noise.ts';
import { pricePartsOf } from './price-shape.ts';

/**
 * The files of the NYISO stand-in: simulated prices in the columns and the order of the real ones. The same report, node and
 * interval give the same price in every file.
 */
export interface StandInFile {
  readonly report: 'damlbmp' | 'rtlbmp' | 'realtime';
  readonly names: readonly string[];
  readonly day: Temporal.PlainDate;
  /** What time it is: decides which rows there are. Milliseconds UTC. */
  readonly now: number;
}

export interface PublishedPrices {
  readonly lbmp: number;
  readonly losses: number;
  /** As NYISO has it: what it adds to the LBMP, negated. */
  readonly congestion: number;
}

const ZONE = 'America/New_York';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Each day has one dispatch out of turn. */
const OUT_OF_TURN = { hour: 4, minute: 4, second: 18 };

/** When a day's prices for the next day are published. */
const DAY_AHEAD_AT = { hour: 11 };

/** Prices of the interval that begins there, in $/MWh and whole cents: LBMP = energy + losses − congestion. */
export function simulatedNyisoPrices(report: string, name: string, startMs: number): PublishedPrices {
  // Hourly prices are of their own settlement, and so not quite the mean of what was dispatched.
  const settled = report === 'rtlbmp' ? noise(`${name}|${startMs}`) - 0.5 : 0;
  const parts = pricePartsOf({ market: 'NYISO', ahead: report === 'damlbmp', place: name, startMs });
  const energy = Math.round((parts.energy + settled) * 100);
  // Adding 0 makes -0 an ordinary 0.
  const congestion = Math.round(-parts.congestion * 100) + 0;
  const losses = Math.round(parts.loss * 100) + 0;
  return { lbmp: (energy + losses - congestion) / 100, losses: losses / 100, congestion: congestion / 100 };
}

/** @returns undefined where the day is not published yet. */
export function nyisoFile(file: StandInFile): string | undefined {
  const stamps = stampsOf(file);
  if (stamps.length === 0) return undefined;
  const quote = file.report === 'damlbmp' ? '' : '"';
  const quoted = (text: string) => `${quote}${text}${quote}`;
  const columns = ['Time Stamp', 'Name', 'PTID', 'LBMP', 'Marginal Cost Losses', 'Marginal Cost Congestion'];
  const lines = [columns.map((each, i) => quoted(i < 3 ? each : `${each} ($/MWHr)`)).join(',')];
  for (const { label, start } of stamps) {
    for (const name of file.names) {
      const { lbmp, losses, congestion } = simulatedNyisoPrices(file.report, name, start);
      const prices = [lbmp, losses, congestion].map((price) => price.toFixed(2));
      lines.push([quoted(label), quoted(name), ptidOf(name), ...prices].join(','));
    }
  }
  return lines.map((line) => `${line}\r\n`).join('');
}

export function easternDate(instantMs: number): Temporal.PlainDate {
  return eastern(instantMs).toPlainDate();
}

/** Midnight at which the day begins, milliseconds UTC. */
export function easternMidnight(day: Temporal.PlainDate): number {
  return day.toZonedDateTime(ZONE).epochMilliseconds;
}

interface Stamp {
  readonly label: string;
  /** The start of the interval whose price stands there. */
  readonly start: number;
}

function stampsOf({ report, day, now }: StandInFile): Stamp[] {
  const from = easternMidnight(day);
  const to = easternMidnight(day.add({ days: 1 }));
  if (report === 'realtime') return dispatchStamps(from, to, day, now);
  const dayAheadAt = day.subtract({ days: 1 }).toZonedDateTime({ timeZone: ZONE, plainTime: DAY_AHEAD_AT });
  const until = report === 'rtlbmp' ? Math.min(to, now - HOUR_MS + 1) : to;
  if (report === 'damlbmp' && now < dayAheadAt.epochMilliseconds) return [];
  return steps(from, until, HOUR_MS).map((start) => ({ label: labelOf(start, false), start }));
}

/** Dispatched intervals are there when they begin; then comes the look-ahead, four quarters of an hour. */
function dispatchStamps(from: number, to: number, day: Temporal.PlainDate, now: number): Stamp[] {
  const outOfTurn = day.toZonedDateTime({ timeZone: ZONE, plainTime: OUT_OF_TURN }).epochMilliseconds;
  const ends = [...steps(from, to, 5 * MINUTE_MS).map((start) => start + 5 * MINUTE_MS), outOfTurn]
    .sort((a, b) => a - b)
    .filter((end) => end - 5 * MINUTE_MS <= now);
  const newest = ends.at(-1) ?? from;
  const quarter = 15 * MINUTE_MS;
  const next = (Math.floor(newest / quarter) + 1) * quarter;
  const ahead = [0, 1, 2, 3].map((i) => next + i * quarter).filter((end) => end <= to);
  const dispatched = ends.map((end, i) => ({
    label: labelOf(end, true),
    start: Math.max(ends[i - 1] ?? from, end - 5 * MINUTE_MS),
  }));
  // Of a day that has not begun there is the look-ahead alone, and only of its first hour.
  const isNear = now >= from - quarter;
  return isNear ? [...dispatched, ...ahead.map((end) => ({ label: labelOf(end, true), start: -end }))] : dispatched;
}

function labelOf(instantMs: number, withSeconds: boolean): string {
  const { year, month, day, hour, minute, second } = eastern(instantMs);
  const two = (part: number) => String(part).padStart(2, '0');
  const time = [hour, minute, ...(withSeconds ? [second] : [])].map(two).join(':');
  return `${two(month)}/${two(day)}/${year} ${time}`;
}

function steps(from: number, to: number, stepMs: number): number[] {
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / stepMs)) }, (_, i) => from + i * stepMs);
}

function eastern(instantMs: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(ZONE);
}

function ptidOf(name: string): number {
  return 61_000 + Math.floor(noise(name) * 900);
}
