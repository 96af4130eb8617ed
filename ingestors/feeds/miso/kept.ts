import { BusbarError } from '../../../domain/errors.ts';
import type { Payload } from '../../feed.ts';
import { failedByPage, isMarkup } from './answers.ts';
import { openDayFile, VALUES } from './day-file.ts';
import { readFiveMinuteTable } from './five-minute-table.ts';

/**
 * Cuts an answer to the rows of some nodes, since MISO's documents hold all of its 2,600. What is left is the document that came,
 * in its own bytes, only shorter: it can be decoded by itself. A row that cannot be read is kept, for the decoder to tell.
 */
export interface Kept {
  readonly bytes: Buffer;
  readonly rows: number;
}

/**
 * @param nodes as MISO names them; undefined: all.
 * @throws BusbarError `MALFORMED` where the file is none, or its end is missing; `SOURCE_FAILED` for a page.
 */
export function keptOfDayFile(payload: Payload, nodes: ReadonlySet<string> | undefined): Kept {
  const { bytes } = payload;
  if (isMarkup(bytes)) throw failedByPage();
  const { head } = openDayFile(payload);
  const start = Buffer.byteLength(head);
  if (bytes.at(-1) !== LINE_END)
    throw new BusbarError('MALFORMED', `${payload.name} is cut off: its last line has no end`);
  const fields = head.slice(head.lastIndexOf('\n', head.length - 2) + 1).split(',').length;
  const all = linesOf(bytes, start);
  if (!isEven(all)) {
    throw new BusbarError('MALFORMED', `${payload.name} is cut off: not every node has as many rows as the others`);
  }
  const lines = all.filter((line) => isWanted(line.toString('utf8'), fields, nodes));
  return { bytes: Buffer.concat([bytes.subarray(0, start), ...lines]), rows: lines.length };
}

/** Throws as `keptOfDayFile` does. */
export async function keptOfDisplay(bytes: Buffer, nodes: ReadonlySet<string> | undefined): Promise<Kept> {
  if (isMarkup(bytes)) throw failedByPage();
  const rows: Buffer[] = [];
  let count = 0;
  const { from, to } = await readFiveMinuteTable(bytes, (row, start, end) => {
    if (row && nodes && !nodes.has(row.node)) return;
    count += 1;
    if (nodes) rows.push(COMMA, bytes.subarray(start, end));
  });
  if (!nodes) return { bytes, rows: count };
  return { bytes: Buffer.concat([bytes.subarray(0, from), ...rows.slice(1), bytes.subarray(to)]), rows: count };
}

const LINE_END = 0x0a;
const COMMA = Buffer.from(',');

/** Each with its end. */
function linesOf(bytes: Buffer, start: number): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = start; from < bytes.length; ) {
    const to = bytes.indexOf(LINE_END, from) + 1;
    lines.push(bytes.subarray(from, to));
    from = to;
  }
  return lines;
}

/** Whether there are as many rows of each value: a file that ends with a whole line may still end in the middle of a node. */
function isEven(lines: readonly Buffer[]): boolean {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const value = line.toString('latin1').split(',', 3)[2]?.trim();
    if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts.size === 0 || VALUES.every((value) => counts.get(value) === counts.get('LMP'));
}

function isWanted(line: string, fields: number, nodes: ReadonlySet<string> | undefined): boolean {
  if (line.trim() === '') return false;
  const values = line.split(',');
  return !nodes || values.length !== fields || line.includes('"') || nodes.has(values[0]?.trim() ?? '');
}
