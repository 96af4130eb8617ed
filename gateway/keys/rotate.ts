import { type Command, Option } from 'commander';
import { BusbarError } from '../../domain/errors.ts';
import { HOUR_MS } from '../../domain/instant.ts';
import { OVERLAP_MS, rotateApiKey } from '../../prisma/operations/api-keys.ts';
import { printNewKey } from './key-text.ts';
import { changing, type Invocation } from './session.ts';

export function addRotate(keys: Command, invocation: Invocation): void {
  keys
    .command('rotate')
    .description('makes a key with the same rights; the one so far ends after an overlap')
    .argument('<id>', 'its prefix')
    .addOption(
      new Option('--overlap-hours <hours>', 'how long both are good')
        .argParser(hoursFrom)
        .default(OVERLAP_MS / HOUR_MS),
    )
    .option('--json', 'print JSON and nothing else on standard output')
    .action(
      async (prefix: string, { overlapHours, json }: { readonly overlapHours: number; readonly json?: boolean }) => {
        const input = { id: prefix, overlapHours };
        const made = await changing(invocation, { action: 'rotateApiKey', input }, (client, keeper) =>
          rotateApiKey(client, { prefix, overlapMs: overlapHours * HOUR_MS }, keeper),
        );
        printNewKey(made, json);
      },
    );
}

function hoursFrom(text: string): number {
  if (/^\d{1,3}(\.\d{1,3})?$/.test(text)) return Number(text);
  throw new BusbarError('BAD_USER_INPUT', `"${text}" is not a number of hours: say 0 to 720`);
}
