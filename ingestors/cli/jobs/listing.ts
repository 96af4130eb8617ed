import { type Command, Option } from 'commander';
import type pg from 'pg';
import type { JobRow, JobState } from '../../../prisma/operations/jobs.ts';
import type { NamedFeed } from '../feed-names.ts';
import { jobJson, jobTable, newestFirst } from '../job-text.ts';
import { feedOption, type JsonOptions, jsonOption, limitOption } from '../options.ts';
import { printJson, printLine, printTable } from '../output.ts';
import { type Invocation, withStore } from '../session.ts';

interface ListOptions extends JsonOptions {
  readonly feed?: NamedFeed;
  readonly state?: JobState;
  readonly limit: number;
}

const STATES: readonly JobState[] = ['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'];

export function addListing(jobs: Command, invocation: Invocation): void {
  jobs
    .command('list', { isDefault: true })
    .description('the jobs, newest first')
    .addOption(feedOption())
    .addOption(new Option('--state <state>', 'in this state').choices(STATES))
    .addOption(limitOption(20))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  feeds jobs list --state FAILED')
    .action((options: ListOptions) =>
      withStore(invocation, async ({ store: { pool }, terminal }) => {
        const found = await readJobList(pool, options);
        if (options.json)
          return printJson(
            terminal,
            found.map((job) => jobJson(job)),
          );
        if (found.length === 0) return printLine(terminal, 'There are none.');
        printTable(terminal, ...jobTable(found));
      }),
    );
}

async function readJobList(pool: pg.Pool, { feed: named, state, limit }: ListOptions): Promise<JobRow[]> {
  const { rows } = await pool.query<{ id: number }>(
    `SELECT id FROM job
     WHERE ($1::text IS NULL OR feed_id = $1) AND ($2::job_state IS NULL OR state = $2::job_state)
     ORDER BY id DESC LIMIT $3`,
    [named?.feed.id ?? null, state ?? null, limit],
  );
  return newestFirst(pool, rows);
}
