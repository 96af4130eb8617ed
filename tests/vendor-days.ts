/**
 * Days as vendors write them, of prices made up here: what a day should be in the store, and the files that say it. Clocks
 * come from `market-clock.cases.ts`, by plain arithmetic; nothing here knows the feeds or a time zone database.
 */
import { writtenWallTime } from '../domain/market-clock.cases.ts';

const HOUR = 3_600_000;

/** A price in cents, as it should be stored; null: the vendor does not publish it. */
export interface Truth {
  readonly node: string;
  readonly start: number;
  readonly end: number;
  readonly lmp: number;
  readonly energy: number | null;
  readonly congestion: number | null;
  readonly loss: number | null;
}

export interface VendorFile {
  readonly name: string;
  readonly text: string;
}

/** A report of a vendor, and how a day of it is written. */
export interface VendorReport {
  readonly feed: string;
  readonly report: string;
  readonly market: string;
  readonly run: string;
  readonly minutes: number;
  readonly nodes: readonly string[];
  /** Which parts of a price the vendor publishes, or lets one reckon. */
  readonly hasParts: boolean;
  /** Where a day would be hundreds of files: how many of its first intervals are enough, past the change of clocks. */
  readonly intervalsMax?: number;
  write(day: string, truth: readonly Truth[]): readonly VendorFile[];
}

/** Every interval of a day of the market's clock, node by node within an interval. */
export function truthOf({ market, minutes, nodes, hasParts, intervalsMax }: VendorReport, day: string): Truth[] {
  const step = (minutes * HOUR) / 60;
  const first = Date.parse(`${day}T00:00Z`);
  const starts = Array.from({ length: (40 * HOUR) / step }, (_, place) => first + place * step);
  const isIn = (start: number) => dateOf(writtenWallTime(market, start)) === day;
  const ofDay = starts.filter(isIn).slice(0, intervalsMax);
  return ofDay.flatMap((start) =>
    nodes.map((node, place) => {
      const energy = (((start / step) * 37) % 2003) - 300;
      const congestion = ((start / step) * 11 + place * 401) % 700;
      const loss = (place * 31 + (start / step) * 3) % 90;
      const parts = hasParts ? { energy, congestion, loss } : { energy: null, congestion: null, loss: null };
      return { node: `${market}:${node}`, start, end: start + step, lmp: energy + congestion + loss, ...parts };
    }),
  );
}

const text = (cents: number | null) => (cents === null ? '' : (cents / 100).toFixed(2));
/** As some vendors write it, without the zero before the point: `.15`, `-.07`. */
const short = (cents: number | null) => text(cents).replace(/^(-?)0\./, '$1.');
const value = (cents: number | null) => (cents === null ? null : cents / 100);
const localName = (node: string) => node.slice(node.indexOf(':') + 1);
const dateOf = (wall: Date) => wall.toISOString().slice(0, 10);
const timeOf = (wall: Date) => wall.toISOString().slice(11, 16);
const isoOf = (wall: Date) => wall.toISOString().slice(0, 19);
const usDate = (wall: Date) => dateOf(wall).replace(/(\d+)-(\d+)-(\d+)/, '$2/$3/$1');
const barDate = (wall: Date) => `${wall.getUTCMonth() + 1}/${wall.getUTCDate()}/${wall.getUTCFullYear()}`;
const compact = (day: string) => day.replaceAll('-', '');
const lines = (...all: readonly string[]) => `${all.join('\n')}\n`;

const central = (instant: number) => writtenWallTime('SPP', instant);
const eastern = (instant: number) => writtenWallTime('PJM', instant);

/** Whether the clock showed the same an hour ago. */
function isRepeated(market: string, instant: number): boolean {
  return +writtenWallTime(market, instant) === +writtenWallTime(market, instant - HOUR);
}

const PJM = { feed: 'pjm-lmp', market: 'PJM', nodes: ['WESTERN HUB', 'AEP-DAYTON HUB'], hasParts: true } as const;
const ERCOT = { feed: 'ercot-lmp', market: 'ERCOT', nodes: ['HB_NORTH', 'LZ_WEST'], hasParts: false } as const;
const MISO = { feed: 'miso-lmp', market: 'MISO', nodes: ['MINN.HUB', 'INDIANA.HUB'], hasParts: true } as const;
const SPP = { feed: 'spp-lmp', market: 'SPP', nodes: ['SPPNORTH_HUB', 'SWPW/AVA'], hasParts: true } as const;
const NYISO = { feed: 'nyiso-lmp', market: 'NYISO', nodes: ['CAPITL', 'N.Y.C.', 'WEST'], hasParts: true } as const;
const ISONE = { feed: 'isone-lmp', market: 'ISONE', nodes: ['.H.INTERNAL_HUB', '.Z.MAINE'], hasParts: true } as const;
const CAISO = {
  feed: 'caiso-lmp',
  market: 'CAISO',
  nodes: ['TH_NP15_GEN-APND', 'PALOVRDE_5_N101'],
  hasParts: true,
} as const;

