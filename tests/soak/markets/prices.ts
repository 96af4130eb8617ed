import type pg from 'pg';
import { qualityFlags } from '../../../domain/quality.ts';
import type { PolledFeed } from '../../../ingestors/jobs/pollers.ts';
import {
  type ExpectedPrice,
  expectedPrice,
  expectedTariff,
  type PricedMarket,
} from '../../../ingestors/stand-ins/oracle.ts';
import { ms } from '../../../prisma/instants.ts';
import { readGaps } from '../../../prisma/operations/completeness.ts';
import type { Config } from '../../../runtime/config.ts';

/** What came of a feed's prices. */
export interface PricesSeen {
  /** Versions of prices that are stored, the superseded ones too. */
  readonly stored: number;
  /** Of those: which no report of the vendor says. */
  readonly wrong: number;
  /** Of those: the same of a price again. */
  readonly twice: number;
  /** By the feed's expectations, up to the end of the run. */
  readonly due: number;
  readonly missing: number;
  /** Missing ones that are in no gap, and gaps of what is not missing. */
  readonly unflagged: number;
}

export interface PricesAsked {
  readonly pool: pg.Pool;
  readonly config: Config;
  readonly feed: PolledFeed;
  readonly market: PricedMarket;
  /** Delivery intervals that start in `[from, now)`. */
  readonly from: number;
  readonly now: number;
}

export async function readPrices(asked: PricesAsked): Promise<PricesSeen> {
  const versions = await readVersions(asked.pool, asked.market);
  const said = createOracle(asked);
  const { due, missing, unflagged } = await readMissing(asked, versions);
  const seen = new Set(versions.map(textOf));
  const wrong = versions.filter((version) => !said(version)).length;
  return { stored: versions.length, wrong, twice: versions.length - seen.size, due, missing, unflagged };
}

interface Version {
  /** Without its market. */
  readonly node: string;
  readonly run: string;
  readonly start: number;
  readonly lmp: number;
  readonly energy: number | null;
  readonly congestion: number | null;
  readonly loss: number | null;
  readonly ghg: number | null;
  readonly preliminary: boolean;
}

const COLUMNS = `n.name AS node, run, ${ms('interval_start')} AS start, lmp, energy, congestion, loss, ghg, quality`;

async function readVersions(pool: pg.Pool, market: string): Promise<Version[]> {
  const { rows } = await pool.query<Omit<Version, 'preliminary'> & { readonly quality: number }>(
    `SELECT ${COLUMNS} FROM lmp JOIN pricing_node AS n ON n.id = node_id WHERE n.market_id = $1
     UNION ALL
     SELECT ${COLUMNS} FROM lmp_revision JOIN pricing_node AS n ON n.id = node_id WHERE n.market_id = $1`,
    [market],
  );
  return rows.map(({ quality, ...row }) => ({ ...row, preliminary: qualityFlags(quality).includes('PRELIMINARY') }));
}

function textOf({ node, run, start, lmp, preliminary }: Version): string {
  return JSON.stringify([node, run, start, lmp, preliminary]);
}

/** @returns whether one of the vendor's reports says it. */
function createOracle({ config, feed, market }: PricesAsked): (version: Version) => boolean {
  const reports = feed.source.partitions(config.settings(feed.source.env));
  return (version) =>
    reports.some((report) => {
      const price = said(market, report, version);
      return price !== undefined && isSame(price, version);
    });
}

/** @returns undefined where the oracle has no such report: not every partition is one. */
function said(market: PricedMarket, report: string, { node, start }: Version): ExpectedPrice | undefined {
  try {
    return expectedPrice(market, { report, node, startMs: start });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function isSame(price: ExpectedPrice, version: Version): boolean {
  if (price.run !== version.run || price.preliminary !== version.preliminary) return false;
  return (['lmp', 'energy', 'congestion', 'loss', 'ghg'] as const).every((part) => {
    const [expected, stored] = [price[part], version[part]];
    return expected === null || stored === null ? expected === stored : Math.abs(expected - stored) < 1e-5;
  });
}

/** Counts what is owed by itself, and compares it with the gaps that Busbar tells of. */
async function readMissing({ pool, config, feed, from, now }: PricesAsked, versions: readonly Version[]) {
  const there = new Set(versions.map(({ node, run, start }) => JSON.stringify([node, run, start])));
  const missing = new Set<string>();
  let due = 0;
  for (const owed of feed.source.expectations(config.settings(feed.source.env))) {
    const first = Math.ceil(from / owed.intervalMs) * owed.intervalMs;
    for (let start = first; start + owed.dueMs <= now && start < now; start += owed.intervalMs) {
      for (const node of owed.nodes) {
        due += 1;
        const isThere = there.has(JSON.stringify([node.slice(node.indexOf(':') + 1), owed.run, start]));
        if (!isThere) missing.add(JSON.stringify([owed.partition, node, start]));
      }
    }
  }
  const flagged = new Set<string>();
  for (const gap of (await readGaps(pool, { feed: feed.id, from, to: now }, now)) ?? []) {
    const stepMs = (gap.to - gap.from) / gap.intervals;
    for (let start = gap.from; start < gap.to; start += stepMs)
      flagged.add(JSON.stringify([gap.partition, gap.node, start]));
  }
  const untold = [...missing].filter((each) => !flagged.has(each)).length;
  const mistold = [...flagged].filter((each) => !missing.has(each)).length;
  return { due, missing: missing.size, unflagged: untold + mistold };
}

/** Of CKW's tariffs, which owe nothing that could be told. */
export async function readTariffs(pool: pg.Pool): Promise<PricesSeen> {
  const { rows } = await pool.query<{ name: string; type: string; start: number; value: number }>(
    `SELECT tariff_name AS name, lower(tariff_type::text) AS type, ${ms('interval_start')} AS start, value::float8
     FROM (SELECT tariff_name, tariff_type, interval_start, value FROM energy_prices
           UNION ALL
           SELECT tariff_name, tariff_type, interval_start, value FROM energy_prices_revision) AS versions`,
  );
  const wrong = rows.filter(({ name, type, start, value }) => {
    const part = (['grid', 'electricity', 'integrated', 'grid_usage'] as const).find((each) => each === type);
    return !part || Math.abs(expectedTariff(name, part, start) - value) > 1e-9;
  }).length;
  const seen = new Set(rows.map((row) => JSON.stringify(row)));
  return { stored: rows.length, wrong, twice: rows.length - seen.size, due: 0, missing: 0, unflagged: 0 };
}
