import { BusbarError } from '../../../domain/errors.ts';
import { parseInstant } from '../../../domain/instant.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import { nodeNameFrom } from '../../../domain/market.ts';
import type { RejectCode } from '../../feed.ts';
import { intervalMsOf } from '../../sources/report-poller.ts';
import { isObject, type Page } from './pages.ts';
import { REPORTS, type ReportName } from './reports.ts';

/**
 * A row of an LMP report, one a node, interval and version:
 *
 *   datetime_beginning_utc, datetime_beginning_ept, pnode_id, pnode_name, voltage, equipment, type, zone,
 *   system_energy_price_{da|rt}, total_lmp_{da|rt}, congestion_price_{da|rt}, marginal_loss_price_{da|rt},
 *   row_is_current, version_nbr
 *
 * The unverified report has neither the energy nor the last two. The UTC time is the truth, and has no "Z"; the Eastern one,
 * which comes twice in the hour that is repeated, is not read.
 */
export interface Row {
  readonly fact: LmpFact;
  readonly pnodeId: unknown;
  readonly version: number;
  /** False: a later version has replaced it. */
  readonly isCurrent: boolean;
}

export interface Problem {
  readonly code: RejectCode;
  readonly reason: string;
}

/** @throws BusbarError `MALFORMED` where a column that is read is not there: a report that has changed is not guessed at. */
export function assertColumns(report: ReportName, { items }: Page): void {
  const [first] = items;
  if (first === undefined) return;
  if (!isObject(first)) throw new BusbarError('MALFORMED', 'the items are no rows');
  const columns = columnsOf(report);
  const needed = ['datetime_beginning_utc', 'pnode_name', columns.lmp, columns.congestion, columns.loss];
  if (REPORTS[report].verified) needed.push(columns.energy);
  const missing = needed.filter((column) => !Object.hasOwn(first, column));
  if (missing.length === 0) return;
  throw new BusbarError(
    'MALFORMED',
    `${report} has no column ${missing.join(', ')}; there are ${Object.keys(first).join(', ')}`,
  );
}

export function readRow(report: ReportName, item: unknown): Row | Problem {
  if (!isObject(item)) return { code: 'NOT_THE_FORMAT', reason: 'the item is no row of columns' };
  const node = nodeNameFrom('PJM', typeof item.pnode_name === 'string' ? item.pnode_name.trim() : '');
  if (!node) return { code: 'MISSING_FIELD', reason: 'pnode_name is blank, no text or longer than 200 characters' };
  const intervalMs = intervalMsOf(REPORTS[report]);
  const startAt = instantFrom(item.datetime_beginning_utc);
  if (startAt === undefined || startAt % intervalMs !== 0) return badTime(report, item.datetime_beginning_utc);
  const prices = pricesOf(report, item);
  if ('reason' in prices) return prices;
  const version = versionOf(item);
  if ('reason' in version) return version;
  const { run, verified } = REPORTS[report];
  const told = {
    ...(!verified && { preliminary: true }),
    ...(version.version > 1 && { sourceVersion: version.version }),
  };
  const fact = { node, run, startAt, endAt: startAt + intervalMs, ...prices, ghg: null, ...told };
  return { fact, pnodeId: item.pnode_id, ...version };
}

function columnsOf(report: ReportName) {
  const { suffix } = REPORTS[report];
  return {
    lmp: `total_lmp_${suffix}`,
    energy: `system_energy_price_${suffix}`,
    congestion: `congestion_price_${suffix}`,
    loss: `marginal_loss_price_${suffix}`,
  };
}

type Item = Readonly<Record<string, unknown>>;

function pricesOf(report: ReportName, item: Item): Pick<LmpFact, 'lmp' | 'energy' | 'congestion' | 'loss'> | Problem {
  const columns = columnsOf(report);
  for (const column of Object.values(columns)) {
    if (!isPrice(item[column])) {
      return { code: 'BAD_VALUE', reason: `${column} is ${JSON.stringify(item[column])}, expected a finite number` };
    }
  }
  const lmp = priceFrom(item[columns.lmp]);
  if (lmp === null) {
    const where = `${String(item.pnode_name)} at ${String(item.datetime_beginning_utc)}`;
    return { code: 'MISSING_FIELD', reason: `no ${columns.lmp} for ${where}` };
  }
  const congestion = priceFrom(item[columns.congestion]);
  const loss = priceFrom(item[columns.loss]);
  const published = priceFrom(item[columns.energy]);
  const energy = REPORTS[report].verified ? published : (published ?? remainder(lmp, congestion, loss));
  return { lmp, energy, congestion, loss };
}

/** PJM publishes six places; the rest is what binary floating point leaves of a subtraction. */
function remainder(lmp: number, congestion: number | null, loss: number | null): number | null {
  return congestion === null || loss === null ? null : Number((lmp - congestion - loss).toFixed(6));
}

function isPrice(value: unknown): boolean {
  return isBlank(value) || (typeof value === 'number' && Number.isFinite(value));
}

function priceFrom(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** Blank is not 0. */
function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/** A report without versions has one of each price, which is current. */
function versionOf({ row_is_current, version_nbr }: Item): Pick<Row, 'version' | 'isCurrent'> | Problem {
  const isCurrent = row_is_current ?? true;
  const version = version_nbr ?? 1;
  if (typeof isCurrent === 'boolean' && Number.isSafeInteger(version)) return { isCurrent, version: Number(version) };
  const both = `row_is_current is ${JSON.stringify(row_is_current)} and version_nbr ${JSON.stringify(version_nbr)}`;
  return { code: 'BAD_VALUE', reason: `${both}, expected true or false and a whole number` };
}

/** `2024-02-20T05:00:00`, or with milliseconds. */
function instantFrom(value: unknown): number | undefined {
  return typeof value === 'string' ? parseInstant(`${value.trim().replace(/Z$/, '')}Z`) : undefined;
}

function badTime(report: ReportName, value: unknown): Problem {
  const expected = `a start of ${report} as 2024-02-20T05:00:00, every ${intervalMsOf(REPORTS[report]) / 60_000} minutes`;
  return { code: 'BAD_TIME', reason: `datetime_beginning_utc is ${JSON.stringify(value)}, expected ${expected}` };
}
