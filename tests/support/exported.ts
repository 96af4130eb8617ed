import { tableFromIPC } from 'apache-arrow';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import type { Column } from '../../gateway/export/columns.ts';
import type { FormatName } from '../../gateway/export/formats.ts';

type Value = number | string | readonly string[] | null;
export type Exported = Readonly<Record<string, Value>>;

/** Rows of an export as GraphQL shows values: instants as ISO 8601, doubles as numbers. Read by each format's stock reader. */
export async function exportedRows(
  format: FormatName,
  bytes: Uint8Array,
  columns: readonly Column[],
): Promise<Exported[]> {
  const rows = await READERS[format](bytes);
  return rows.map((row) =>
    Object.fromEntries(columns.map((column) => [column.name, shownValue(column, row[column.name])])),
  );
}

type Read = Readonly<Record<string, unknown>>;

const READERS: Readonly<Record<FormatName, (bytes: Uint8Array) => Read[] | Promise<Read[]>>> = {
  // What stands in quotes is text, also where it is empty.
  csv: (bytes) => parse(bytes, { columns: true, cast: (text, { quoting }) => (text === '' && !quoting ? null : text) }),
  ndjson: (bytes) =>
    Buffer.from(bytes)
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line)),
  arrow: (bytes) => tableFromIPC(bytes).toArray(),
  parquet: (bytes) => parquetReadObjects({ file: new Uint8Array(bytes).buffer }),
};

function shownValue({ name, type }: Column, value: unknown): Value {
  if (value === null) return null;
  if (value === undefined) throw new TypeError(`no column ${name}`);
  switch (type) {
    case 'double':
    case 'integer':
      return Number(value);
    case 'instant':
      return typeof value === 'number' || value instanceof Date ? new Date(value).toISOString() : String(value);
    case 'flags':
      if (Array.isArray(value)) return value;
      return value === '' ? [] : String(value).split('|');
    default:
      return String(value);
  }
}