export const VENDOR_REPORTS: readonly VendorReport[] = [
  pjm('da_hrl_lmps', 'DAY_AHEAD_HOURLY', 60, 'da', 'page'),
  pjm('rt_hrl_lmps', 'REAL_TIME_HOURLY', 60, 'rt', 'download'),
  pjm('rt_fivemin_hrl_lmps', 'REAL_TIME_5_MIN', 5, 'rt', 'versions'),
  pjm('rt_unverified_fivemin_lmps', 'REAL_TIME_5_MIN', 5, 'rt', 'unverified'),
  ercotDayAhead('JSON'),
  ercotDayAhead('CSV'),
  ercotRealTime('JSON'),
  ercotRealTime('CSV'),
  ercotDispatch('JSON'),
  ercotDispatch('CSV'),
  misoDayFile('da_expost_lmp', 'DAY_AHEAD_HOURLY'),
  misoDayFile('rt_lmp_final', 'REAL_TIME_HOURLY'),
  misoDisplay(),
  sppDayAhead('the longest form', usDate),
  sppDayAhead('the shortest form', barDate),
  sppRealTime(),
  nyisoHourly('damlbmp', 'DAY_AHEAD_HOURLY'),
  nyisoHourly('rtlbmp', 'REAL_TIME_HOURLY'),
  nyisoRealTime('zone'),
  nyisoRealTime('gen'),
  isone('hourlylmp_da_final', 'DAY_AHEAD_HOURLY', 60),
  isone('fiveminutelmp_final', 'REAL_TIME_5_MIN', 5),
  caiso('PRC_LMP', 'DAM', 'DAY_AHEAD_HOURLY', 60, 'MW'),
  caiso('PRC_INTVL_LMP', 'RTM', 'REAL_TIME_5_MIN', 5, 'VALUE'),
  caiso('PRC_RTPD_LMP', 'RTPD', 'REAL_TIME_15_MIN', 15, 'PRC'),
];

type PjmForm = 'page' | 'download' | 'versions' | 'unverified';

function pjm(report: string, run: string, minutes: number, suffix: string, form: PjmForm): VendorReport {
  const names: readonly string[] = PJM.nodes;
  const item = ({ node, start, lmp, energy, congestion, loss }: Truth, cents = 0, version = 1) => ({
    datetime_beginning_utc: `${isoOf(new Date(start))}${form === 'download' ? '.000' : ''}`,
    datetime_beginning_ept: isoOf(eastern(start)),
    pnode_id: names.indexOf(localName(node)) + 1,
    pnode_name: localName(node),
    voltage: null,
    equipment: null,
    type: 'HUB',
    zone: null,
    [`total_lmp_${suffix}`]: (lmp + cents) / 100,
    [`congestion_price_${suffix}`]: value(congestion),
    [`marginal_loss_price_${suffix}`]: value(loss),
    ...(form !== 'unverified' && {
      [`system_energy_price_${suffix}`]: ((energy ?? 0) + cents) / 100,
      row_is_current: cents === 0,
      version_nbr: version,
    }),
  });
  return {
    ...PJM,
    report,
    run,
    minutes,
    write: (day, truth) => {
      // The older version of every price comes after the newer one.
      const items =
        form === 'versions'
          ? truth.flatMap((each) => [item(each, 0, 2), item(each, 123, 1)])
          : truth.map((each) => item(each));
      const page = { links: [{ rel: 'metadata', href: `https://api.pjm.com/api/v1/${report}/metadata` }], items };
      const whole = form === 'download' ? items : { ...page, totalRows: items.length };
      return [{ name: `${report}_${day}.json`, text: JSON.stringify(whole) }];
    },
  };
}

type ErcotForm = 'JSON' | 'CSV';

function ercotPage(emil: string, fields: readonly string[], data: readonly (readonly unknown[])[]): string {
  const named = fields.map((name) => ({ name, dataType: 'VARCHAR' }));
  const meta = { totalRecords: data.length, pageSize: 100_000, totalPages: 1, currentPage: 1 };
  return JSON.stringify({ _meta: meta, report: { reportEMIL: emil }, fields: named, data, _links: {} });
}

