/**
 * What vendors really sent, taken in by `feeds ingest` and read from the store and the API, against what the files say when
 * they are read with a few lines of code that know nothing of the feeds.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FEEDS } from '../ingestors/feeds/index.ts';
import { createFileBench, type FileBench, type StoredPrice } from './support/file-bench.ts';
import { freshDatabase, type TestDatabase } from './support/postgres.ts';
import { RECORDED_DATA, requireOrSkip } from './support/services.ts';
import { type StoreGateway, startStoreGateway } from './support/store-gateway.ts';

const NOW = Date.parse('2026-11-21T12:00Z');
const HOUR = 3_600_000;
const [IDENTITY_BREACH, GHG_MISSING, UNALIGNED_INTERVAL] = [1, 2, 16];

const bytesOf = (file: string) => readFileSync(join(RECORDED_DATA, file));
const linesOf = (file: string) => bytesOf(file).toString().split(/\r?\n/).filter(Boolean);
const cents = (value: number) => Math.round(value * 100) / 100;
const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);

interface Recorded {
  readonly feed: string;
  readonly file: string;
  /** Every price in the file, in any order. */
  readonly prices: () => StoredPrice[];
  /** Of all LMPs, added up in decimal arithmetic. */
  readonly count: number;
  readonly nodes: number;
  readonly total: number;
  readonly min: number;
  readonly max: number;
  readonly negative: number;
  /** One row, read with the eye: node, start, LMP. */
  readonly row: readonly [node: string, start: string, lmp: number];
}

const RECORDED: readonly Recorded[] = [
  {
    feed: 'caiso-lmp',
    file: 'caiso/oasis_PRC_HASP_LMP_PALOVRDE_20240101_20240115.zip',
    prices: caisoPrices,
    count: 1344,
    nodes: 1,
    total: 72427.53762,
    min: -267.09415,
    max: 305.92398,
    negative: 44,
    row: ['CAISO:PALOVRDE_5_N101', '2024-01-01T07:00Z', 36.57843],
  },
  {
    feed: 'pjm-lmp',
    file: 'pjm/da_hrl_lmps_2024-02-20.json',
    prices: pjmPrices,
    count: 2,
    nodes: 2,
    total: 47.31215,
    min: 23.632196,
    max: 23.679954,
    negative: 0,
    row: ['PJM:MID-ATL/APS', '2024-02-20T05:00Z', 23.679954],
  },
  {
    feed: 'ercot-lmp',
    file: 'ercot/np4-190-cd_HB_HUBAVG_2025-11-02_dst_fallback.json',
    prices: ercotDayAhead,
    count: 25,
    nodes: 1,
    total: 814.62,
    min: 6.08,
    max: 76.42,
    negative: 0,
    row: ['ERCOT:HB_HUBAVG', '2025-11-02T07:00Z', 48.25],
  },
  {
    feed: 'ercot-lmp',
    file: 'ercot/np6-788_LMPSROSNODENP6788_20260625_004018_first49rows.csv',
    prices: ercotSced,
    count: 49,
    nodes: 49,
    total: 1280.84,
    min: -38.25,
    max: 31.96,
    negative: 1,
    row: ['ERCOT:AVIL_ESS_RN', '2026-06-25T05:40:18Z', 31.87],
  },
  {
    feed: 'miso-lmp',
    file: 'miso/20251102_da_expost_lmp_reduced_dst_day.csv',
    prices: misoPrices,
    count: 264,
    nodes: 11,
    total: 7642.56,
    min: -0.37,
    max: 60.92,
    negative: 1,
    row: ['MISO:AECI', '2025-11-02T23:00Z', 43.71],
  },
  {
    feed: 'spp-lmp',
    file: 'spp/DA-LMP-SL-202604120100_reduced_negative_day.csv',
    prices: sppPrices,
    count: 57,
    nodes: 7,
    total: -197.294,
    min: -26.4227,
    max: 28.1799,
    negative: 36,
    row: ['SPP:SPPSOUTH_HUB', '2026-04-13T04:00Z', -20],
  },
  {
    feed: 'nyiso-lmp',
    file: 'nyiso/realtime_zone_lbmp_20160218.csv',
    prices: nyisoPrices,
    count: 45,
    nodes: 15,
    total: 939.36,
    min: 18.6,
    max: 21.97,
    negative: 0,
    row: ['NYISO:WEST', '2016-02-18T05:40Z', 20.59],
  },
];

