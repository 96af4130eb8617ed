import { type Command, Option } from 'commander';
import type pg from 'pg';
import { inPartitions } from '../../../prisma/operations/jobs.ts';
import type { NamedFeed } from '../feed-names.ts';
import { feedOption, type JsonOptions, jsonOption, limitOption } from '../options.ts';
import { printJson, printTable, shortened } from '../output.ts';
import { type Invocation, withStore } from '../session.ts';
import { type DeadLetter, SELECT_DEAD_LETTERS } from './stored-dead-letter.ts';

interface ListOptions extends JsonOptions {
  readonly feed?: NamedFeed;
  readonly state: DeadLetter['state'] | 'ALL';
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
    .action((options: ListOptions) =>
      withStore(invocation, async ({ store: { pool } }) => {
        const found = await readDeadLetters(pool, options);
        const letters = found.slice(0, options.limit);
        if (options.json) return printJson(letters);
        if (letters.length === 0) return console.log('There are none.');
        printLetters(letters);
        if (found.length > letters.length) console.log('… and more: --limit shows them.');
      }),
    );
}

async function readDeadLetters(pool: pg.Pool, { feed: named, state, limit }: ListOptions): Promise<DeadLetter[]> {
  const { rows } = await pool.query<DeadLetter>(
    `${SELECT_DEAD_LETTERS}
     WHERE ($1::text IS NULL OR feed_id = $1) AND ${inPartitions('$2')}
       AND ($3::dead_letter_state IS NULL OR state = $3::dead_letter_state)
     ORDER BY id DESC LIMIT $4`,
    [named?.feed.id ?? null, named?.partitions ?? null, state === 'ALL' ? null : state, limit + 1],
  );
  return rows;
}

function printLetters(letters: readonly DeadLetter[]): void {
  printTable(
    ['id', 'feed', 'partition', 'position', 'received', 'state', 'retries', 'code', 'reason'],
    letters.map((letter) => [
      letter.id,
      letter.feed,
      letter.partition,
      letter.position,
      letter.receivedAt,
      letter.state,
      letter.retries,
      letter.code,
      shortened(letter.reason, REASON_LENGTH_MAX),
    ]),
  );
}