function ercotDayAhead(form: ErcotForm): VendorReport {
  return {
    ...ERCOT,
    report: `np4-190-cd in ${form}`,
    run: 'DAY_AHEAD_HOURLY',
    minutes: 60,
    write: (day, truth) => {
      const rows = truth.map(({ node, start, lmp }) => {
        const wall = central(start);
        const hour = `${String(wall.getUTCHours() + 1).padStart(2, '0')}:00`;
        return { wall, hour, point: localName(node), lmp, repeated: isRepeated('ERCOT', start) };
      });
      if (form === 'CSV') {
        const cells = rows.map(({ wall, hour, point, lmp, repeated }) =>
          [usDate(wall), hour, point, text(lmp), repeated ? 'Y' : 'N'].join(','),
        );
        const header = 'DeliveryDate,HourEnding,SettlementPoint,SettlementPointPrice,DSTFlag';
        return [
          {
            name: `cdr.00012331.0000000000000000.${compact(day)}.120000.DAMSPNP4190.csv`,
            text: lines(header, ...cells),
          },
        ];
      }
      // Not in the order of the columns of the CSV.
      const fields = ['DSTFlag', 'settlementPoint', 'hourEnding', 'deliveryDate', 'settlementPointPrice'];
      const data = rows.map((row) => [row.repeated, row.point, row.hour, dateOf(row.wall), value(row.lmp)]);
      return [{ name: `np4-190-cd_${day}.json`, text: ercotPage('NP4-190-CD', fields, data) }];
    },
  };
}

function ercotRealTime(form: ErcotForm): VendorReport {
  return {
    ...ERCOT,
    report: `np6-905-cd in ${form}`,
    run: 'REAL_TIME_15_MIN',
    minutes: 15,
    write: (day, truth) => {
      const data = truth.map(({ node, start, lmp }) => {
        const wall = central(start);
        const point = localName(node);
        const type = point.startsWith('LZ') ? 'LZ' : 'HU';
        const quarter = wall.getUTCMinutes() / 15 + 1;
        return [wall, wall.getUTCHours() + 1, quarter, point, type, lmp, isRepeated('ERCOT', start)] as const;
      });
      if (form === 'CSV') {
        const header =
          'DeliveryDate,DeliveryHour,DeliveryInterval,SettlementPointName,SettlementPointType,SettlementPointPrice,DSTFlag';
        const cells = data.map(([wall, hour, quarter, point, type, lmp, flag]) =>
          [usDate(wall), hour, quarter, point, type, `   ${text(lmp)}`, flag ? 'y' : 'n'].join(','),
        );
        return [{ name: `np6-905-cd ${day}.csv`, text: lines(header, ...cells) }];
      }
      const names = ['deliveryDate', 'deliveryHour', 'deliveryInterval', 'settlementPoint', 'settlementPointType'];
      const rows = data.map(([wall, hour, quarter, point, type, lmp, flag]) => [
        dateOf(wall),
        hour,
        quarter,
        point,
        type,
        value(lmp),
        flag,
      ]);
      const fields = [...names, 'settlementPointPrice', 'DSTFlag'];
      return [{ name: `np6-905-cd_${day}.json`, text: ercotPage('NP6-905-CD', fields, rows) }];
    },
  };
}

function ercotDispatch(form: ErcotForm): VendorReport {
  return {
    ...ERCOT,
    report: `np6-788-cd in ${form}`,
    run: 'REAL_TIME_5_MIN',
    minutes: 5,
    write: (day, truth) => {
      if (form === 'CSV') {
        const rows = truth.map(({ node, start, lmp }) => {
          const stamp = `${usDate(central(start))} ${timeOf(central(start))}:00`;
          return [stamp, isRepeated('ERCOT', start) ? 'Y' : 'N', localName(node), text(lmp).padStart(12)].join(',');
        });
        const header = 'SCEDTimestamp,RepeatedHourFlag,SettlementPoint,LMP';
        return [{ name: `LMPSROSNODENP6788_${compact(day)}.csv`, text: lines(header, ...rows) }];
      }
      const fields = ['SCEDTimestamp', 'repeatHourFlag', 'settlementPoint', 'LMP'];
      const rows = truth.map(({ node, start, lmp }) => [
        isoOf(central(start)),
        isRepeated('ERCOT', start),
        localName(node),
        value(lmp),
      ]);
      return [{ name: `np6-788-cd_${day}.json`, text: ercotPage('NP6-788-CD', fields, rows) }];
    },
  };
}