/** What is in the folder and is no price: kept whole as a dead letter, or told by the source itself to be nothing. */
const REFUSED: readonly (readonly [feed: string, file: string, outcome: string])[] = [
  ['caiso-lmp', 'caiso/oasis_error_1000_no_data.zip', 'NO_DATA'],
  ['caiso-lmp', 'errors/caiso_oasis_error_1000.xml', 'NO_DATA'],
  ['caiso-lmp', 'caiso/oasis_SLD_FCST_20230812.zip', 'NOT_THE_FORMAT'],
  ['caiso-lmp', 'caiso/oasis_SLD_FCST_xml_20140508.xml', 'NOT_THE_FORMAT'],
  ['caiso-lmp', 'caiso/oasis_ENE_SLRS_20130930.xml', 'NOT_THE_FORMAT'],
  ['pjm-lmp', 'pjm/da_marginal_value_2023-11-05_dst_fallback.json', 'NOT_THE_FORMAT'],
  ['pjm-lmp', 'pjm/rt_marginal_value_2023-11-05_dst_fallback.json', 'NOT_THE_FORMAT'],
  ['pjm-lmp', 'pjm/da_transconstraints_2023-11-05_dst_fallback.json', 'NOT_THE_FORMAT'],
  ['pjm-lmp', 'errors/pjm_dm2_error_shape.json', 'NOT_THE_FORMAT'],
  ['ercot-lmp', 'ercot/archive_np3-911-er_listing.json', 'NOT_THE_FORMAT'],
  ['ercot-lmp', 'ercot/np6-345_ACTUALSYSLOADWZN_20231118.zip', 'NOT_THE_FORMAT'],
  ['ercot-lmp', 'ercot/np3-561_LFCWEATHER_20231119.zip', 'NOT_THE_FORMAT'],
  ['ercot-lmp', 'errors/ercot_429_throttled.json', 'NOT_THE_FORMAT'],
  ['miso-lmp', 'errors/miso_pricing_404_zero_padded_interval.json', 'NO_DATA'],
  ['spp-lmp', 'spp/error_404_file_browser.json', 'NOT_THE_FORMAT'],
  ['spp-lmp', 'spp/interchange_trend_swpw_20260401.csv', 'NOT_THE_FORMAT'],
  ['nyiso-lmp', 'nyiso/20171122pal.csv', 'NOT_THE_FORMAT'],
  ['isone-lmp', 'isone/hourlysysload_20241103_dst_fallback.json', 'NOT_THE_FORMAT'],
  ['isone-lmp', 'isone/dayaheadhourlydemand_20241103_loc4001_dst_fallback.json', 'NOT_THE_FORMAT'],
];

