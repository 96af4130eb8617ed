import { Temporal } from 'temporal-polyfill';
import { noise } from './noise.ts';
import { pricePartsOf } from './price-shape.ts';

/**
 * The reports of the Data Miner stand-in: simulated prices in the columns of the real ones. The same node and interval give
 * the same price in every request, until it is corrected.
 */
export interface StandInReport {
  readonly name: string;
  readonly suffix: 'da' | 'rt';
  readonly intervalMinutes: number;
  /** Has the energy component, `row_is_current` and `version_nbr`. */
  readonly verified: boolean;
  /** Days after which it is archived; null: never. */
  readonly archiveDays: number | null;
  /** Days for which it is kept; null: for ever. */
  readonly keptDays: number | null;
}

export const STAND_IN_REPORTS: readonly StandInReport[] = [
  { name: 'da_hrl_lmps', suffix: 'da', intervalMinutes: 60, verified: true, archiveDays: 731, keptDays: null },
  { name: 'rt_hrl_lmps', suffix: 'rt', intervalMinutes: 60, verified: true, archiveDays: 731, keptDays: null },
  { name: 'rt_fivemin_hrl_lmps', suffix: 'rt', intervalMinutes: 5, verified: true, archiveDays: 186, keptDays: null },
  {
    name: 'rt_unverified_fivemin_lmps',
    suffix: 'rt',
    intervalMinutes: 5,
    verified: false,
    archiveDays: null,
    keptDays: 15,
  },
];

export interface StandInNode {
  readonly id: number;
  readonly name: string;
  readonly type: string;
}

export const STAND_IN_NODES: readonly StandInNode[] = [
  { id: 51288, name: 'WESTERN HUB', type: 'HUB' },
  { id: 1, name: 'PJM-RTO', type: 'ZONE' },
  { id: 33092371, name: 'COMED', type: 'ZONE' },
];

/** $ per MWh. */
export interface PjmPrices {
  /** PJM rounds it to cents, so that the parts sum to the total to half a cent only. */
  readonly energy: number;
  readonly total: number;
  readonly congestion: number;
  readonly loss: number;
}

export function pjmPrices(report: StandInReport, nodeId: number, startMs: number, delta = 0): PjmPrices {
  const ahead = report.suffix === 'da';
  const parts = pricePartsOf({ market: 'PJM', ahead, place: String(nodeId), startMs });
  // Verified and unverified prices of an interval differ a little.
  const verifying = ahead || !report.verified ? 0 : 0.4 * (noise(`${nodeId}|${startMs}`) - 0.5);
  const energy = parts.energy;
  const congestion = sixth(parts.congestion + verifying + delta);
  const loss = sixth(parts.loss);
  return { energy: Number(energy.toFixed(2)), total: sixth(energy + congestion + loss), congestion, loss };
}

/** A row as PJM writes it: the UTC time without a zone, of the unverified report with milliseconds. */
export function rowOf(report: StandInReport, node: StandInNode, startMs: number, version: PjmVersion) {
  const { energy, total, congestion, loss } = pjmPrices(report, node.id, startMs, version.delta);
  const { suffix, verified } = report;
  return {
    datetime_beginning_utc: new Date(startMs).toISOString().slice(0, verified ? 19 : 23),
    datetime_beginning_ept: eastern(startMs).toPlainDateTime().toString({ smallestUnit: 'second' }),
    pnode_id: node.id,
    pnode_name: node.name,
    voltage: null,
    equipment: null,
    type: node.type,
    zone: null,
    ...(verified && { [`system_energy_price_${suffix}`]: energy }),
    [`total_lmp_${suffix}`]: total,
    [`congestion_price_${suffix}`]: congestion,
    [`marginal_loss_price_${suffix}`]: loss,
    ...(verified && { row_is_current: version.isCurrent, version_nbr: version.number }),
  };
}

export interface PjmVersion {
  readonly number: number;
  readonly isCurrent: boolean;
  /** What was added to the first version, in $ per MWh. */
  readonly delta: number;
}

/**
 * When an interval is published: the day-ahead ones of a day at 13:30 Eastern of the day before, the verified ones at noon of
 * the next weekday (PJM knows holidays too), the others a minute after their end.
 */
export function publishedAt(report: StandInReport, startMs: number): number {
  if (!report.verified) return startMs + (report.intervalMinutes + 1) * 60_000;
  const day = eastern(startMs).startOfDay();
  if (report.suffix === 'da') return day.subtract({ days: 1 }).add({ hours: 13, minutes: 30 }).epochMilliseconds;
  const toWeekday = day.dayOfWeek >= 5 ? 8 - day.dayOfWeek : 1;
  return day.add({ days: toWeekday }).withPlainTime('12:00').epochMilliseconds;
}

export function eastern(instantMs: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO('America/New_York');
}

function sixth(price: number): number {
  return Number(price.toFixed(6));
}
