import type { Command } from 'commander';
import { readGaps } from '../../prisma/operations/completeness.ts';
import { requestBackfill } from '../../prisma/operations/jobs.ts';
import { windowsFrom } from '../../prisma/operations/repair.ts';
import { type AskOptions, askForJob } from './ask-for-job.ts';
import { type NamedFeed, requirePartitions } from './feed-names.ts';
import {
  detachOption,
  feedOption,
  fromDaysAgoOption,
  jsonOption,
  nodeOption,
  partitionOption,
  toOption,
} from './options.ts';
import { printJson } from './output.ts';
import { type PastRange, readableRange, windowFrom } from './past-range.ts';
import { type Invocation, withFeeds } from './session.ts';

interface RepairOptions extends PastRange, AskOptions {
  readonly feed: NamedFeed;
}

export function addRepair(feeds: Command, invocation: Invocation): void {
  feeds
    .command('repair')
    .description('asks the source for exactly what is missing')
    .addOption(feedOption().makeOptionMandatory())
    .addOption(fromDaysAgoOption(invocation.now, 7))
    .addOption(toOption(invocation.now))
    .addOption(partitionOption())
    .addOption(nodeOption())
    .addOption(detachOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  feeds repair --feed iso.rt.lmp.caiso --from -2d')
    .action(({ feed: named, json, detach, ...range }: RepairOptions) =>
      withFeeds(invocation, async (session) => {
        await requirePartitions(session, named, range.partition);
        const asked = { feed: named.name, ...windowFrom(range) };
        const gaps = await readGaps(session.store.pool, asked, session.now);
        if (!gaps?.length) return sayNothing(named, gaps !== null, json);
        const windows = windowsFrom(gaps);
        const request = { action: 'repair', input: readableRange(asked) };
        await askForJob(
          session,
          { ...request, request: (client, by) => requestBackfill(client, { feed: named.name, windows, by }) },
          { json, detach },
        );
      }),
    );
}

function sayNothing({ name }: NamedFeed, isTold: boolean, json: boolean | undefined): void {
  const why = isTold ? `Nothing is missing of ${name}` : `${name} owes nothing that could be told`;
  if (json) printJson(null);
  else console.log(`${why}: there is nothing to repair.`);
}
