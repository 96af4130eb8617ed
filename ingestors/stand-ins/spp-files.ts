import { Temporal } from 'temporal-polyfill';
import { pricePartsOf } from './price-shape.ts';

/**
 * The files of the SPP stand-in: which there are by name, and simulated prices in them. The same seed, location and interval
 * give the same price in every file.
 */
export interface StandInLocation {
  readonly name: string;
  /** The market it is of: the eastern or the western one. */
  readonly area: 'SPP' | 'SWPW';
}

/** How a file is written, which at SPP varies by day. */
export interface FileStyle {
  /** Files from before the western market have no BAA, and no western rows. */
  readonly areas: boolean;
  /** `LMP` and `SETTLEMENT_LOCATION` in capitals and another order, times as in `6/1/2026 01:00`. */
  readonly drifted: boolean;
  /**
   * What the interval is called that ends as clocks are set: `end` after what the clock shows then (`0100d` in autumn, `0300`
   * in spring), `start` after what it showed before and five minutes more (`0200` and `0200`).
   */
  readonly naming: 'end' | 'start';
}

export interface Prices {
  readonly LMP: number;
  readonly MEC: number;
  readonly MCC: number;
  readonly MLC: number;
}

const HOUR_MS = 3_600_000;
const ZONE = 'America/Chicago';

/** A file that there is, or will be: the intervals in it. */
export interface StandInFile {
  readonly ends: readonly number[];
  readonly lengthMs: number;
  readonly publishedAt: number;
}

/** @returns undefined where no file is ever called so. */
export function fileCalled(folder: string, path: string, naming: FileStyle['naming']): StandInFile | undefined {
  if (folder === 'da-lmp-by-settlement-location') return dayFile(path);
  return folder === 'rtbm-lmp-by-location' ? intervalFile(path, naming) : undefined;
}

/** One interval's prices at a location, in $/MWh to four places; each market has its own energy price. */
export function simulatedSppPrices(
  seed: number,
  lengthMs: number,
  { name, area }: StandInLocation,
  end: number,
): Prices {
  const market = area === 'SWPW' ? 'SPP west' : 'SPP';
  const parts = pricePartsOf({ market, ahead: lengthMs === HOUR_MS, place: name, startMs: end - lengthMs, seed });
  const energy = fourthPlace(parts.energy);
  const congestion = fourthPlace(parts.congestion);
  const loss = fourthPlace(parts.loss);
  return { LMP: fourthPlace(energy + congestion + loss), MEC: energy, MCC: congestion, MLC: loss };
}

/** The file as text. */
export function csvOf(
  { ends, lengthMs }: StandInFile,
  locations: readonly StandInLocation[],
  seed: number,
  style: FileStyle,
): string {
  const shown = style.areas ? locations : locations.filter(({ area }) => area === 'SPP');
  const lines = ends.flatMap((end) =>
    shown.map((location) => {
      const prices = simulatedSppPrices(seed, lengthMs, location, end);
      const areas = style.areas ? [location.area] : [];
      const label = time(labelOf(end, lengthMs, style.naming).wall, style);
      const gmt = time(Temporal.Instant.fromEpochMilliseconds(end).toZonedDateTimeISO('UTC').toPlainDateTime(), style);
      const fields = { areas, label, gmt, name: location.name, pnode: `${location.name}_P`, prices };
      return style.drifted ? driftedLine(fields) : usualLine(fields);
    }),
  );
  return `${[headerOf(style), ...lines].join('\n')}\n`;
}

function headerOf({ areas, drifted }: FileStyle): string {
  const names = areas ? ['BAA'] : [];
  if (drifted)
    return ['SETTLEMENT_LOCATION', 'PNODE', ...names, 'MEC', 'MCC', 'MLC', 'LMP', 'GMTINTERVALEND', 'INTERVAL'].join();
  return ['Interval', 'GMTIntervalEnd', ...names, 'Settlement Location', 'Pnode', 'LMP', 'MLC', 'MCC', 'MEC'].join();
}

