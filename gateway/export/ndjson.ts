import type { Batch, Column } from './columns.ts';
import { createIsoText } from './iso-text.ts';
import { flagsFrom } from './values.ts';

/** Bytes are handed on in pieces of about this many characters. */
const CHUNK_CHARACTERS = 64 * 1024;

/** One JSON object a line, with the values as GraphQL answers them: instants and decimals as text, flags as a list. */
export async function* ndjsonFrom(columns: readonly Column[], batches: AsyncIterable<Batch>): AsyncGenerator<Buffer> {
  const writers = columns.map(writerOf);
  const keys = columns.map(({ name }, place) => `${place === 0 ? '{' : ','}"${name}":`);
  let text = '';
  for await (const { lead, rows } of batches) {
    const start = lead.map((cell, place) => `${keys[place]}${writers[place]?.(cell)}`).join('');
    const restKeys = keys.slice(lead.length);
    const rest = writers.slice(lead.length);
    for (const row of rows) {
      let line = start;
      for (let place = 0; place < rest.length; place++) {
        const cell = row[place];
        line += restKeys[place];
        line += cell == null ? 'null' : rest[place]?.(cell);
      }
      text += `${line}}\n`;
      if (text.length >= CHUNK_CHARACTERS) {
        yield Buffer.from(text);
        text = '';
      }
    }
  }
  if (text !== '') yield Buffer.from(text);
}

function writerOf({ type }: Column): (cell: string) => string {
  switch (type) {
    case 'double':
    case 'integer':
      return (cell) => cell;
    case 'instant': {
      const isoText = createIsoText();
      return (cell) => `"${isoText(Number(cell))}"`;
    }
    case 'flags':
      return (cell) => JSON.stringify(flagsFrom(cell));
    default:
      return (cell) => JSON.stringify(cell);
  }
}
