import type { Batch, Column } from './columns.ts';
import { createIsoText } from './iso-text.ts';
import { textFrom } from './values.ts';

/** Bytes are handed on in pieces of about this many characters. */
const CHUNK_CHARACTERS = 64 * 1024;

/** RFC 4180 with a header and line feeds: instants as ISO 8601, null as nothing, empty text as `""`. */
export async function* csvFrom(columns: readonly Column[], batches: AsyncIterable<Batch>): AsyncGenerator<Buffer> {
  const writers = columns.map(writerOf);
  let text = `${columns.map(({ name }) => name).join()}\n`;
  for await (const { lead, rows } of batches) {
    const start = lead.map((cell, place) => `${writers[place]?.(cell)},`).join('');
    const rest = writers.slice(lead.length);
    for (const row of rows) {
      let line = start;
      for (let place = 0; place < rest.length; place++) {
        const cell = row[place];
        if (place > 0) line += ',';
        if (cell != null) line += rest[place]?.(cell);
      }
      text += `${line}\n`;
      if (text.length >= CHUNK_CHARACTERS) {
        yield Buffer.from(text);
        text = '';
      }
    }
  }
  if (text !== '') yield Buffer.from(text);
}

function writerOf(column: Column): (cell: string) => string {
  switch (column.type) {
    case 'double':
    case 'integer':
    case 'decimal':
      return (cell) => cell;
    case 'instant': {
      const isoText = createIsoText();
      return (cell) => isoText(Number(cell));
    }
    default:
      return (cell) => quoted(textFrom(column, cell));
  }
}

const SPECIAL = /[",\r\n]|^$/;

function quoted(text: string): string {
  return SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
