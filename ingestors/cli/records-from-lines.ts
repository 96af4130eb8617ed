import { BusbarError } from '../../domain/errors.ts';
import type { Topic } from '../../schema/events/topics.ts';
import type { Feed } from '../feed.ts';
import type { OutgoingRecord } from '../sources/event-log.ts';

export interface LinesOfTopic {
  readonly topic: Topic;
  /** Its decoder is what holds the topic's records to their contract. Undefined: lines are taken as they are. */
  readonly feed: Feed | undefined;
}

const PROBLEMS_SHOWN_MAX = 10;

/**
 * Records from newline-delimited JSON, one a line, blank lines left out; each line's bytes are the value as they are.
 * @throws BusbarError `BAD_USER_INPUT` where there is none, or lines break the contract: all of them are counted, some shown.
 */
export async function recordsFromLines(text: Buffer, { topic, feed }: LinesOfTopic): Promise<OutgoingRecord[]> {
  const lines = linesOf(text);
  if (lines.length === 0) throw new BusbarError('BAD_USER_INPUT', 'there are no records: say one JSON object a line');
  if (feed) await requireContract(lines, feed);
  return lines.map(({ bytes }) => ({ key: keyOf(bytes, topic), value: bytes }));
}

interface Line {
  /** From one. */
  readonly number: number;
  readonly bytes: Buffer;
}

const NEWLINE = 0x0a;

function linesOf(text: Buffer): Line[] {
  const lines: Line[] = [];
  for (let number = 1, start = 0; start < text.length; number++) {
    const found = text.indexOf(NEWLINE, start);
    const end = found < 0 ? text.length : found;
    const bytes = text.subarray(start, text[end - 1] === 0x0d ? Math.max(start, end - 1) : end);
    if (bytes.some((byte) => byte > 0x20)) lines.push({ number, bytes });
    start = end + 1;
  }
  return lines;
}

async function requireContract(lines: readonly Line[], feed: Feed): Promise<void> {
  const problems: string[] = [];
  for (const { number, bytes } of lines) {
    const { rejects } = await feed.decode({ bytes, name: feed.id });
    for (const { reason } of rejects) problems.push(`line ${number}: ${reason}`);
  }
  if (problems.length === 0) return;
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX);
  const more = problems.length > shown.length ? [`… and ${problems.length - shown.length} more`] : [];
  const counts = `${problems.length} of ${lines.length} records break the contract of ${feed.id}, and nothing was published`;
  throw new BusbarError('BAD_USER_INPUT', [`${counts}:`, ...shown, ...more].join('\n  '));
}

/** None where the line has no such field. */
function keyOf(bytes: Buffer, { keyField }: Topic): string | null {
  const value = fieldOf(bytes.toString('utf8'), keyField);
  return typeof value === 'string' || Number.isSafeInteger(value) ? String(value) : null;
}

function fieldOf(text: string, field: string): unknown {
  try {
    const record: unknown = JSON.parse(text);
    return typeof record === 'object' && record !== null
      ? Object.entries(record).find(([name]) => name === field)?.[1]
      : null;
  } catch {
    return null;
  }
}