describe.skipIf(!requireOrSkip('recorded-data'))('what vendors sent', () => {
  let db: TestDatabase;
  let bench: FileBench;
  let gateway: StoreGateway;
  const ledgerIds = new Map<string, number>();
  beforeAll(async () => {
    db = await freshDatabase();
    bench = createFileBench(db, NOW);
    gateway = await startStoreGateway({ db, clock: () => NOW });
  });
  afterAll(async () => {
    await gateway?.close();
    await db?.drop();
  });

  const ingest = async (feed: string, file: string, again = false) => {
    const outcome = await bench.ingest(feedNamed(feed), { path: join(RECORDED_DATA, file), again });
    if (!again) ledgerIds.set(file, outcome.ledgerId);
    return outcome;
  };

  describe.each(RECORDED)('$file', ({ feed, file, prices, count, nodes, total, min, max, negative, row }) => {
    test('is in the store price for price, and nothing of it is refused', async () => {
      const outcome = await ingest(feed, file);
      expect(outcome).toMatchObject({ rowsIn: count, written: count, revised: 0, unchanged: 0, rejected: 0 });
      const stored = await bench.prices(outcome.ledgerId);
      expect(stored).toEqual(prices().sort(byKey));
      expect(await bench.letters(outcome.ledgerId)).toEqual([]);
    });

    test('has the count, sum, extremes and row that stand here as literals', async () => {
      const stored = await bench.prices(ledgerIds.get(file));
      const lmps = stored.map(({ lmp }) => lmp);
      const [node, start, lmp] = row;
      expect([stored.length, new Set(stored.map((each) => each.node)).size]).toEqual([count, nodes]);
      expect(sum(lmps)).toBeCloseTo(total, 6);
      expect([Math.min(...lmps), Math.max(...lmps)]).toEqual([min, max]);
      expect(lmps.filter((each) => each < 0)).toHaveLength(negative);
      expect(stored.filter((each) => each.node === node && each.start === Date.parse(start))).toMatchObject([{ lmp }]);
      const keys = stored.map((each) => `${each.node} ${each.run} ${each.start}`);
      expect(new Set(keys).size).toBe(count);
    });

    test('comes out of the API as it is in the file', async () => {
      const expected = prices().sort(byKey);
      const [{ node, run, start } = fail()] = expected;
      const ofNode = expected.filter((each) => each.node === node && each.run === run);
      const end = Math.max(...ofNode.map((each) => each.end));
      const { lmps } = await gateway.answer(LMPS, { nodes: [node], run, from: iso(start), to: iso(end) });
      const answered = lmps.edges.map(({ node: each }: { node: Record<string, unknown> }) => each);
      expect(answered).toEqual(
        ofNode.map((each) => ({
          start: iso(each.start),
          end: iso(each.end),
          lmp: each.lmp,
          energy: each.energy,
          congestion: each.congestion,
          loss: each.loss,
        })),
      );
    });

    test('changes nothing when it comes once more, even where it is decoded again', async () => {
      const before = await bench.state();
      expect(await ingest(feed, file, false)).toMatchObject({ written: 0, revised: 0, rejected: 0 });
      const again = await ingest(feed, file, true);
      expect(again).toMatchObject({ duplicateOf: undefined, written: 0, revised: 0, unchanged: count, rejected: 0 });
      expect(await bench.state()).toEqual(before);
    });
  });

  test.each(REFUSED)('%s refuses %s: %s', async (feed, file, code) => {
    const outcome = await ingest(feed, file);
    expect(outcome).toMatchObject({ written: 0, revised: 0 });
    const letters = await bench.letters(outcome.ledgerId);
    if (code === 'NO_DATA') {
      expect(outcome).toMatchObject({ rejected: 0, noData: expect.any(String) });
      expect(letters).toEqual([]);
      return;
    }
    expect(letters.map((each) => each.code)).toEqual([code]);
    expect(letters[0]?.raw.equals(bytesOf(file))).toBe(true);
    const before = await bench.state();
    await ingest(feed, file);
    expect((await bench.state()).letters).toBe(before.letters);
  });

  test('the day on which Texas sets its clocks back has 25 hours in their order, and the flag tells the two', async () => {
    const answer = await gateway.answer(SERIES, {
      nodes: ['ERCOT:HB_HUBAVG'],
      from: '2025-11-02T05:00:00Z',
      to: '2025-11-03T06:00:00Z',
    });
    const [{ start, lmp }] = answer.lmpSeries;
    expect(start).toEqual(Array.from({ length: 25 }, (_, hour) => iso(Date.parse('2025-11-02T05:00Z') + hour * HOUR)));
    expect(lmp.slice(0, 4)).toEqual([56.16, 46.44, 48.25, 52.27]);
    expect(lmp.at(-1)).toBe(22.32);
  });

  test('CKW’s day has four parts of 96 quarter hours, and each says what the file says to the last digit', async () => {
    const file = 'ckw/dynamische-preise_2026-09-28.json';
    const outcome = await ingest('ckw-tariffs', file);
    expect(outcome).toMatchObject({ rowsIn: 384, written: 384, rejected: 0 });
    const { prices, publication_timestamp: published } = JSON.parse(bytesOf(file).toString());
    const asked = { from: '2026-09-27T22:00:00Z', to: '2026-09-28T22:00:00Z' };
    const { tariffs } = await gateway.answer(TARIFFS, asked);
    const found = new Map(tariffs.map((each: Tariff) => [`${each.type} ${each.start}`, each]));
    expect([tariffs.length, found.size]).toEqual([384, 384]);
    for (const price of prices) {
      for (const part of ['grid', 'electricity', 'integrated', 'grid_usage']) {
        const start = new Date(price.start_timestamp).toISOString();
        expect(found.get(`${part.toUpperCase()} ${start}`)).toMatchObject({
          end: new Date(price.end_timestamp).toISOString(),
          value: price[part][0].value,
          unit: 'CHF_kWh',
          quality: [],
          tariffName: 'home_dynamic',
          publishedAt: new Date(published).toISOString(),
        });
      }
    }
    const before = await bench.state();
    expect(await ingest('ckw-tariffs', file, true)).toMatchObject({ written: 0, revised: 0, unchanged: 384 });
    expect(await bench.state()).toEqual(before);
  });

  test('a price that comes in another of its vendor’s formats is the same price', async () => {
    const before = await bench.state();
    const day = JSON.parse(bytesOf('ercot/np4-190-cd_HB_HUBAVG_2025-11-02_dst_fallback.json').toString());
    const csv = day.data.map(([date, hour, point, price, flag]: (string | number | boolean)[]) => {
      const [year, month, ofMonth] = String(date).split('-');
      return `${month}/${ofMonth}/${year},${hour},${point},${price},${flag ? 'Y' : 'N'}`;
    });
    const header = 'DeliveryDate,HourEnding,SettlementPoint,SettlementPointPrice,DSTFlag';
    const ercot = await bench.ingestBytes(feedNamed('ercot-lmp'), 'saved.csv', [header, ...csv, ''].join('\r\n'));
    expect(ercot).toMatchObject({ rowsIn: 25, written: 0, revised: 0, unchanged: 25, rejected: 0 });
    const rows = JSON.parse(bytesOf('pjm/da_hrl_lmps_2024-02-20.json').toString()).items;
    const pjm = await bench.ingestBytes(feedNamed('pjm-lmp'), 'da_hrl_lmps.json', JSON.stringify(rows));
    expect(pjm).toMatchObject({ rowsIn: 2, written: 0, revised: 0, unchanged: 2, rejected: 0 });
    const { count, revisions, letters } = await bench.state();
    expect({ count, revisions, letters }).toEqual({
      count: before.count,
      revisions: before.revisions,
      letters: before.letters,
    });
  });

  test('components sum to the price within what RULES 1 allows, or the row is flagged', async () => {
    const tolerances: Record<string, number> = { PJM: 0.005, SPP: 0, ISONE: 0, MISO: 0, CAISO: 0.0001 };
    const stored = await bench.prices();
    for (const { node, lmp, energy, congestion, loss, ghg, quality } of stored) {
      const market = node.split(':')[0] ?? '';
      if (market === 'ERCOT') expect([energy, congestion, loss, ghg]).toEqual([null, null, null, null]);
      if (energy === null || congestion === null || loss === null) continue;
      const gap = Math.abs(lmp - energy - congestion - loss - (ghg ?? 0));
      const isWithin = gap <= (tolerances[market] ?? 0) + 1e-9;
      expect(isWithin || (quality & (IDENTITY_BREACH | GHG_MISSING)) !== 0, `${node} ${lmp}`).toBe(true);
    }
    // Greenhouse gas is what the recorded intervals of CAISO lack: in most of them the rest does not add up.
    const caiso = stored.filter(({ node }) => node.startsWith('CAISO'));
    const missing = caiso.filter((each) => Math.abs(each.lmp - sumOfParts(each)) > 0.0001);
    expect(missing.length).toBeGreaterThan(0);
    expect(caiso.every(({ quality }) => quality === GHG_MISSING)).toBe(true);
  });
});

