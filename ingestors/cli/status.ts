import type { Command } from 'commander';
import type pg from 'pg';
import { type AllOptions, allOption, bySource, hiddenText } from './job-partitions.ts';
import { jobTable, readRunningJobs } from './job-text.ts';
import { type JsonOptions, jsonOption } from './options.ts';
import { type Cell, printJson, printLine, printTable } from './output.ts';
import { positionText } from './position-text.ts';
import { type Invocation, withStore } from './session.ts';
import type { Terminal } from './terminal.ts';

export function addStatus(feeds: Command, invocation: Invocation): void {
  feeds
    .command('status')
    .description('where each partition of each feed stands, and the jobs under way')
    .addOption(allOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  feeds status')
    .action(({ all, json }: AllOptions & JsonOptions) =>
      withStore(invocation, async ({ store: { pool }, terminal }) => {
        const partitions = await readPartitions(pool);
        const jobs = await readRunningJobs(pool);
        const runningJobs = (feed: string) => jobs.filter((job) => job.feed === feed).map(({ id }) => id);
        if (json)
          return printJson(
            terminal,
            partitions.map((row) => ({ ...row, runningJobs: runningJobs(row.feed) })),
          );
        printPartitions(terminal, partitions, all);
        if (jobs.length === 0) return;
        printLine(terminal, '\nJobs under way:');
        printTable(terminal, ...jobTable(jobs));
      }),
    );
}

interface PartitionStatus {
  readonly feed: string;
  readonly partition: string;
  readonly position: number | null;
  readonly watermark: Date | null;
  readonly lag: number | null;
  /** Commits ever, and the rows they brought, also where the ledger no longer keeps their entries. */
  readonly entries: number;
  readonly written: number;
  readonly revised: number;
  readonly rejected: number;
  readonly openDeadLetters: number;
  readonly lastError: string | null;
}

function printPartitions(terminal: Terminal, partitions: readonly PartitionStatus[], all: boolean | undefined): void {
  const { sources, others } = bySource(partitions);
  printTable(
    terminal,
    ['feed', 'partition', 'position', 'watermark', 'lag', ...COUNTS],
    sources.map((row) => [
      row.feed,
      row.partition,
      positionText(row.feed, row.position),
      row.watermark,
      row.lag,
      ...counts(row),
    ]),
  );
  if (others.length > 0 && all) printOthers(terminal, others);
  else if (others.length > 0) printLine(terminal, `\n${hiddenText(others, 'status')}`);
}

/** Nobody owns them, and they have no position. */
function printOthers(terminal: Terminal, others: readonly PartitionStatus[]): void {
  printLine(terminal, '\nCommitted by jobs and files:');
  printTable(
    terminal,
    ['feed', 'partition', 'watermark', ...COUNTS],
    others.map((row) => [row.feed, row.partition, row.watermark, ...counts(row)]),
  );
}

const COUNTS = ['entries', 'written', 'revised', 'rejected', 'dead letters', 'last error'];

function counts({ entries, written, revised, rejected, openDeadLetters, lastError }: PartitionStatus): Cell[] {
  return [entries, written, revised, rejected, openDeadLetters, lastError];
}

async function readPartitions(pool: pg.Pool): Promise<PartitionStatus[]> {
  const { rows } = await pool.query<PartitionStatus>(PARTITIONS);
  return rows;
}

const PARTITIONS = `
  SELECT p.feed_id AS feed, p.partition, p.position, p.watermark, p.lag, p.entries, p.rows_written AS written,
         p.rows_revised AS revised, p.rows_rejected AS rejected, coalesce(d.open, 0)::int AS "openDeadLetters",
         p.last_error AS "lastError"
  FROM feed_position p
  LEFT JOIN (
    SELECT feed_id, partition, count(*) AS open FROM dead_letter WHERE state = 'OPEN' GROUP BY feed_id, partition
  ) AS d USING (feed_id, partition)
  ORDER BY p.feed_id, p.partition`;
