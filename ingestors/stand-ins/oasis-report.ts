import { Temporal } from 'temporal-polyfill';
import { noise } from './noise.ts';
import { pricePartsOf } from './price-shape.ts';

/**
 * The reports of the OASIS stand-in: simulated prices in the columns and the order of the real ones. The same seed, node
 * and interval give the same price in every request.
 */
export interface StandInReport {
  readonly name: string;
  readonly marketRunId: string;
  /** The `market_run_id` a request must carry; null where it takes none. */
  readonly marketRunParameter: string | null;
  readonly versions: Readonly<Record<string, { readonly priceColumn: string; readonly ghg: boolean }>>;
  readonly intervalMinutes: number;
}

export const STAND_IN_REPORTS: readonly StandInReport[] = [
  report('PRC_LMP', 'DAM', 'DAM', 60, { 12: { priceColumn: 'MW', ghg: true } }),
  report('PRC_INTVL_LMP', 'RTM', 'RTM', 5, { 3: { priceColumn: 'VALUE', ghg: true } }),
  report('PRC_RTPD_LMP', 'RTPD', 'RTPD', 15, { 3: { priceColumn: 'PRC', ghg: true } }),
  report('PRC_HASP_LMP', 'HASP', null, 15, {
    1: { priceColumn: 'MW', ghg: false },
    3: { priceColumn: 'MW', ghg: true },
  }),
];

export interface Prices {
  readonly LMP: number;
  readonly MCE: number;
  readonly MCC: number;
  readonly MCL: number;
  readonly MGHG: number;
}

const DATA_ITEMS = {
  LMP: 'LMP_PRC',
  MCC: 'LMP_CONG_PRC',
  MCE: 'LMP_ENE_PRC',
  MCL: 'LMP_LOSS_PRC',
  MGHG: 'LMP_GHG_PRC',
} as const;

/** One interval's prices at a node, in $/MWh to five places; their sum holds to the last of them. */
export function simulatedPrices(seed: number, marketRunId: string, node: string, startMs: number): Prices {
  const ahead = marketRunId === 'DAM';
  // Each run has its own real-time energy: HASP and RTPD foresee what RTM then is, and not exactly.
  const parts = pricePartsOf({ market: 'CAISO', ahead, place: node, startMs, seed });
  const strayed = ahead ? 0 : noise(`${seed}|${marketRunId}|${startMs}`) - 0.5;
  const energy = fifthPlace(parts.energy + strayed);
  const congestion = fifthPlace(parts.congestion);
  const loss = fifthPlace(parts.loss);
  const ghg = fifthPlace(noise(`${node}|ghg`) < 0.5 ? 0 : 3 * noise(`${seed}|ghg|${Math.floor(startMs / 3_600_000)}`));
  return { LMP: fifthPlace(energy + congestion + loss + ghg), MCE: energy, MCC: congestion, MCL: loss, MGHG: ghg };
}

function corrected(prices: Prices, delta: number): Prices {
  if (delta === 0) return prices;
  return { ...prices, LMP: fifthPlace(prices.LMP + delta), MCC: fifthPlace(prices.MCC + delta) };
}

export interface CsvRequest {
  readonly report: StandInReport;
  readonly version: string;
  readonly nodes: readonly string[];
  readonly starts: readonly number[];
  readonly seed: number;
  /** What was added to the LMP and its congestion since, in $/MWh. */
  readonly correction: (node: string, startMs: number) => number;
}

export function csvOf({ report, version, nodes, starts, seed, correction }: CsvRequest): string {
  const { priceColumn, ghg } = report.versions[version] ?? { priceColumn: 'MW', ghg: true };
  const before = 'INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR';
  const ids = 'NODE_ID_XML,NODE_ID,NODE,MARKET_RUN_ID,LMP_TYPE,XML_DATA_ITEM,PNODE_RESMRID,GRP_TYPE,POS';
  // As in the real ones, OPR_INTERVAL stands elsewhere in the day-ahead report.
  const dayAhead = report.name === 'PRC_LMP';
  const header = dayAhead
    ? `${before},OPR_INTERVAL,${ids},${priceColumn},GROUP`
    : `${before},${ids},${priceColumn},OPR_INTERVAL,GROUP`;
  const lines = [header];
  const intervals = starts.map((start) => ({ start, ...labelOf(start, report) }));
  let group = 0;
  for (const node of nodes) {
    const priced = intervals.map((each) => ({
      ...each,
      prices: corrected(simulatedPrices(seed, report.marketRunId, node, each.start), correction(node, each.start)),
    }));
    for (const [type, item] of entriesOf(DATA_ITEMS)) {
      if (type === 'MGHG' && !ghg) continue;
      group += 1;
      for (const { times, interval, prices } of priced) {
        const id = `${node},${node},${node},${report.marketRunId},${type},${item},${node},ALL,0`;
        lines.push(
          dayAhead
            ? `${times},${interval},${id},${prices[type]},${group}`
            : `${times},${id},${prices[type]},${interval},${group}`,
        );
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Operating day, hour-ending (25 for the repeated hour of autumn) and interval of the hour beside the instants. */
function labelOf(startMs: number, report: StandInReport) {
  const lengthMs = report.intervalMinutes * 60_000;
  const local = pacific(startMs);
  const repeated = pacific(startMs - 3_600_000).hour === local.hour;
  const operatingHour = repeated ? 25 : local.hour + 1;
  const times = `${gmt(startMs)},${gmt(startMs + lengthMs)},${local.toPlainDate().toString()},${operatingHour}`;
  return { times, interval: report.intervalMinutes === 60 ? 0 : Math.floor(local.minute / report.intervalMinutes) + 1 };
}

export function pacific(instantMs: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO('America/Los_Angeles');
}

function gmt(instantMs: number): string {
  return `${new Date(instantMs).toISOString().slice(0, 19)}-00:00`;
}

function fifthPlace(value: number): number {
  return Math.round(value * 100_000) / 100_000;
}

function entriesOf<K extends string, V>(record: Readonly<Record<K, V>>): [K, V][] {
  return Object.entries(record) as [K, V][];
}

function report(
  name: string,
  marketRunId: string,
  marketRunParameter: string | null,
  intervalMinutes: number,
  versions: StandInReport['versions'],
): StandInReport {
  return { name, marketRunId, marketRunParameter, intervalMinutes, versions };
}
