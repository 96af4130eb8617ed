import { isUtf8 } from 'node:buffer';
import type { Command } from 'commander';
import { type DeadLetterRow, readDeadLetter } from '../../../prisma/operations/dead-letters.ts';
import { idFrom, type JsonOptions, jsonOption } from '../options.ts';
import { countText, printable, printFacts, printJson, printLine, shortened } from '../output.ts';
import { type Invocation, withStore } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { dated, deadLetterJson } from './dead-letter-json.ts';

interface ShowOptions extends JsonOptions {
  readonly raw?: boolean;
}

/** A whole payload can be a dead letter. */
const TEXT_LENGTH_MAX = 20_000;

const HELP = `
Examples:
  feeds dead-letters show 7
  feeds dead-letters show 7 --raw > record.bin`;

export function addShow(deadLetters: Command, invocation: Invocation): void {
  deadLetters
    .command('show')
    .description('what is known of one, and the record as it came')
    .argument('<id>', 'its id', (text) => idFrom(text))
    .option('--raw', 'write the exact bytes of the record to standard output, and nothing else')
    .addOption(jsonOption().conflicts('raw'))
    .addHelpText('after', HELP)
    .action((id: number, { raw: rawOnly, json }: ShowOptions) =>
      withStore(invocation, async ({ store: { pool }, terminal }) => {
        const { letter, raw } = await readDeadLetter(pool, id);
        if (rawOnly) return void terminal.stdout.write(raw);
        const text = isUtf8(raw) ? raw.toString() : null;
        if (json)
          return printJson(terminal, { ...deadLetterJson(letter), raw: text, rawBase64: raw.toString('base64') });
        printLetter(terminal, letter);
        printLine(terminal, `\n${text === null ? notText(letter) : shortened(printable(text), TEXT_LENGTH_MAX)}`);
      }),
    );
}

function printLetter(terminal: Terminal, letter: DeadLetterRow): void {
  printFacts(terminal, [
    ['dead letter', letter.id],
    ['feed', letter.feed],
    ['partition', letter.partition],
    ['position', letter.position],
    ['code', letter.code],
    ['reason', letter.reason],
    ['state', letter.state],
    ['retries', letter.retries],
    ['received', dated(letter.receivedAt)],
    ['published', dated(letter.publishedAt)],
    ['ledger entry', letter.ledgerId],
    ['tried again by', letter.retryId === null ? null : `ledger entry ${letter.retryId}`],
    ['resolved', dated(letter.resolvedAt)],
    ['resolution', letter.resolution],
    ['form', letter.form],
    ['name', letter.name],
    ['bytes', letter.size],
  ]);
}

function notText({ id, size }: DeadLetterRow): string {
  return `${countText(size)} bytes that are no text: feeds dead-letters show ${id} --raw`;
}