function misoDayFile(report: string, run: string): VendorReport {
  const titles: Record<string, string> = {
    da_expost_lmp: 'Day Ahead Market ExPost LMPs',
    rt_lmp_final: 'Real Time Market Final LMPs',
  };
  return {
    ...MISO,
    report,
    run,
    minutes: 60,
    write: (day, truth) => {
      const row = (node: string, kind: string, of: (each: Truth) => number | null) =>
        [
          node,
          'Hub',
          kind,
          ...truth.filter((each) => localName(each.node) === node).map((each) => short(of(each))),
        ].join(',');
      const rows = [
        ...MISO.nodes.map((node) => row(node, 'LMP', ({ lmp }) => lmp)),
        ...MISO.nodes.map((node) => row(node, 'MCC', ({ congestion }) => congestion)),
        ...MISO.nodes.map((node) => row(node, 'MLC', ({ loss }) => loss)),
      ];
      const header = `Node,Type,Value,${Array.from({ length: 24 }, (_, i) => `HE ${i + 1}`).join(',')}`;
      const date = day.replace(/(\d+)-(\d+)-(\d+)/, '$2/$3/$1');
      const head = [titles[report] ?? '', date, '', ',,,All Hours-Ending are Eastern Standard Time (EST)', header];
      return [{ name: `${compact(day)}_${report}.csv`, text: lines(...head, ...rows) }];
    },
  };
}

function misoDisplay(): VendorReport {
  return {
    ...MISO,
    report: 'GetRealTimeFiveMinExPost',
    run: 'REAL_TIME_5_MIN',
    minutes: 5,
    write: (day, truth) => {
      const data = truth.map(({ node, start, lmp, congestion, loss }) => {
        const texts = [lmp, loss, congestion].map((each) => String(value(each)));
        return [isoOf(writtenWallTime('MISO', start)), localName(node), ...texts];
      });
      const headers = ['INTERVAL', 'CPNODE', 'LMP', 'MLC', 'MCC'];
      return [{ name: `GetRealTimeFiveMinExPost_Rolling_${day}.json`, text: JSON.stringify({ headers, data }) }];
    },
  };
}

const SPP_HEADER = 'Interval,GMTIntervalEnd,BAA,Settlement Location,Pnode,LMP,MLC,MCC,MEC';

function sppRow(end: number, dateIn: (wall: Date) => string, { node, lmp, energy, congestion, loss }: Truth): string {
  const name = localName(node);
  const [area, location] = name.startsWith('SWPW/') ? ['SWPW', name.slice(5)] : ['SPP', name];
  const seconds = dateIn === usDate ? ':00' : '';
  const stamp = (wall: Date) => `${dateIn(wall)} ${timeOf(wall)}${seconds}`;
  const prices = [lmp, loss, congestion, energy].map(text);
  return [stamp(central(end)), stamp(new Date(end)), area, location, location, ...prices].join(',');
}

function sppDayAhead(report: string, dateIn: (wall: Date) => string): VendorReport {
  return {
    ...SPP,
    report: `DA-LMP-SL with dates in ${report}`,
    run: 'DAY_AHEAD_HOURLY',
    minutes: 60,
    write: (day, truth) => {
      const header = dateIn === usDate ? SPP_HEADER : SPP_HEADER.toUpperCase().replaceAll(' ', '_');
      const rows = truth.map((each) => sppRow(each.end, dateIn, each));
      return [{ name: `DA-LMP-SL-${compact(day)}0100.csv`, text: lines(header, ...rows) }];
    },
  };
}

/** A file an interval, named by its end on the clock; those of the repeated hour end in `d`. */
function sppRealTime(): VendorReport {
  return {
    ...SPP,
    report: 'RTBM-LMP-SL',
    intervalsMax: 48,
    run: 'REAL_TIME_5_MIN',
    minutes: 5,
    write: (_day, truth) => {
      const ends = [...new Set(truth.map(({ end }) => end))];
      return ends.map((end) => {
        const stamp = `${compact(dateOf(central(end)))}${timeOf(central(end)).replace(':', '')}`;
        const rows = truth.filter((each) => each.end === end).map((each) => sppRow(end, usDate, each));
        return {
          name: `RTBM-LMP-SL-${stamp}${isRepeated('SPP', end) ? 'd' : ''}.csv`,
          text: lines(SPP_HEADER, ...rows),
        };
      });
    },
  };
}

