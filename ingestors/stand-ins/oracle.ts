import { type CkwPart, simulatedTariff } from './ckw-prices.ts';
import { ercotPrice } from './ercot-reports.ts';
import {
  STAND_IN_REPORTS as ISONE_REPORTS,
  type StandInLocation as IsoneLocation,
  simulatedPrices as isonePrices,
  STAND_IN_LOCATIONS,
} from './isone-report.ts';
import { type MisoMarket, misoPrices } from './miso-prices.ts';
import { simulatedNyisoPrices } from './nyiso-files.ts';
import { STAND_IN_REPORTS as OASIS_REPORTS, simulatedPrices as oasisPrices } from './oasis-report.ts';
import { STAND_IN_REPORTS as PJM_REPORTS, pjmPrices, STAND_IN_NODES } from './pjm-report.ts';
import { simulatedSppPrices } from './spp-files.ts';

/**
 * What the stand-ins' prices are once they are stored: by Busbar's names and signs, and computed without the feeds.
 * Null: the vendor does not publish it.
 */
export interface ExpectedPrice {
  readonly run: string;
  readonly preliminary: boolean;
  /** $/MWh; each sums its parts, to the cent or closer as the vendor rounds. */
  readonly lmp: number;
  readonly energy: number | null;
  readonly congestion: number | null;
  readonly loss: number | null;
  readonly ghg: number | null;
}

export interface ExpectedPriceAsked {
  /** The vendor's own name of it, as partitions of feeds have it: `PRC_LMP`, `np6-905-cd`, `hourlylmp-rt-prelim`. */
  readonly report: string;
  /** Without its market: `WESTERN HUB`, `SWPW/SWPW_HUB`. */
  readonly node: string;
  /** Start of the interval, milliseconds UTC. */
  readonly startMs: number;
  /** Of the stand-in, where it has one; 1. */
  readonly seed?: number;
}

export type PricedMarket = 'CAISO' | 'ERCOT' | 'ISONE' | 'MISO' | 'NYISO' | 'PJM' | 'SPP';

/** @throws TypeError for a report or node that the stand-in does not have. */
export function expectedPrice(market: PricedMarket, asked: ExpectedPriceAsked): ExpectedPrice {
  return ORACLES[market]({ seed: 1, ...asked });
}

/** In CHF/kWh. @param startMs of a quarter hour */
export function expectedTariff(tariffName: string, part: CkwPart, startMs: number): number {
  return simulatedTariff(tariffName, startMs)[part] / 10_000;
}

type Oracle = (asked: Required<ExpectedPriceAsked>) => ExpectedPrice;

