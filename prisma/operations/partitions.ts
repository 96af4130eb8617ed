/**
 * The names of partitions. A source's own is whatever the feed calls it: `0` of a log, `PRC_LMP` of a report. What a job's
 * chunk commits goes under a name behind that of the job's kind, `backfill/PRC_LMP`, and what files bring under `file`:
 * these have an order of announcing like any other, but no owner and no position.
 */

/** Where files are committed. */
export const FILE_PARTITION = 'file';

const PREFIXES = { BACKFILL: 'backfill/', REPLAY: 'replay/', RETRY: 'retry/' } as const;

const ANY_PREFIX = `^(${Object.values(PREFIXES).join('|')})`;

/** Where a chunk of such a job commits. @param partition the source's own, or `FILE_PARTITION`. */
export function chunkPartition(kind: keyof typeof PREFIXES, partition: string): string {
  return PREFIXES[kind] + partition;
}

/** The partition that a chunk's is of: `PRC_LMP` of `backfill/PRC_LMP`; any other is its own. */
export function ownPartition(partition: string): string {
  return partition.replace(new RegExp(ANY_PREFIX), '');
}

/** Whether a source or a log has it, rather than jobs or files. */
export function isSourcePartition(partition: string): boolean {
  return partition !== FILE_PARTITION && ownPartition(partition) === partition;
}

/** SQL for `ownPartition`. @param expression text: a column's name, or SQL of our own. */
export function ownPartitionSql(expression: string): string {
  return `regexp_replace(${expression}, '${ANY_PREFIX}', '')`;
}

/** SQL for `isSourcePartition`. @param expression text: a column's name, or SQL of our own. */
export function isSourcePartitionSql(expression: string): string {
  return `(${expression} <> '${FILE_PARTITION}' AND ${expression} !~ '${ANY_PREFIX}')`;
}
