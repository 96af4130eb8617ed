import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { BusbarError } from '../domain/errors.ts';
import { FILE_PARTITION } from '../prisma/operations/partitions.ts';
import type { Feed, Payload } from './feed.ts';
import type { Pipeline } from './pipeline/pipeline.ts';
import { unowned } from './pipeline/store/positions.ts';
import type { Outcome } from './pipeline/unit.ts';

/** A payload is read whole; a day of every CAISO node is about 20 MB zipped. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;

export interface FileRequest {
  readonly path: string;
  /** Milliseconds UTC. */
  readonly now: number;
  /** Decode it although the same bytes were ingested before. */
  readonly again?: boolean;
}

/**
 * Takes one recorded file through the pipeline, as if the feed had fetched it. One that cannot be read becomes a dead letter.
 * @throws BusbarError `NOT_FOUND` for a file that cannot be read, `LIMIT_EXCEEDED` beyond 512 MB; what the pipeline throws.
 */
export async function ingestFile(
  feed: Feed,
  { path, now, again = false }: FileRequest,
  pipeline: Pipeline,
): Promise<Outcome> {
  const file = await readWhole(path);
  const payload = { bytes: file.bytes, name: basename(path) };
  const publishedAt = (await toldBy(feed, payload)) ?? Math.min(file.modifiedAt, now);
  return pipeline.ingest(feed, unowned(feed.id, FILE_PARTITION), {
    kind: 'FILE',
    next: undefined,
    request: payload.name,
    items: [{ payload, publishedAt, publishedSeq: 0 }],
    lag: null,
    decodeAgain: again,
  });
}

/** When the payload says it was published; of one that is broken nothing can be told, and the decoder says why. */
async function toldBy(feed: Feed, payload: Payload): Promise<number | undefined> {
  try {
    return await feed.publishedAt?.(payload);
  } catch {
    return undefined;
  }
}

async function readWhole(path: string): Promise<{ bytes: Buffer; modifiedAt: number }> {
  const found = await stat(path).catch((cause) => {
    throw new BusbarError('NOT_FOUND', `cannot read ${path}`, { cause });
  });
  if (!found.isFile()) throw new BusbarError('NOT_FOUND', `${path} is not a file`);
  if (found.size > FILE_BYTES_MAX)
    throw new BusbarError('LIMIT_EXCEEDED', `${path} has ${found.size} bytes, more than ${FILE_BYTES_MAX}`);
  return { bytes: await readFile(path), modifiedAt: Math.floor(found.mtimeMs) };
}