interface Fields {
  readonly areas: readonly string[];
  readonly label: string;
  readonly gmt: string;
  readonly name: string;
  readonly pnode: string;
  readonly prices: Prices;
}

function usualLine({ areas, label, gmt, name, pnode, prices: { LMP, MLC, MCC, MEC } }: Fields): string {
  return [label, gmt, ...areas, name, pnode, ...[LMP, MLC, MCC, MEC].map((price) => price.toFixed(4))].join();
}

function driftedLine({ areas, label, gmt, name, pnode, prices: { LMP, MLC, MCC, MEC } }: Fields): string {
  return [name, pnode, ...areas, MEC, MCC, MLC, LMP, gmt, label].join();
}

/** `/2026/04/By_Day/DA-LMP-SL-202604120100.csv`: 23, 24 or 25 hours, from 13:00 of the day before. */
function dayFile(path: string): StandInFile | undefined {
  const [, year, month, day] = /^\/(\d{4})\/(\d{2})\/By_Day\/DA-LMP-SL-\1\2(\d{2})0100\.csv$/.exec(path) ?? [];
  if (day === undefined) return undefined;
  const start = Temporal.PlainDate.from(`${year}-${month}-${day}`).toZonedDateTime(ZONE);
  const hours = (start.add({ days: 1 }).epochMilliseconds - start.epochMilliseconds) / HOUR_MS;
  return {
    ends: Array.from({ length: hours }, (_, hour) => start.epochMilliseconds + (hour + 1) * HOUR_MS),
    lengthMs: HOUR_MS,
    publishedAt: start.subtract({ days: 1 }).with({ hour: 13 }).epochMilliseconds,
  };
}

/** `/2026/06/By_Interval/30/RTBM-LMP-SL-202607010000.csv`: the folder is the date of its start, and it comes a minute after its end. */
function intervalFile(path: string, naming: FileStyle['naming']): StandInFile | undefined {
  const form = /^\/(\d{4})\/(\d{2})\/By_Interval\/(\d{2})\/RTBM-LMP-SL-(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(d?)\.csv$/;
  const [, ...parts] = form.exec(path) ?? [];
  if (parts.length === 0) return undefined;
  const [folderYear, folderMonth, folderDay, ...name] = parts;
  const lengthMs = HOUR_MS / 12;
  const wanted = `${name.slice(0, 3).join('-')}T${name.slice(3, 5).join(':')}${name[5]}`;
  const about = Temporal.PlainDateTime.from(wanted.replace('d', '')).toZonedDateTime('UTC').epochMilliseconds;
  // Central time is 5 or 6 hours behind; the interval's label decides.
  for (const end of [about + 5 * HOUR_MS, about + 6 * HOUR_MS]) {
    const { wall, isRepeated } = labelOf(end, lengthMs, naming);
    if (`${wall.toString().slice(0, 16)}${isRepeated ? 'd' : ''}` !== wanted) continue;
    if (
      central(end - lengthMs)
        .toPlainDate()
        .toString() !== `${folderYear}-${folderMonth}-${folderDay}`
    )
      continue;
    return { ends: [end], lengthMs, publishedAt: end + 60_000 };
  }
  return undefined;
}

function labelOf(end: number, lengthMs: number, naming: FileStyle['naming']) {
  const reference = naming === 'end' ? end : end - lengthMs;
  const wall = central(reference).toPlainDateTime();
  const isRepeated = central(reference - HOUR_MS)
    .toPlainDateTime()
    .equals(wall);
  return { wall: naming === 'end' ? wall : wall.add({ milliseconds: lengthMs }), isRepeated };
}

function central(instantMs: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(ZONE);
}

function time(wall: Temporal.PlainDateTime, { drifted }: FileStyle): string {
  const padded = (part: number) => String(part).padStart(2, '0');
  if (drifted) return `${wall.month}/${wall.day}/${wall.year} ${padded(wall.hour)}:${padded(wall.minute)}`;
  return `${padded(wall.month)}/${padded(wall.day)}/${wall.year} ${padded(wall.hour)}:${padded(wall.minute)}:00`;
}

function fourthPlace(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
