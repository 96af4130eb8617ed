import type { Command } from 'commander';
import type pg from 'pg';
import { jobTable, readRunningJobs } from './job-text.ts';
import { type JsonOptions, jsonOption } from './options.ts';
import { printJson, printTable } from './output.ts';
import { positionText } from './position-text.ts';
import { type Invocation, withStore } from './session.ts';

export function addStatus(feeds: Command, invocation: Invocation): void {
  feeds
    .command('status')
    .description('where each partition of each feed stands, and the jobs under way')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  feeds status')
    .action(({ json }: JsonOptions) =>
      withStore(invocation, async ({ store: { pool } }) => {
        const partitions = await readPartitions(pool);
        const jobs = await readRunningJobs(pool);
        const runningJobs = (feed: string) => jobs.filter((job) => job.feed === feed).map(({ id }) => id);
        if (json) return printJson(partitions.map((row) => ({ ...row, runningJobs: runningJobs(row.feed) })));
        printPartitions(partitions);
        if (jobs.length === 0) return;
        console.log('\nJobs under way:');
        printTable(...jobTable(jobs));
      }),
    );
}

interface PartitionStatus {
  readonly feed: string;
  readonly partition: string;
  readonly position: number | null;
  readonly watermark: Date | null;
  readonly lag: number | null;
  /** Ledger entries that ended; those a job has planned or is at are not among them. */
  readonly entries: number;
  readonly written: number;
  readonly revised: number;
  readonly rejected: number;
  readonly openDeadLetters: number;
  readonly lastError: string | null;
}

function printPartitions(partitions: readonly PartitionStatus[]): void {
  printTable(
    [
      'feed',
      'partition',
      'position',
      'watermark',
      'lag',
      'entries',
      'written',
      'revised',
      'rejected',
      'dead letters',
      'last error',
    ],
    partitions.map((row) => [
      row.feed,
      row.partition,
      positionText(row.feed, row.position),
      row.watermark,
      row.lag,
      row.entries,
      row.written,
      row.revised,
      row.rejected,
      row.openDeadLetters,
      row.lastError,
    ]),
  );
}

async function readPartitions(pool: pg.Pool): Promise<PartitionStatus[]> {
  const { rows } = await pool.query<PartitionStatus>(PARTITIONS);
  return rows;
}

const PARTITIONS = `
  SELECT p.feed_id AS feed, p.partition, p.position, p.watermark, p.lag, coalesce(e.entries, 0)::int AS entries,
         coalesce(e.written, 0)::float8 AS written, coalesce(e.revised, 0)::float8 AS revised,
         coalesce(e.rejected, 0)::float8 AS rejected, coalesce(d.open, 0)::int AS "openDeadLetters",
         p.last_error AS "lastError"
  FROM feed_position p
  LEFT JOIN (
    SELECT feed_id, partition, count(*) AS entries, sum(rows_written) AS written, sum(rows_revised) AS revised,
           sum(rows_rejected) AS rejected
    FROM ledger_entry WHERE state IN ('COMPLETED', 'FAILED') GROUP BY feed_id, partition
  ) AS e USING (feed_id, partition)
  LEFT JOIN (
    SELECT feed_id, partition, count(*) AS open FROM dead_letter WHERE state = 'OPEN' GROUP BY feed_id, partition
  ) AS d USING (feed_id, partition)
  ORDER BY p.feed_id, p.partition`;
