import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import type { Batch, Cell, Column, ColumnType } from './columns.ts';
import { textFrom } from './values.ts';

/** Rows of a row group, which is in memory as a whole. */
const GROUP_ROWS = 65_536;

/**
 * Parquet in row groups of 65,536 rows, compressed by snappy: instants as timestamps (ms, UTC), names as dictionaries, exact
 * decimals as text. Units are in the file's metadata.
 */
export async function* parquetFrom(
  columns: readonly Column[],
  batches: AsyncIterable<Batch>,
): AsyncGenerator<Uint8Array> {
  const bytes = new TakenBytes();
  const writer = new ParquetWriter({ writer: bytes, schema: schemaOf(columns), kvMetadata: unitsOf(columns) });
  let group = columns.map(() => [] as Value[]);
  const flush = () => {
    const columnData = columns.map((column, place) => sourceOf(column, group[place] ?? []));
    writer.write({ columnData, rowGroupSize: GROUP_ROWS });
    group = columns.map(() => []);
  };
  const valueFrom = columns.map((column) => valueReader(column));
  for await (const { lead, rows } of batches) {
    for (const row of rows) {
      for (let place = 0; place < columns.length; place++) {
        const cell: Cell = (place < lead.length ? lead[place] : row[place - lead.length]) ?? null;
        group[place]?.push(cell === null ? null : (valueFrom[place]?.(cell) ?? null));
      }
      if (group[0]?.length === GROUP_ROWS) {
        flush();
        yield bytes.take();
      }
    }
  }
  if (group[0]?.length) flush();
  writer.finish();
  yield bytes.take();
}

type Value = number | bigint | string | null;

/** Counts on through the whole file, and keeps only what nobody has taken yet. */
class TakenBytes extends ByteWriter {
  take(): Uint8Array {
    const taken = this.getBytes().slice();
    this.index = 0;
    return taken;
  }
}

type Physical = Omit<SchemaElement, 'name'>;

const TEXT: Physical = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
const PHYSICAL: Readonly<Record<ColumnType, Physical>> = {
  text: TEXT,
  name: TEXT,
  decimal: TEXT,
  flags: TEXT,
  double: { type: 'DOUBLE' },
  integer: { type: 'INT32' },
  instant: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  },
};

function schemaOf(columns: readonly Column[]): SchemaElement[] {
  const elements = columns.map(
    ({ name, type, nullable }): SchemaElement => ({
      name,
      ...PHYSICAL[type],
      repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED',
    }),
  );
  return [{ name: 'export', num_children: columns.length }, ...elements];
}

function unitsOf(columns: readonly Column[]) {
  return columns.flatMap(({ name, unit }) => (unit === undefined ? [] : [{ key: `unit.${name}`, value: unit }]));
}

function sourceOf({ name, type }: Column, data: Value[]): ColumnSource {
  if (type === 'name' || type === 'flags') return { name, data, encoding: 'RLE_DICTIONARY' };
  // As they are: a dictionary would take −0 for 0.
  if (type === 'double') return { name, data, encoding: 'PLAIN' };
  return type === 'instant' ? { name, data, encoding: 'DELTA_BINARY_PACKED' } : { name, data };
}

function valueReader(column: Column): (cell: string) => Value {
  switch (column.type) {
    case 'double':
    case 'integer':
      return Number;
    case 'instant':
      return BigInt;
    default:
      return (cell) => textFrom(column, cell);
  }
}