const NYISO_HEADER =
  '"Time Stamp","Name","PTID","LBMP ($/MWHr)","Marginal Cost Losses ($/MWHr)","Marginal Cost Congestion ($/MWHr)"';

function nyisoRow(stamp: string, { node, lmp, congestion, loss }: Truth): string {
  return `"${stamp}","${localName(node)}",61757,${text(lmp)},${text(loss)},${text(-(congestion ?? 0))}`;
}

function nyisoHourly(report: string, run: string): VendorReport {
  return {
    ...NYISO,
    report: `${report}_zone`,
    run,
    minutes: 60,
    write: (day, truth) => {
      const rows = truth.map((each) => nyisoRow(`${usDate(eastern(each.start))} ${timeOf(eastern(each.start))}`, each));
      return [{ name: `${compact(day)}${report}_zone.csv`, text: lines(NYISO_HEADER, ...rows) }];
    },
  };
}

/** Stamps are ends; nothing but the order of the rows tells the two passes of the repeated hour apart. */
function nyisoRealTime(places: string): VendorReport {
  const nodes = places === 'zone' ? NYISO.nodes : ['ADK HUDSON___FALLS', '59TH STREET_GT_1'];
  return {
    ...NYISO,
    nodes,
    report: `realtime_${places}`,
    run: 'REAL_TIME_5_MIN',
    minutes: 5,
    write: (day, truth) => {
      const rows = truth.map((each) => nyisoRow(`${usDate(eastern(each.end))} ${timeOf(eastern(each.end))}:00`, each));
      return [{ name: `${compact(day)}realtime_${places}.csv`, text: lines(NYISO_HEADER, ...rows) }];
    },
  };
}

function isone(report: string, run: string, minutes: number): VendorReport {
  return {
    ...ISONE,
    report,
    run,
    minutes,
    write: (day, truth) => {
      const rows = truth.map(({ node, start, lmp, energy, congestion, loss }) => {
        const wall = writtenWallTime('ISONE', start);
        const offset = String((start - +wall) / HOUR).padStart(2, '0');
        return {
          BeginDate: `${isoOf(wall)}.000-${offset}:00`,
          Location: { '@LocId': '4000', '@LocType': 'HUB', $: localName(node) },
          LmpTotal: value(lmp),
          EnergyComponent: value(energy),
          CongestionComponent: value(congestion),
          LossComponent: value(loss),
        };
      });
      const [list, one] = minutes === 60 ? ['HourlyLmps', 'HourlyLmp'] : ['FiveMinLmps', 'FiveMinLmp'];
      return [{ name: `${report}_${compact(day)}.json`, text: JSON.stringify({ [list]: { [one]: rows } }) }];
    },
  };
}

/** OPR_HR counts on the clock, 25 for the repeated hour; the GMT instants are the truth. */
function caiso(report: string, marketRun: string, run: string, minutes: number, column: string): VendorReport {
  const types = ['LMP', 'MCE', 'MCC', 'MCL', 'MGHG'] as const;
  const cents = ({ lmp, energy, congestion, loss }: Truth) => ({
    LMP: lmp,
    MCE: energy,
    MCC: congestion,
    MCL: loss,
    MGHG: 0,
  });
  const item = { LMP: 'LMP_PRC', MCE: 'LMP_ENE_PRC', MCC: 'LMP_CONG_PRC', MCL: 'LMP_LOSS_PRC', MGHG: 'LMP_GHG_PRC' };
  return {
    ...CAISO,
    report,
    run,
    minutes,
    write: (day, truth) => {
      const header = `INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,OPR_INTERVAL,NODE_ID_XML,NODE_ID,NODE,MARKET_RUN_ID,LMP_TYPE,XML_DATA_ITEM,PNODE_RESMRID,GRP_TYPE,POS,${column},GROUP`;
      const rows = types.flatMap((type, group) =>
        truth.map((each) => {
          const wall = writtenWallTime('CAISO', each.start);
          const hour = isRepeated('CAISO', each.start) ? 25 : wall.getUTCHours() + 1;
          const name = localName(each.node);
          const gmt = [each.start, each.end].map((instant) => `${isoOf(new Date(instant))}-00:00`);
          const where = [name, name, name, marketRun, type, item[type], name, 'ALL', 0];
          return [...gmt, day, hour, 0, ...where, short(cents(each)[type]), group + 1].join(',');
        }),
      );
      return [
        {
          name: `${compact(day)}_${compact(day)}_${report}_${marketRun}_${compact(day)}_v12.csv`,
          text: lines(header, ...rows),
        },
      ];
    },
  };
}
