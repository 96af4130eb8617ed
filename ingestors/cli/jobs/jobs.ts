import type { Command } from 'commander';
import type { Invocation } from '../session.ts';
import { addCancel } from './cancel.ts';
import { addListing } from './listing.ts';
import { addShow } from './show.ts';
import { addWatch } from './watch.ts';

const HELP = `
Examples:
  feeds jobs
  feeds jobs watch 12
  feeds jobs cancel 12`;

export function addJobs(feeds: Command, invocation: Invocation): void {
  const jobs = feeds
    .command('jobs')
    .description('backfills, replays and retries that were asked for, here or in the API')
    .addHelpText('after', HELP);
  for (const add of [addListing, addShow, addWatch, addCancel]) add(jobs, invocation);
}