const LMPS = `query ($nodes: [ID!]!, $run: MarketRun!, $from: DateTime!, $to: DateTime!) {
  lmps(nodes: $nodes, run: $run, from: $from, to: $to, first: 2000) {
    edges { node { start end lmp energy congestion loss } } } }`;

const SERIES = `query ($nodes: [ID!]!, $from: DateTime!, $to: DateTime!) {
  lmpSeries(nodes: $nodes, run: DAY_AHEAD_HOURLY, from: $from, to: $to) { start lmp } }`;

const TARIFFS = `query ($from: DateTime!, $to: DateTime!) {
  tariffs(from: $from, to: $to) { tariffName type start end value unit quality publishedAt } }`;

interface Tariff {
  readonly type: string;
  readonly start: string;
}

function caisoPrices(): StoredPrice[] {
  const [header = '', ...rows] = memberOf(bytesOf('caiso/oasis_PRC_HASP_LMP_PALOVRDE_20240101_20240115.zip'));
  const column = (name: string) => header.split(',').indexOf(name);
  const found = new Map<string, Record<string, number>>();
  for (const fields of rows.map((row) => row.split(','))) {
    const key = ['NODE', 'INTERVALSTARTTIME_GMT', 'INTERVALENDTIME_GMT'].map((name) => fields[column(name)]).join(' ');
    found.set(key, { ...found.get(key), [fields[column('LMP_TYPE')] ?? '']: Number(fields[column('MW')]) });
  }
  return [...found].map(([key, parts]) => {
    const [node, start = '', end = ''] = key.split(' ');
    const { LMP = Number.NaN, MCE = null, MCC = null, MCL = null } = parts;
    return price(`CAISO:${node}`, 'HOUR_AHEAD_15_MIN', gmt(start), gmt(end), [LMP, MCE, MCC, MCL], GHG_MISSING);
  });
}

