import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { BusbarError, isBusbarError } from '../domain/errors.ts';
import type { Feed } from './feed.ts';
import type { Outcome, Pipeline, Unit } from './pipeline/pipeline.ts';
import type { Claim } from './pipeline/store/positions.ts';

/** A payload is read whole; a day of every CAISO node is about 20 MB zipped. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;

/** The partition files belong to: it has an owner and an order of announcing like any other, but no position. */
export const FILE_PARTITION = 'file';

/**
 * Takes one recorded file through the pipeline, as if the feed had fetched it.
 * @param claim takes the file partition; called again where another process took it in between.
 * @throws BusbarError `NOT_FOUND` for a file that cannot be read, `LIMIT_EXCEEDED` beyond 512 MB; what the pipeline throws.
 */
export async function ingestFile(
  feed: Feed,
  path: string,
  claim: () => Promise<Claim>,
  pipeline: Pipeline,
  now: number,
): Promise<Outcome> {
  const payload = { bytes: await readWhole(path), name: basename(path) };
  const unit: Unit = {
    kind: 'FILE',
    next: undefined,
    request: payload.name,
    items: [{ payload, publishedAt: (await feed.publishedAt?.(payload)) ?? now, publishedSeq: 0 }],
    lag: null,
  };
  for (;;) {
    try {
      return await pipeline.ingest(feed, await claim(), unit);
    } catch (error) {
      if (!isBusbarError(error, 'FENCED')) throw error;
    }
  }
}

async function readWhole(path: string): Promise<Buffer> {
  const found = await stat(path).catch((cause) => {
    throw new BusbarError('NOT_FOUND', `cannot read ${path}`, { cause });
  });
  if (!found.isFile()) throw new BusbarError('NOT_FOUND', `${path} is not a file`);
  if (found.size > FILE_BYTES_MAX)
    throw new BusbarError('LIMIT_EXCEEDED', `${path} has ${found.size} bytes, more than ${FILE_BYTES_MAX}`);
  return readFile(path);
}
