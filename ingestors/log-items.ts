import type { Item } from './pipeline/unit.ts';
import type { LogBatch } from './sources/event-log.ts';

const NOTHING = Buffer.alloc(0);

/** The records of a batch as the pipeline takes them: their order in the log is the order of their versions. */
export function itemsOf({ topic, records }: LogBatch): Item[] {
  return records.map((record) => ({
    payload: { bytes: record.value ?? NOTHING, name: topic },
    publishedAt: record.appendedAt,
    publishedSeq: record.offset,
    position: record.offset,
  }));
}

/** What a batch says of records that were gone before they were read, for the ledger. */
export function failureOf({ lost }: LogBatch): { readonly failure?: string } {
  return lost ? { failure: `retention dropped offsets ${lost.from} to ${lost.to} before they were read` } : {};
}