function pjmPrices(): StoredPrice[] {
  const { items } = JSON.parse(bytesOf('pjm/da_hrl_lmps_2024-02-20.json').toString());
  return items.map((item: Record<string, number | string>) => {
    const start = Date.parse(`${item.datetime_beginning_utc}Z`);
    const names = ['total_lmp_da', 'system_energy_price_da', 'congestion_price_da', 'marginal_loss_price_da'];
    const [lmp = 0, ...parts] = names.map((name) => Number(item[name]));
    return price(`PJM:${item.pnode_name}`, 'DAY_AHEAD_HOURLY', start, start + HOUR, [lmp, ...parts]);
  });
}

/** Central Daylight Time is five hours behind UTC until 07:00 UTC of that day, Standard Time six from then on. */
function ercotDayAhead(): StoredPrice[] {
  const { data } = JSON.parse(bytesOf('ercot/np4-190-cd_HB_HUBAVG_2025-11-02_dst_fallback.json').toString());
  return data.map(([, hourEnding, point, lmp, flag]: [string, string, string, number, boolean]) => {
    const hour = Number(hourEnding.slice(0, 2));
    const offset = hour > 2 || flag ? 6 : 5;
    const end = Date.parse('2025-11-02T00:00Z') + (hour + offset) * HOUR;
    return price(`ERCOT:${point}`, 'DAY_AHEAD_HOURLY', end - HOUR, end, [lmp]);
  });
}

/** A run of the dispatch at 00:40:18 CDT: off the grid. */
function ercotSced(): StoredPrice[] {
  const start = Date.parse('2026-06-25T05:40:18Z');
  return linesOf('ercot/np6-788_LMPSROSNODENP6788_20260625_004018_first49rows.csv')
    .slice(1)
    .map((line) => {
      const [, , point, lmp] = line.split(',');
      return price(`ERCOT:${point}`, 'REAL_TIME_5_MIN', start, start + HOUR / 12, [Number(lmp)], UNALIGNED_INTERVAL);
    });
}

