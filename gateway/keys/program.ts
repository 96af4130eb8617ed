import { Command } from 'commander';
import { addCreate } from './create.ts';
import { addList } from './list.ts';
import { addRevoke } from './revoke.ts';
import { addRotate } from './rotate.ts';
import type { Invocation } from './session.ts';

const HELP = `
The store comes from the environment, as for \`npm start\`. Every change is in the
audit log. A secret is printed once, on standard output, and is nowhere else.

Exit codes: 0 done, 1 failed, 2 the call or the configuration is wrong.

Examples:
  keys create --name ops --role ADMIN --all
  keys create --name desk-east --role TRADER --market PJM --all feeds \\
    --account DESK-EAST --days 90
  keys rotate k7m2x9qa --overlap-hours 48`;

/** Terminals are as narrow as that, and lines longer than that are hard to read. */
const HELP_WIDTH = 80;

/** The `keys` command with all its subcommands. A call that is wrong, or is only for help, throws a `CommanderError`. */
export function createKeysProgram(invocation: Invocation): Command {
  const keys = new Command('keys')
    .description('API keys of Busbar: who may ask the gateway, and for what.')
    .usage('<command> [options]   (npm run keys -- <command> [options])')
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) })
    .configureHelp({ subcommandTerm: (command) => command.name(), helpWidth: HELP_WIDTH })
    .exitOverride()
    .addHelpText('after', HELP);
  for (const add of [addCreate, addList, addRotate, addRevoke]) add(keys, invocation);
  return keys;
}

/** With what may have been meant on the same line. */
function oneLine(error: string): string {
  return error.replace(/^error:/, 'keys:').replaceAll('\n(', ' (');
}