const ORACLES: Readonly<Record<PricedMarket, Oracle>> = {
  CAISO: ({ report, node, startMs, seed }) => {
    const { marketRunId, name } = found(OASIS_REPORTS, (each) => each.name === report, report);
    const { LMP, MCE, MCC, MCL, MGHG } = oasisPrices(seed, marketRunId, node, startMs);
    return { ...priced(OASIS_RUNS[name], LMP, MCE, MCC, MCL), ghg: MGHG };
  },
  PJM: ({ report, node, startMs }) => {
    const table = found(PJM_REPORTS, ({ name }) => name === report, report);
    const { id } = found(STAND_IN_NODES, ({ name }) => name === node, node);
    const { total, energy, congestion, loss } = pjmPrices(table, id, startMs);
    const run = table.suffix === 'da' ? 'DAY_AHEAD_HOURLY' : table.intervalMinutes === 5 ? FIVE : 'REAL_TIME_HOURLY';
    // What is not verified has no column of energy.
    const rest = table.verified ? energy : Number((total - congestion - loss).toFixed(6));
    return { ...priced(run, total, rest, congestion, loss), preliminary: !table.verified };
  },
  ERCOT: ({ report, node, startMs, seed }) =>
    priced(ERCOT_RUNS[report], ercotPrice(seed, report.toUpperCase(), node, startMs), null, null, null),
  MISO: ({ report, node, startMs }) => {
    const { run, market } = MISO_REPORTS[report] ?? unknown(report);
    const { lmp, mec, mcc, mlc } = misoPrices(market, node, startMs);
    return { ...priced(run, lmp, mec, mcc, mlc), preliminary: market === 'preliminary' };
  },
  SPP: ({ report, node, startMs, seed }) => {
    const lengthMs = report === 'da-lmp-by-settlement-location' ? HOUR_MS : HOUR_MS / 12;
    const [area, name] = node.startsWith('SWPW/') ? (['SWPW', node.slice(5)] as const) : (['SPP', node] as const);
    const { LMP, MEC, MCC, MLC } = simulatedSppPrices(seed, lengthMs, { name, area }, startMs + lengthMs);
    return priced(SPP_RUNS[report], LMP, MEC, MCC, MLC);
  },
  NYISO: ({ report, node, startMs }) => {
    const folder = report.replace(/_(zone|gen)$/, '');
    const { lbmp, losses, congestion } = simulatedNyisoPrices(folder, node, startMs);
    // Published negated, so that the price is energy + losses − congestion.
    return priced(NYISO_RUNS[folder], lbmp, cents(lbmp - losses + congestion), cents(-congestion), losses);
  },
  ISONE: ({ report, node, startMs, seed }) => {
    const table = ISONE_REPORTS[report.replaceAll('-', '/')] ?? unknown(report);
    const { id } = found<IsoneLocation>(STAND_IN_LOCATIONS, ({ name }) => name === node, node);
    const prices = isonePrices(seed, table, id, startMs);
    const run = table.market === 'da' ? 'DAY_AHEAD_HOURLY' : table.minutes === 5 ? FIVE : 'REAL_TIME_HOURLY';
    const { LmpTotal, EnergyComponent, CongestionComponent, LossComponent } = prices;
    return { ...priced(run, LmpTotal, EnergyComponent, CongestionComponent, LossComponent), preliminary: !table.final };
  },
};

const HOUR_MS = 3_600_000;
const FIVE = 'REAL_TIME_5_MIN';
const OASIS_RUNS: Readonly<Record<string, string>> = {
  PRC_LMP: 'DAY_AHEAD_HOURLY',
  PRC_INTVL_LMP: FIVE,
  PRC_RTPD_LMP: 'REAL_TIME_15_MIN',
  PRC_HASP_LMP: 'HOUR_AHEAD_15_MIN',
};
const ERCOT_RUNS: Readonly<Record<string, string>> = {
  'np4-190-cd': 'DAY_AHEAD_HOURLY',
  'np6-905-cd': 'REAL_TIME_15_MIN',
  'np6-788-cd': FIVE,
};
const SPP_RUNS: Readonly<Record<string, string>> = {
  'da-lmp-by-settlement-location': 'DAY_AHEAD_HOURLY',
  'rtbm-lmp-by-location': FIVE,
};
const NYISO_RUNS: Readonly<Record<string, string>> = {
  damlbmp: 'DAY_AHEAD_HOURLY',
  rtlbmp: 'REAL_TIME_HOURLY',
  realtime: FIVE,
};
const MISO_REPORTS: Readonly<Record<string, { readonly run: string; readonly market: MisoMarket }>> = {
  da_expost_lmp: { run: 'DAY_AHEAD_HOURLY', market: 'day-ahead' },
  rt_lmp_prelim: { run: 'REAL_TIME_HOURLY', market: 'preliminary' },
  rt_lmp_final: { run: 'REAL_TIME_HOURLY', market: 'real-time' },
  GetRealTimeFiveMinExPost: { run: FIVE, market: 'real-time' },
  'lmp-expost': { run: FIVE, market: 'real-time' },
};

function priced(
  run: string | undefined,
  lmp: number,
  energy: number | null,
  congestion: number | null,
  loss: number | null,
): ExpectedPrice {
  return { run: run ?? unknown('run'), preliminary: false, lmp, energy, congestion, loss, ghg: null };
}

function found<Each>(list: readonly Each[], isIt: (each: Each) => boolean, name: string): Each {
  return list.find(isIt) ?? unknown(name);
}

function unknown(name: string): never {
  throw new TypeError(`the stand-in has no ${name}`);
}

function cents(price: number): number {
  // Adding 0 makes -0 an ordinary 0.
  return Math.round(price * 100) / 100 + 0;
}
