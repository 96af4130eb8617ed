import { BusbarError } from '../../domain/errors.ts';
import type { ReplayInput } from '../../prisma/operations/jobs.ts';
import { chunkPartition } from '../../prisma/operations/partitions.ts';
import type { EventLog } from '../sources/event-log.ts';
import type { PlannedChunk } from './chunk-entries.ts';

/**
 * Offsets of one chunk: some two seconds of work, so that little is done again after a crash. One whose records turn out to be
 * large is cut when it is read.
 */
const REPLAY_CHUNK_RECORDS = 10_000;

/**
 * Cuts what was appended to a topic in `[from, to)`, or the given offsets of one partition, into chunks, from the first offset
 * that the log still keeps: below it there may be more chunks of nothing than there should be.
 * @throws BusbarError `NOT_FOUND` for a partition that is not there, `UNAVAILABLE`.
 */
export async function planTopicReplay(
  eventLog: EventLog,
  topic: string,
  { from, to, partitions, offsets }: ReplayInput,
): Promise<PlannedChunk[]> {
  const bounds = await eventLog.partitions(topic);
  if (offsets) {
    const asked = bounds.find(({ partition }) => partition === offsets.partition);
    if (!asked) throw new BusbarError('NOT_FOUND', `${topic} has no partition ${offsets.partition}`);
    return cut(asked.partition, Math.max(asked.low, offsets.fromOffset), Math.min(asked.end, offsets.toOffset));
  }
  const chunks: PlannedChunk[] = [];
  for (const { partition, low } of bounds) {
    if (partitions && !partitions.includes(String(partition))) continue;
    const begin = Math.max(low, await eventLog.offsetAt(topic, partition, from));
    chunks.push(...cut(partition, begin, await eventLog.offsetAt(topic, partition, to)));
  }
  return chunks;
}

function cut(partition: number, from: number, to: number): PlannedChunk[] {
  const chunks: PlannedChunk[] = [];
  for (let at = from; at < to; at += REPLAY_CHUNK_RECORDS) {
    chunks.push({
      partition: chunkPartition('REPLAY', String(partition)),
      positionFrom: at,
      positionTo: Math.min(to, at + REPLAY_CHUNK_RECORDS),
    });
  }
  return chunks;
}
