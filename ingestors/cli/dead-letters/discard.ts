import type { Command } from 'commander';
import { audited } from '../../../prisma/operations/audit.ts';
import { discardDeadLetters } from '../../../prisma/operations/dead-letters.ts';
import { requireConsent } from '../consent.ts';
import type { NamedFeed } from '../feed-names.ts';
import { feedOption, idsFrom, type JsonOptions, jsonOption, yesOption } from '../options.ts';
import { countText, printJson, printLine } from '../output.ts';
import { actorAtShell, type Invocation, withFeeds } from '../session.ts';
import { chosenFrom } from './chosen.ts';

interface DiscardOptions extends JsonOptions {
  readonly feed?: NamedFeed;
  readonly reason: string;
  readonly yes?: boolean;
}

const HELP = `
Their bytes stay. All of a feed are given up only after a question, or with
--yes.

Examples:
  feeds dead-letters discard 7 8 --reason "test records of the producer"
  feeds dead-letters discard --feed realtime_prices --reason "tests" --yes`;

export function addDiscard(deadLetters: Command, invocation: Invocation): void {
  deadLetters
    .command('discard')
    .description('gives open ones up for good, with the reason')
    .argument('[ids...]', 'which; without: every open one of --feed', idsFrom)
    .requiredOption('--reason <text>', 'why, for those who come after')
    .addOption(feedOption())
    .addOption(yesOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((ids: readonly number[] | undefined, { feed: named, reason, yes, json }: DiscardOptions) =>
      withFeeds(invocation, async ({ store: { pool }, terminal }) => {
        if (named && !ids?.length && !yes) {
          await requireConsent(terminal, `Give up every open dead letter of ${named.name} for good?`);
        }
        const { discarded, feed } = await audited(
          pool,
          { actor: actorAtShell(), action: 'discardDeadLetters', input: { feed: named?.name, ids, reason } },
          async (client) => {
            const chosen = await chosenFrom(client, ids, named);
            return { discarded: await discardDeadLetters(client, { ...chosen, reason }), feed: chosen.feed };
          },
        );
        if (json) return printJson(terminal, { discarded });
        printLine(terminal, `Discarded ${countText(discarded)} of ${feed}.`);
      }),
    );
}
