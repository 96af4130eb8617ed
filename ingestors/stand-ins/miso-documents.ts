import { type MisoMarket, misoPrices, shortText } from './miso-prices.ts';

/** The documents of the MISO stand-in, in the real ones' columns and order. MISO's clock is five hours behind UTC all year. */
const EST_MS = -5 * 3_600_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
export const FIVE_MINUTES_MS = 300_000;

/** The start of a day, as `2025-11-02`; NaN for none. */
export function dayStart(day: string): number {
  const start = Date.parse(`${day}T00:00:00Z`) - EST_MS;
  // Else the 31st of November would be the first of December.
  return Number.isNaN(start) || dayAt(start) === day ? start : Number.NaN;
}

export function dayAt(instantMs: number): string {
  return label(instantMs).slice(0, 10);
}

/** `2025-11-02T00:05:00` */
function label(instantMs: number): string {
  return new Date(instantMs + EST_MS).toISOString().slice(0, 19);
}

interface FileKind {
  readonly title: string;
  readonly market: MisoMarket;
  /** When the file of a day that begins there is there, and until when. */
  readonly from: (start: number) => number;
  readonly until: (start: number) => number;
}

const finalFrom = (start: number) => start + 6 * DAY_MS + 9 * HOUR_MS;

/** When MISO takes a file away is not simulated but for preliminary ones, which final ones replace. */
export const FILES: Readonly<Record<string, FileKind>> = {
  da_expost_lmp: {
    title: 'Day Ahead Market ExPost LMPs',
    market: 'day-ahead',
    from: (start) => start - 11 * HOUR_MS,
    until: () => Number.POSITIVE_INFINITY,
  },
  rt_lmp_prelim: {
    title: 'Preliminary Real-Time LMPs',
    market: 'preliminary',
    from: (start) => start + 31 * HOUR_MS,
    until: finalFrom,
  },
  rt_lmp_final: {
    title: 'Final Real-Time LMPs',
    market: 'real-time',
    from: finalFrom,
    until: () => Number.POSITIVE_INFINITY,
  },
};

/** Rows of all LMP, then of all MCC, then of all MLC. */
export function dayFile(
  { title, market }: FileKind,
  start: number,
  nodes: readonly string[],
  blankLine: boolean,
): string {
  const hours = Array.from({ length: 24 }, (_, i) => i);
  const [year, month, day] = dayAt(start).split('-');
  const rows = (['lmp', 'mcc', 'mlc'] as const).flatMap((value) =>
    nodes.map((node) => {
      const prices = hours.map((hour) => shortText(misoPrices(market, node, start + hour * HOUR_MS)[value]));
      return `${node},${node.endsWith('.HUB') ? 'Hub' : 'Gennode'},${value.toUpperCase()},${prices.join(',')}`;
    }),
  );
  return [
    title,
    `${month}/${day}/${year}`,
    ...(blankLine ? [''] : []),
    ',,,All Hours-Ending are Eastern Standard Time (EST)',
    `Node,Type,Value,${hours.map((hour) => `HE ${hour + 1}`).join(',')}`,
    ...rows,
    '',
  ].join('\n');
}

/** The five-minute display of the intervals that begin in a range. */
export function display(from: number, to: number, nodes: readonly string[]): string {
  const data = startsIn(from, to).flatMap((start) =>
    nodes.map((node) => {
      const { lmp, mlc, mcc } = misoPrices('real-time', node, start);
      return [label(start), node, ...[lmp, mlc, mcc].map((price) => price.toFixed(2))];
    }),
  );
  return JSON.stringify({ headers: ['INTERVAL', 'CPNODE', 'LMP', 'MLC', 'MCC'], data });
}

/** Rows of the pricing API. */
export function pricingRows(market: MisoMarket, from: number, to: number, stepMs: number, nodes: readonly string[]) {
  return nodes.flatMap((node) =>
    startsIn(from, to, stepMs).map((start, i) => ({
      interval: String(i + 1),
      timeInterval: { start: label(start), end: label(start + stepMs) },
      node,
      ...misoPrices(market, node, start),
    })),
  );
}

function startsIn(from: number, to: number, stepMs = FIVE_MINUTES_MS): number[] {
  const first = Math.ceil(from / stepMs) * stepMs;
  return Array.from({ length: Math.max(0, Math.ceil((to - first) / stepMs)) }, (_, i) => first + i * stepMs);
}
