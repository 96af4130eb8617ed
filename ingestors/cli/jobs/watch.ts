import type { Command } from 'commander';
import { readJobs } from '../../../prisma/operations/jobs.ts';
import { followJob } from '../follow.ts';
import { idFrom, type JsonOptions, jsonOption } from '../options.ts';
import { type Invocation, withStore } from '../session.ts';
import { existingJob } from './existing-job.ts';

interface WatchOptions extends JsonOptions {
  readonly work?: boolean;
}

export function addWatch(jobs: Command, invocation: Invocation): void {
  jobs
    .command('watch')
    .description('follows a job to its end')
    .argument('<id>', 'its id', (text) => idFrom(text))
    .option('--work', 'work on jobs here while no ingestors run')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  feeds jobs watch 12')
    .action((id: number, { json, work = false }: WatchOptions) =>
      withStore(invocation, async (session) => {
        existingJob(await readJobs(session.store.pool, [id]), id);
        await followJob(session, id, { json, work });
      }),
    );
}
