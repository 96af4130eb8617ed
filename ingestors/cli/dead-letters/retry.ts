import type { Command } from 'commander';
import { requestRetry } from '../../../prisma/operations/jobs.ts';
import { type AskOptions, askForJob } from '../ask-for-job.ts';
import type { NamedFeed } from '../feed-names.ts';
import { detachOption, feedOption, idsFrom, jsonOption } from '../options.ts';
import { type Invocation, withFeeds } from '../session.ts';
import { chosenFrom } from './chosen.ts';

interface RetryOptions extends AskOptions {
  readonly feed?: NamedFeed;
}

const HELP = `
Those that become facts now are RETRIED, the others stay OPEN with their new
reason; where that is all of them, the exit code is 1.

Examples:
  feeds dead-letters retry 7 8
  feeds dead-letters retry --feed realtime_prices`;

export function addRetry(deadLetters: Command, invocation: Invocation): void {
  deadLetters
    .command('retry')
    .description('tries open ones again, as after a mended decoder')
    .argument('[ids...]', 'which; without: every open one of --feed', idsFrom)
    .addOption(feedOption())
    .addOption(detachOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((ids: readonly number[] | undefined, { feed: named, json, detach }: RetryOptions) =>
      withFeeds(invocation, async (session) => {
        await askForJob(
          session,
          {
            action: 'retryDeadLetters',
            input: { feed: named?.name, ids },
            request: async (client, by) => {
              const chosen = await chosenFrom(client, ids, named);
              return requestRetry(client, { feed: chosen.feed, ...(chosen.ids && { ids: chosen.ids }), by });
            },
          },
          { json, detach },
        );
      }),
    );
}
