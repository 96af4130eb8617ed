import type { Command } from 'commander';
import { audited } from '../../../prisma/operations/audit.ts';
import { readJobs, requestCancel } from '../../../prisma/operations/jobs.ts';
import { whoWorks } from '../hands.ts';
import { jobJson } from '../job-text.ts';
import { idFrom, type JsonOptions, jsonOption } from '../options.ts';
import { printJson, printLine } from '../output.ts';
import { actorAtShell, type Invocation, withStore } from '../session.ts';
import { existingJob } from './existing-job.ts';

export function addCancel(jobs: Command, invocation: Invocation): void {
  jobs
    .command('cancel')
    .description('asks a job to end; what is committed stays')
    .argument('<id>', 'its id', (text) => idFrom(text))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  feeds jobs cancel 12')
    .action((id: number, { json }: JsonOptions) =>
      withStore(invocation, async ({ store: { pool }, terminal }) => {
        const asked = { actor: actorAtShell(), action: 'cancelJob', input: { id } };
        await audited(pool, asked, async (client) => {
          await requestCancel(client, id);
          return { jobId: id };
        });
        if (json) return printJson(terminal, jobJson(existingJob(await readJobs(pool, [id]), id)));
        const whose = await whoWorks(pool, id);
        printLine(terminal, `Job ${id} is asked to end. ${whose}`);
      }),
    );
}
