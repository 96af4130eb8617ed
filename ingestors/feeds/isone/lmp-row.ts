import { wallTimeAt } from '../../../domain/calendar.ts';
import { parseInstant } from '../../../domain/instant.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import { nodeNameFrom } from '../../../domain/market.ts';
import type { Reject } from '../../feed.ts';
import { intervalMsOf } from '../../sources/report-poller.ts';
import { isRecord, listOf } from './answer.ts';
import { type IsoneReport, ZONE } from './reports.ts';

/**
 * One row, hourly or of five minutes:
 *
 *   {"BeginDate": "2024-11-03T01:00:00.000-05:00",
 *    "Location": {"@LocId": "4000", "@LocType": "HUB", "$": ".H.INTERNAL_HUB"},
 *    "LmpTotal": 24.46, "EnergyComponent": 24.63, "CongestionComponent": 0, "LossComponent": -0.17}
 *
 * BeginDate is the interval's beginning with its offset, which tells the two hours apart that clocks show twice in autumn.
 */
const KEYS = ['BeginDate', 'Location', 'LmpTotal', 'EnergyComponent', 'CongestionComponent', 'LossComponent'] as const;

type Key = (typeof KEYS)[number];

const KNOWN_KEYS: ReadonlySet<string> = new Set(KEYS);

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** What is wrong with a row. */
export type Problem = Omit<Reject, 'raw'>;

type InstantReader = (text: string) => number | Problem;

export function factFrom(row: unknown, report: IsoneReport, instantOf: InstantReader): LmpFact | Problem {
  if (!isRecord(row)) return { code: 'NOT_THE_FORMAT', reason: 'a row is not an object' };
  const drift = driftIn(row);
  if (drift) return drift;
  const node = nodeIn(row);
  if (typeof node === 'object') return node;
  const startAt = startIn(row, instantOf);
  if (typeof startAt === 'object') return startAt;
  const prices = pricesIn(row);
  if ('reason' in prices) return prices;
  const interval = { startAt, endAt: startAt + intervalMsOf(report) };
  const preliminary = report.preliminary ? { preliminary: true } : {};
  return { node, run: report.run, ...interval, ...prices, ghg: null, ...preliminary };
}

/** Whether there is a column of prices in any of the rows: ISO-NE may leave out one that is blank. */
export function hasPrices(rows: readonly unknown[]): boolean {
  return rows.some((row) => isRecord(row) && Object.hasOwn(row, 'LmpTotal'));
}

/** A file names few instants and each of them often, and the calendar takes its time. */
export function easternInstants(): InstantReader {
  const known = new Map<string, number | Problem>();
  return (text) => {
    let found = known.get(text);
    if (found === undefined) {
      found = easternInstant(text);
      known.set(text, found);
    }
    return found;
  };
}

/** A component may be left out; one that has come under another name would be lost without a word. */
function driftIn(row: Readonly<Record<string, unknown>>): Problem | undefined {
  const missing = KEYS.filter((key) => !Object.hasOwn(row, key));
  const strange = Object.keys(row).filter((key) => !KNOWN_KEYS.has(key));
  if (missing.length === 0 || strange.length === 0) return undefined;
  return { code: 'NOT_THE_FORMAT', reason: `no ${missing.join(', ')}, but ${strange.slice(0, 10).join(', ')}` };
}

function nodeIn({ Location }: Readonly<Record<string, unknown>>) {
  const [location, another] = listOf(Location);
  const name = isRecord(location) && another === undefined ? location.$ : undefined;
  const node = typeof name === 'string' ? nodeNameFrom('ISONE', name) : undefined;
  if (node) return node;
  return { code: 'MISSING_FIELD', reason: 'Location has no name of 1 to 200 characters under "$"' } satisfies Problem;
}

function startIn({ BeginDate }: Readonly<Record<string, unknown>>, instantOf: InstantReader): number | Problem {
  if (typeof BeginDate === 'string' && BeginDate !== '') return instantOf(BeginDate);
  return { code: 'MISSING_FIELD', reason: 'BeginDate is missing or no text' };
}

/** The offset must be that of the Eastern clock: where it is not, either it or the time is an hour wrong. */
function easternInstant(text: string): number | Problem {
  const at = parseInstant(text);
  if (at !== undefined && text.startsWith(easternClock(at))) return at;
  if (/^\d{4}-\d{2}-\d{2}T[\d:.]+$/.test(text)) {
    return { code: 'AMBIGUOUS_TIME', reason: `BeginDate is "${text}", without the offset that tells which hour it is` };
  }
  return { code: 'BAD_TIME', reason: `BeginDate is "${text}", expected an Eastern time with its offset` };
}

/** `2024-11-03T01:00` */
function easternClock(instantMs: number): string {
  const { year, month, day, hour, minute } = wallTimeAt(ZONE, instantMs);
  return new Date(Date.UTC(year, month - 1, day, hour, minute)).toISOString().slice(0, 16);
}

function pricesIn(row: Readonly<Record<string, unknown>>) {
  const lmp = priceIn(row, 'LmpTotal');
  const energy = priceIn(row, 'EnergyComponent');
  const congestion = priceIn(row, 'CongestionComponent');
  const loss = priceIn(row, 'LossComponent');
  if (isRecord(lmp)) return lmp;
  if (isRecord(energy)) return energy;
  if (isRecord(congestion)) return congestion;
  if (isRecord(loss)) return loss;
  if (lmp === null) return { code: 'MISSING_FIELD', reason: 'LmpTotal is missing or blank' } satisfies Problem;
  return { lmp, energy, congestion, loss };
}

/** @returns null where it is blank, which is not 0. */
function priceIn(row: Readonly<Record<string, unknown>>, key: Key): number | null | Problem {
  const value = row[key];
  if (value === undefined || value === null || value === '') return null;
  const price = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value;
  if (typeof price === 'number' && Number.isFinite(price)) return price;
  return { code: 'BAD_VALUE', reason: `${key} is ${JSON.stringify(value)}, expected a finite decimal number` };
}