/** Eastern Standard Time on the day on which others set their clocks back: 24 hours from 05:00 UTC. */
function misoPrices(): StoredPrice[] {
  const rows = linesOf('miso/20251102_da_expost_lmp_reduced_dst_day.csv').map((line) => line.split(','));
  const valueIn = (node: string, value: string, hour: number) => {
    const text = rows.find((row) => row[0] === node && row[2] === value)?.[3 + hour];
    return text === undefined ? null : Number(text);
  };
  const nodes = rows.filter((row) => row[2] === 'LMP').map((row) => row[0] ?? '');
  return nodes.flatMap((node) =>
    Array.from({ length: 24 }, (_, hour) => {
      const start = Date.parse('2025-11-02T05:00Z') + hour * HOUR;
      const [lmp, mcc, mlc] = ['LMP', 'MCC', 'MLC'].map((value) => valueIn(node, value, hour)) as [
        number,
        number | null,
        number | null,
      ];
      const energy = mcc === null || mlc === null ? null : cents(lmp - mcc - mlc) + 0;
      return price(`MISO:${node}`, 'DAY_AHEAD_HOURLY', start, start + HOUR, [lmp, energy, mcc, mlc]);
    }),
  );
}

function sppPrices(): StoredPrice[] {
  return linesOf('spp/DA-LMP-SL-202604120100_reduced_negative_day.csv')
    .slice(1)
    .map((line) => {
      const [, gmtEnd = '', area, location, , lmp, loss, congestion, energy] = line.split(',');
      const [month, day, year] = gmtEnd.slice(0, 10).split('/');
      const end = Date.parse(`${year}-${month}-${day}T${gmtEnd.slice(11)}Z`);
      const node = area === 'SWPW' ? `SPP:SWPW/${location}` : `SPP:${location}`;
      const parts = [lmp, energy, congestion, loss].map(Number) as [number, number, number, number];
      return price(node, 'DAY_AHEAD_HOURLY', end - HOUR, end, parts);
    });
}

/** Eastern Standard Time in February, the stamp is the end; congestion comes with the other sign. */
function nyisoPrices(): StoredPrice[] {
  return linesOf('nyiso/realtime_zone_lbmp_20160218.csv')
    .slice(1)
    .map((line) => {
      const [stamp = '', node, , ...texts] = line.replaceAll('"', '').split(',');
      const [lbmp = 0, losses = 0, congestion = 0] = texts.map(Number);
      const end = Date.parse(`2016-02-18T${stamp.slice(11)}-05:00`);
      const parts = [lbmp, cents(lbmp - losses + congestion), 0 - congestion, losses] as const;
      return price(`NYISO:${node}`, 'REAL_TIME_5_MIN', end - HOUR / 12, end, parts);
    });
}

type Parts = readonly [lmp: number, ...(number | null)[]];

function price(node: string, run: string, start: number, end: number, parts: Parts, quality = 0): StoredPrice {
  const [lmp, energy = null, congestion = null, loss = null] = parts;
  return { node, run, start, end, lmp, energy, congestion, loss, ghg: null, quality };
}

function sumOfParts({ energy, congestion, loss }: StoredPrice): number {
  return (energy ?? 0) + (congestion ?? 0) + (loss ?? 0);
}

function byKey(a: StoredPrice, b: StoredPrice): number {
  if (a.node !== b.node) return a.node < b.node ? -1 : 1;
  return a.start - b.start;
}

/** `2024-01-01T07:00:00-00:00` */
function gmt(text: string): number {
  return Date.parse(`${text.slice(0, 19)}Z`);
}

const iso = (instant: number) => new Date(instant).toISOString();

function fail(): never {
  throw new Error('the file has prices');
}

function feedNamed(id: string) {
  const feed = FEEDS.find((each) => each.id === id);
  if (!feed) throw new Error(`there is no feed ${id}`);
  return feed;
}

/** The lines of the only member of a zip: its sizes stand in the directory at the end. */
function memberOf(zip: Buffer): string[] {
  const directory = zip.indexOf('PK\x01\x02');
  const size = zip.readUInt32LE(directory + 20);
  const from = 30 + zip.readUInt16LE(26) + zip.readUInt16LE(28);
  return inflateRawSync(zip.subarray(from, from + size))
    .toString()
    .split('\n')
    .filter(Boolean);
}
