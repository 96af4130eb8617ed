import type { Command } from 'commander';
import { INTERVALS_BETWEEN_MAX, isNothingToRepair, requestRepair } from '../../prisma/operations/repair.ts';
import type { Queryable } from '../../prisma/queryable.ts';
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
import { printJson, printLine } from './output.ts';
import { type PastRange, readableRange, windowFrom } from './past-range.ts';
import { type Invocation, withFeeds } from './session.ts';

interface RepairOptions extends PastRange, AskOptions {
  readonly feed: NamedFeed;
}

const HELP = `
Gaps of a node with at most ${INTERVALS_BETWEEN_MAX} intervals between them are asked for as
one, with these.

Example:
  feeds repair --feed iso.rt.lmp.caiso --from -2d`;

export function addRepair(feeds: Command, invocation: Invocation): void {
  feeds
    .command('repair')
    .description('asks the source for what is missing')
    .addOption(feedOption().makeOptionMandatory())
    .addOption(fromDaysAgoOption(invocation.now, 7))
    .addOption(toOption(invocation.now))
    .addOption(partitionOption())
    .addOption(nodeOption())
    .addOption(detachOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(({ feed: named, json, detach, ...range }: RepairOptions) =>
      withFeeds(invocation, async (session) => {
        const asked = { feed: named.name, ...windowFrom(range) };
        const request = {
          action: 'repair',
          input: readableRange(asked),
          request: async (client: Queryable, by: string) => {
            await requirePartitions({ config: session.config, db: client }, named, range.partition);
            return requestRepair(client, { ...asked, by }, session.now);
          },
        };
        await askForJob(session, request, { json, detach }).catch((error: unknown) => {
          if (!isNothingToRepair(error)) throw error;
          if (json) printJson(session.terminal, { job: null, reason: error.message });
          else printLine(session.terminal, `Nothing to repair: ${error.message}.`);
        });
      }),
    );
}
