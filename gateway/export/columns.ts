import { epochMs } from '../reads/lmp-parts.ts';

/**
 * What kind of value a column holds:
 *
 * - `name`: text of which few distinct ones come, such as nodes; a dictionary where the format has them
 * - `double`: binary floating point of 64 bits
 * - `decimal`: an exact decimal number, as text without exponent
 * - `instant`: milliseconds UTC
 * - `flags`: quality flags, as the bits that are stored
 */
export type ColumnType = 'text' | 'name' | 'double' | 'integer' | 'decimal' | 'instant' | 'flags';

/** One column of an export. All formats are written from these declarations. */
export interface Column {
  /** As the GraphQL field that answers the same. */
  readonly name: string;
  readonly type: ColumnType;
  readonly unit?: string;
  readonly nullable: boolean;
  /** What the store selects; absent where all rows of a batch have the same, which the batch then says. */
  readonly sql?: string;
}

/** The text that Postgres writes for a value: the shortest that reads back as the same double, whole numbers, names. */
export type Cell = string | null;
export type Row = readonly Cell[];

/** Rows that begin with the same values. */
export interface Batch {
  /** Values of the first columns, for all rows. */
  readonly lead: readonly string[];
  /** Values of the columns after those. */
  readonly rows: readonly Row[];
}

const required = { nullable: false } as const;
const nullable = { nullable: true } as const;
const PER_MWH = 'USD/MWh';

/** Prices as they are stored, and as the field `lmps` shows them. */
export const LMP_COLUMNS: readonly Column[] = [
  { name: 'node', type: 'name', ...required },
  { name: 'run', type: 'name', ...required },
  { name: 'start', type: 'instant', unit: 'ms UTC', ...required, sql: 'interval_start' },
  { name: 'end', type: 'instant', unit: 'ms UTC', ...required, sql: 'interval_end' },
  { name: 'lmp', type: 'double', unit: PER_MWH, ...required, sql: 'lmp' },
  { name: 'energy', type: 'double', unit: PER_MWH, ...nullable, sql: 'energy' },
  { name: 'congestion', type: 'double', unit: PER_MWH, ...nullable, sql: 'congestion' },
  { name: 'loss', type: 'double', unit: PER_MWH, ...nullable, sql: 'loss' },
  { name: 'ghg', type: 'double', unit: PER_MWH, ...nullable, sql: 'ghg' },
  { name: 'revision', type: 'integer', ...required, sql: 'revision' },
  { name: 'quality', type: 'flags', ...required, sql: 'quality' },
  { name: 'publishedAt', type: 'instant', unit: 'ms UTC', ...required, sql: 'published_at' },
];

/** Points of a coarser resolution, as the field `lmpSeries` shows them: a gap has nulls. */
export const LMP_POINT_COLUMNS: readonly Column[] = [
  { name: 'node', type: 'name', ...required },
  { name: 'run', type: 'name', ...required },
  { name: 'start', type: 'instant', unit: 'ms UTC', ...required, sql: 'starts_at' },
  ...['lmp', 'energy', 'congestion', 'loss', 'min', 'max', 'open', 'close'].map(
    (name): Column => ({ name, type: 'double', unit: PER_MWH, ...nullable, sql: name }),
  ),
];

/** Trades in their highest version, as the field `trades` shows them. Of `trade AS t` and `pricing_node AS n`. */
export const TRADE_COLUMNS: readonly Column[] = [
  { name: 'id', type: 'text', ...required, sql: 't.trade_id' },
  { name: 'version', type: 'integer', ...required, sql: 't.version' },
  { name: 'status', type: 'name', ...required, sql: 't.status' },
  { name: 'tradedAt', type: 'instant', unit: 'ms UTC', ...required, sql: 't.ts' },
  { name: 'account', type: 'name', ...required, sql: 't.account' },
  { name: 'node', type: 'name', ...required, sql: "n.market_id || ':' || n.name" },
  { name: 'side', type: 'name', ...required, sql: 't.side' },
  { name: 'mw', type: 'double', unit: 'MW', ...required, sql: 'trim_scale(t.mw)' },
  { name: 'mwExact', type: 'decimal', unit: 'MW', ...required, sql: 't.mw' },
  { name: 'price', type: 'double', unit: PER_MWH, ...required, sql: 'trim_scale(t.price)' },
  { name: 'priceExact', type: 'decimal', unit: PER_MWH, ...required, sql: 't.price' },
  { name: 'minutes', type: 'integer', unit: 'min', ...required, sql: 't.minutes' },
  { name: 'recordedAt', type: 'instant', unit: 'ms UTC', ...required, sql: 't.recorded_at' },
];

const PNL_START: readonly Column[] = [
  { name: 'account', type: 'name', ...required },
  { name: 'node', type: 'name', ...required },
  { name: 'start', type: 'instant', unit: 'ms UTC', ...required, sql: 'starts_at' },
];

const money = (name: string, sql: string): Column => ({ name, type: 'decimal', unit: 'USD', ...nullable, sql });
const amounts = (position: { readonly nullable: boolean }): readonly Column[] => [
  { name: 'positionMw', type: 'double', unit: 'MWh', ...position, sql: 'trim_scale(position_mw)' },
  { name: 'lastPrice', type: 'double', unit: PER_MWH, ...nullable, sql: 'trim_scale(last_price)' },
  { ...money('realized', 'realized_pnl'), ...position },
  money('unrealized', 'unrealized_pnl'),
  money('total', 'total_pnl'),
];

/** Snapshots, as the field `pnlSeries` shows them at RAW. */
export const PNL_COLUMNS: readonly Column[] = [...PNL_START, ...amounts(required)];

/** Points of a coarser resolution, as the field `pnlSeries` shows them: a gap has nulls. */
export const PNL_POINT_COLUMNS: readonly Column[] = [
  ...PNL_START,
  ...amounts(nullable),
  money('totalMin', 'total_min'),
  money('totalMax', 'total_max'),
];

/** What a statement selects, in the order of the columns, for the cells of a row. */
export function selectList(columns: readonly Column[]): string {
  return columns.flatMap(({ type, sql }) => (sql === undefined ? [] : [selected(type, sql)])).join(', ');
}

function selected(type: ColumnType, sql: string): string {
  if (type === 'instant') return epochMs(sql);
  return type === 'decimal' ? `trim_scale(${sql})` : sql;
}
