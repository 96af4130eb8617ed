import { Command } from 'commander';
import { addBackfill } from './backfill.ts';
import { addDeadLetters } from './dead-letters/dead-letters.ts';
import { addGaps } from './gaps.ts';
import { addHealth } from './health.ts';
import { addIngest } from './ingest.ts';
import { INSTANT_HELP } from './instants.ts';
import { addJobs } from './jobs/jobs.ts';
import { addList } from './list.ts';
import { addNew } from './new.ts';
import { addPublish } from './publish.ts';
import { addRepair } from './repair.ts';
import { addReplay } from './replay.ts';
import type { Invocation } from './session.ts';
import { addStatus } from './status.ts';
import { addWatermark } from './watermark.ts';

const HELP = `
${INSTANT_HELP}

Jobs are carried out by the ingestors that run, and by this shell where none do.
They go on after ctrl-C wherever ingestors run; \`feeds jobs\` follows and cancels
them.
The store, the log and the feeds' settings come from the environment, as for
\`npm start\`.

Exit codes: 0 done, 1 failed, cancelled or a retry in vain, 2 the call or the
configuration is wrong, 130 ctrl-C.

Examples:
  feeds status
  feeds gaps --feed iso.rt.lmp.caiso --from -2d
  feeds replay --feed iso.rt.lmp.caiso --from 2025-07-01T00:00Z --to now`;

/** Terminals are as narrow as that, and lines longer than that are hard to read. */
const HELP_WIDTH = 80;

/** The `feeds` command with all its subcommands. A call that is wrong, or is only for help, throws a `CommanderError`. */
export function createProgram(invocation: Invocation): Command {
  const { terminal } = invocation;
  const feeds = new Command('feeds')
    .description('Operates the feeds of Busbar, beside a running one or without.')
    .usage('<command> [options]   (npm run feeds -- <command> [options])')
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      outputError: (text, write) => write(oneLine(text)),
    })
    .configureHelp({ subcommandTerm: (command) => command.name(), helpWidth: HELP_WIDTH })
    .exitOverride()
    .addHelpText('after', HELP);
  for (const add of COMMANDS) add(feeds, invocation);
  return feeds;
}

/** With what may have been meant on the same line. */
function oneLine(error: string): string {
  return error.replace(/^error:/, 'feeds:').replaceAll('\n(', ' (');
}

const COMMANDS = [
  addList,
  addStatus,
  addHealth,
  addWatermark,
  addGaps,
  addRepair,
  addBackfill,
  addReplay,
  addIngest,
  addPublish,
  addDeadLetters,
  addJobs,
  addNew,
];
