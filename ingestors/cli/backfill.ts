import type { Command } from 'commander';
import { requestBackfill } from '../../prisma/operations/jobs.ts';
import { type AskOptions, askForJob } from './ask-for-job.ts';
import { type NamedFeed, requirePartitions } from './feed-names.ts';
import { detachOption, feedOption, fromOption, jsonOption, nodeOption, partitionOption, toOption } from './options.ts';
import { type PastRange, readableRange, windowFrom } from './past-range.ts';
import { type Invocation, withFeeds } from './session.ts';

interface BackfillOptions extends PastRange, AskOptions {
  readonly feed: NamedFeed;
}

const HELP = `
Without --node: the nodes that the feed is configured for.

Example:
  feeds backfill --feed iso.da.lmp.caiso --from 2025-07-01 --to 2025-08-01`;

export function addBackfill(feeds: Command, invocation: Invocation): void {
  feeds
    .command('backfill')
    .description('asks a source again for delivery intervals of the past, in chunks it will take')
    .addOption(feedOption().makeOptionMandatory())
    .addOption(fromOption(invocation.now).makeOptionMandatory())
    .addOption(toOption(invocation.now))
    .addOption(partitionOption())
    .addOption(nodeOption())
    .addOption(detachOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(({ feed: named, json, detach, ...range }: BackfillOptions) =>
      withFeeds(invocation, async (session) => {
        const window = windowFrom(range);
        await askForJob(
          session,
          {
            action: 'backfill',
            input: { feed: named.name, ...readableRange(window) },
            request: async (client, by) => {
              await requirePartitions({ config: session.config, db: client }, named, range.partition);
              return requestBackfill(client, { feed: named.name, windows: [window], by });
            },
          },
          { json, detach },
        );
      }),
    );
}
