import { arrowFrom } from './arrow.ts';
import type { Batch, Column } from './columns.ts';
import { csvFrom } from './csv.ts';
import { ndjsonFrom } from './ndjson.ts';
import { parquetFrom } from './parquet.ts';

export const FORMATS = ['csv', 'ndjson', 'arrow', 'parquet'] as const;
export type FormatName = (typeof FORMATS)[number];

export interface Format {
  /** As `Accept` names it. */
  readonly mediaType: string;
  readonly contentType: string;
  readonly extension: string;
  /** Whether it is text, which is compressed on the way for whoever takes that. */
  readonly text: boolean;
  /** Bytes as the batches come; no more is read than is taken. */
  encode(columns: readonly Column[], batches: AsyncIterable<Batch>): AsyncGenerator<Uint8Array>;
}

/** In the order of preference where a client takes several alike. */
export const FORMAT_OF: Readonly<Record<FormatName, Format>> = {
  csv: {
    mediaType: 'text/csv',
    contentType: 'text/csv; charset=utf-8; header=present',
    extension: 'csv',
    text: true,
    encode: csvFrom,
  },
  ndjson: {
    mediaType: 'application/x-ndjson',
    contentType: 'application/x-ndjson',
    extension: 'ndjson',
    text: true,
    encode: ndjsonFrom,
  },
  arrow: {
    mediaType: 'application/vnd.apache.arrow.stream',
    contentType: 'application/vnd.apache.arrow.stream',
    extension: 'arrows',
    text: false,
    encode: arrowFrom,
  },
  parquet: {
    mediaType: 'application/vnd.apache.parquet',
    contentType: 'application/vnd.apache.parquet',
    extension: 'parquet',
    text: false,
    encode: parquetFrom,
  },
};
