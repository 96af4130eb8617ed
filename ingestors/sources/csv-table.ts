import { isUtf8 } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import { BusbarError, messageOf } from '../../domain/errors.ts';

/** A table of text, read by the names of its columns: their order, their case and their blanks differ between vendors and days. */
export interface CsvTable {
  /** As `columnKey` makes them, in their order. */
  readonly columns: readonly string[];
  /** The header's line, for a reject that can be decoded by itself. */
  readonly header: string;
  readonly rows: readonly CsvRow[];
}

export interface CsvRow {
  /** The value in a column, trimmed; blank where the column or the value is missing. */
  get(column: string): string;
  readonly line: string;
  /** Another count of fields than the header has. */
  readonly ragged: boolean;
}

/** `Settlement Location`, `SETTLEMENT_LOCATION` and `settlementlocation` are one column. */
export function columnKey(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/**
 * @param isHeader finds the header, before which there may be a preamble; by default the first line that is not blank.
 * @throws BusbarError `MALFORMED` where there is no header, a column that is needed is missing, or the text is no CSV.
 */
export function readCsvTable(
  bytes: Buffer,
  needed: readonly string[],
  isHeader: (fields: readonly string[]) => boolean = () => true,
): CsvTable {
  const lines = linesOf(bytes);
  const at = lines.findIndex((fields) => fields.values.length > 0 && isHeader(fields.values));
  const header = lines[at];
  if (!header) throw new BusbarError('MALFORMED', 'there is no header line');
  const columns = header.values.map(columnKey);
  const missing = needed.filter((name) => !columns.includes(columnKey(name)));
  if (missing.length > 0)
    throw new BusbarError('MALFORMED', `there is no column ${missing.join(', ')}: ${header.line.slice(0, 300)}`);
  const places = new Map(columns.map((column, place) => [column, place]));
  return {
    columns,
    header: header.line,
    rows: lines.slice(at + 1).map(({ values, line }) => ({
      get: (column) => values[places.get(columnKey(column)) ?? -1]?.trim() ?? '',
      line,
      ragged: values.length !== columns.length,
    })),
  };
}

function linesOf(bytes: Buffer): { values: readonly string[]; line: string }[] {
  if (!isUtf8(bytes)) throw new BusbarError('MALFORMED', 'the text is not UTF-8');
  try {
    // Its types do not know the option `raw`.
    const parsed = parse(bytes, {
      bom: true,
      raw: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as { record: string[]; raw: string }[];
    return parsed.map(({ record, raw }) => ({ values: record, line: raw.replace(/\r?\n$/, '') }));
  } catch (error) {
    throw new BusbarError('MALFORMED', `the text is no CSV: ${messageOf(error)}`, { cause: error });
  }
}
