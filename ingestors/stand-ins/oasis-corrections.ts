import { Temporal } from 'temporal-polyfill';
import { pacific, STAND_IN_REPORTS, type StandInReport } from './oasis-report.ts';

/** A price correction as the operator of the stand-in makes it. */
export interface OasisCorrection {
  /** Operating day, as in `2024-07-01`. */
  readonly day: string;
  /** As in PRC_INTVL_LMP. */
  readonly report: string;
  readonly node: string;
  /** Added to the LMP and to its congestion of every interval of the day, in $/MWh. */
  readonly delta: number;
}

export interface MadeCorrection {
  readonly report: StandInReport;
  readonly node: string;
  readonly delta: number;
  readonly from: number;
  readonly to: number;
  readonly madeAt: number;
}

/** @throws TypeError for a report that there is not, RangeError for a day that there is not. */
export function madeCorrection({ day, report: name, node, delta }: OasisCorrection, madeAt: number): MadeCorrection {
  const report = STAND_IN_REPORTS.find((each) => each.name === name);
  if (!report) throw new TypeError(`the stand-in has no report ${name}`);
  const start = Temporal.PlainDate.from(day).toZonedDateTime('America/Los_Angeles');
  const to = start.add({ days: 1 }).epochMilliseconds;
  return { report, node, delta, from: start.epochMilliseconds, to, madeAt };
}

/** What the corrections so far add to a price. */
export function correctionOf(
  corrections: readonly MadeCorrection[],
  report: StandInReport,
  node: string,
  startMs: number,
): number {
  return corrections
    .filter((each) => each.report === report && each.node === node && each.from <= startMs && startMs < each.to)
    .reduce((sum, { delta }) => sum + delta, 0);
}

/** What the group calls the markets; the real-time dispatch is not called RTM there. */
const MARKET_NAMES: Readonly<Record<string, string>> = { DAM: 'DAM', RTM: 'RTD', RTPD: 'RTPD', HASP: 'HASP' };

const NOTICE_HEADER =
  'TRADE_DATE,HOUR_ENDING,INTERVAL,MARKET,AFFECTED_AREA,CORRECTION_METHOD,CORRECTION_COUNT,ENERGY_TYPECODE,CORRECTION_REASON,REPORT_GENERATED';

/** The group as a notice: one row for each corrected hour, and one for each market without corrections that says so. */
export function noticeOf(corrections: readonly MadeCorrection[], dayStart: number, now: number): string {
  const date = `${pacific(dayStart).toPlainDate()} 00:00:00`;
  const rows = STAND_IN_REPORTS.flatMap((report) => {
    const market = MARKET_NAMES[report.marketRunId] ?? report.marketRunId;
    const made = corrections.filter((each) => each.report === report);
    if (made.length === 0) return [`${date},,,${market},,,,,No records found for report.,${pacificTime(now)}`];
    return made.flatMap(({ from, to, madeAt }) =>
      hoursOf(from, to).map(
        (hour) =>
          `${date},${hour},0,${market},CAISO,Recalculated,1,EN,"Software defect, recalculated",${pacificTime(madeAt)}`,
      ),
    );
  });
  return `${[NOTICE_HEADER, ...rows].join('\n')}\n`;
}

function hoursOf(from: number, to: number): number[] {
  return Array.from({ length: (to - from) / 3_600_000 }, (_, i) => i + 1);
}

/** `2024-07-10 16:20:31` */
function pacificTime(instantMs: number): string {
  return pacific(instantMs).toPlainDateTime().round('second').toString().replace('T', ' ');
}
