import type { Command } from 'commander';
import type pg from 'pg';
import { isoFromInstant } from '../../../domain/instant.ts';
import { type JobRow, readJobs } from '../../../prisma/operations/jobs.ts';
import { type JobOutcome, readOutcome } from '../job-outcome.ts';
import { hasEnded, jobJson, jobTable, progressText, summaryText } from '../job-text.ts';
import { idFrom, type JsonOptions, jsonOption } from '../options.ts';
import { countText, printFacts, printJson, printLine, printTable, shortened } from '../output.ts';
import { type Invocation, withStore } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { existingJob } from './existing-job.ts';

/** More of them is nothing to read on a screen. */
const ROWS_MAX = 50;
const REQUEST_LENGTH_MAX = 100;
const INPUT_LENGTH_MAX = 500;

export function addShow(jobs: Command, invocation: Invocation): void {
  jobs
    .command('show')
    .description('one job: what was asked for, what came of it, and its chunks')
    .argument('<id>', 'its id', (text) => idFrom(text))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  feeds jobs show 12')
    .action((id: number, { json }: JsonOptions) =>
      withStore(invocation, async ({ store: { pool }, terminal }) => {
        const job = existingJob(await readJobs(pool, [id]), id);
        const chunks = await readChunks(pool, id, json ? null : ROWS_MAX);
        const outcome = await readOutcome(pool, job);
        if (json) return printJson(terminal, { ...jobJson(job, outcome), chunks });
        printJob(terminal, job, outcome);
        if (chunks.length > 0) printChunks(terminal, chunks, job.total ?? chunks.length);
      }),
    );
}

interface Chunk {
  readonly id: number;
  readonly partition: string;
  readonly state: string;
  readonly attempt: number;
  readonly request: string | null;
  /** Offsets of a topic, `[positionFrom, positionTo)`. */
  readonly positionFrom: number | null;
  readonly positionTo: number | null;
  /** Delivery time, `[from, to)`. */
  readonly from: Date | null;
  readonly to: Date | null;
  readonly rowsIn: number;
  readonly rowsWritten: number;
  readonly rowsRevised: number;
  readonly rowsUnchanged: number;
  readonly rowsRejected: number;
  readonly error: string | null;
}

/** Those that failed, then those under way, then the others in their order. @param limit null: all of them. */
async function readChunks(pool: pg.Pool, job: number, limit: number | null): Promise<Chunk[]> {
  const { rows } = await pool.query<Chunk>(
    `SELECT id, partition, state, attempt, request, position_from AS "positionFrom", position_to AS "positionTo",
            event_from AS "from", event_to AS "to", rows_in AS "rowsIn", rows_written AS "rowsWritten",
            rows_revised AS "rowsRevised", rows_unchanged AS "rowsUnchanged", rows_rejected AS "rowsRejected", error
     FROM ledger_entry WHERE job_id = $1
     ORDER BY state = 'FAILED' DESC, state IN ('RUNNING', 'REPLAYING') DESC, id LIMIT $2`,
    [job, limit],
  );
  return rows;
}

function printJob(terminal: Terminal, job: JobRow, outcome: JobOutcome): void {
  const { input } = jobJson(job);
  printFacts(terminal, [
    ['asked for by', job.requestedBy],
    ['at', isoFromInstant(job.requestedAt)],
    ['input', shortened(JSON.stringify(input), INPUT_LENGTH_MAX)],
  ]);
  if (hasEnded(job)) printLine(terminal, summaryText(job, outcome));
  else {
    printTable(terminal, ...jobTable([job]));
    printLine(terminal, progressText(job, Date.now()));
  }
}

function printChunks(terminal: Terminal, chunks: readonly Chunk[], total: number): void {
  printLine(terminal, '');
  printTable(
    terminal,
    ['ledger entry', 'partition', 'state', 'attempt', 'from', 'to', 'rows', 'request', 'error'],
    chunks.map((chunk) => [
      chunk.id,
      chunk.partition,
      chunk.state,
      chunk.attempt,
      chunk.positionFrom ?? chunk.from,
      chunk.positionTo ?? chunk.to,
      countText(chunk.rowsIn),
      chunk.request && shortened(chunk.request, REQUEST_LENGTH_MAX),
      chunk.error,
    ]),
  );
  if (total > chunks.length)
    printLine(terminal, `… and ${countText(total - chunks.length)} more: --json has them all.`);
}
