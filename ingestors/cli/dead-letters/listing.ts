import { type Command, Option } from 'commander';
import { type DeadLetterRow, listDeadLetters } from '../../../prisma/operations/dead-letters.ts';
import type { NamedFeed } from '../feed-names.ts';
import { feedOption, type JsonOptions, jsonOption, limitOption } from '../options.ts';
import { printJson, printLine, printTable, shortened } from '../output.ts';
import { type Invocation, withStore } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { dated, deadLetterJson } from './dead-letter-json.ts';

interface ListOptions extends JsonOptions {
  readonly feed?: NamedFeed;
  readonly state: DeadLetterRow['state'] | 'ALL';
  readonly limit: number;
}

const REASON_LENGTH_MAX = 100;

export function addListing(deadLetters: Command, invocation: Invocation): void {
  deadLetters
    .command('list', { isDefault: true })
    .description('the dead letters, newest first')
    .addOption(feedOption())
    .addOption(
      new Option('--state <state>', 'in this state').choices(['OPEN', 'RETRIED', 'DISCARDED', 'ALL']).default('OPEN'),
    )
    .addOption(limitOption(50))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  feeds dead-letters list --feed caiso-lmp --state ALL')
    .action(({ feed: named, state, limit, json }: ListOptions) =>
      withStore(invocation, async ({ store: { pool }, terminal }) => {
        const ofFeed = named && { feed: named.feed.id, partitions: named.partitions };
        const filter = { ...ofFeed, ...(state !== 'ALL' && { state }) };
        const found = await listDeadLetters(pool, filter, { limit: limit + 1 });
        const letters = found.slice(0, limit);
        if (json) return printJson(terminal, letters.map(deadLetterJson));
        if (letters.length === 0) return printLine(terminal, 'There are none.');
        printLetters(terminal, letters);
        if (found.length > letters.length) printLine(terminal, '… and more: --limit shows them.');
      }),
    );
}

function printLetters(terminal: Terminal, letters: readonly DeadLetterRow[]): void {
  printTable(
    terminal,
    ['id', 'feed', 'partition', 'position', 'received', 'state', 'retries', 'code', 'reason'],
    letters.map((letter) => [
      letter.id,
      letter.feed,
      letter.partition,
      letter.position,
      dated(letter.receivedAt),
      letter.state,
      letter.retries,
      letter.code,
      shortened(letter.reason, REASON_LENGTH_MAX),
    ]),
  );
}
