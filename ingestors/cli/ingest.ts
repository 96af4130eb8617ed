import type { Command } from 'commander';
import { auditedWork } from '../../prisma/operations/audit.ts';
import { commonReason } from '../../prisma/operations/dead-letters.ts';
import type { Outcome } from '../pipeline/unit.ts';
import { oneLine } from '../sources/one-line.ts';
import type { NamedFeed } from './feed-names.ts';
import { feedOption, type JsonOptions, jsonOption } from './options.ts';
import { countText, printJson, printLine } from './output.ts';
import { actorAtShell, type Invocation, type Session, withFeeds } from './session.ts';

interface IngestOptions extends JsonOptions {
  readonly feed: NamedFeed;
  readonly file: string;
  readonly again?: boolean;
}

const HELP = `
The same bytes are recognised and not decoded twice; --again decodes them all
the same.

Example:
  feeds ingest --feed caiso-lmp --file 20240101_PRC_LMP_DAM.zip`;

export function addIngest(feeds: Command, invocation: Invocation): void {
  feeds
    .command('ingest')
    .description('loads a recorded payload of a feed from a file')
    .addOption(feedOption().makeOptionMandatory())
    .requiredOption('--file <path>', 'the payload, as the source answered it')
    .option('--again', 'decode it although the same bytes came before')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((options: IngestOptions) =>
      withFeeds(invocation, async (session) => {
        const outcome = await ingest(session, options);
        if (isWhollyRejected(outcome)) session.terminal.exitCode = 1;
        const why = outcome.rejected > 0 ? await commonReason(session.store.pool, outcome.ledgerId) : undefined;
        if (options.json) return printJson(session.terminal, { ...outcome, why: why?.reason });
        printLine(session.terminal, outcomeText(options, outcome, why));
      }),
    );
}

async function ingest(session: Session, { feed: named, file, again = false }: IngestOptions): Promise<Outcome> {
  // All that ingests is loaded only where a file is: other commands share this file's process.
  const [{ ingestFile }, { openPipeline }] = await Promise.all([import('../ingest-file.ts'), import('./workers.ts')]);
  const { pipeline, settled } = openPipeline(session);
  const asked = { actor: actorAtShell(), action: 'ingest', input: { feed: named.name, file, again } };
  const outcome = await auditedWork(session.store.pool, asked, () =>
    ingestFile(named.feed, { path: file, now: session.now, again }, pipeline),
  );
  await settled();
  return outcome;
}

/** A file of which nothing could be read is a failure, whatever is kept of it. */
function isWhollyRejected({ rowsIn, rejected }: Outcome): boolean {
  return rowsIn > 0 && rejected >= rowsIn;
}

function outcomeText({ file, feed: named }: IngestOptions, outcome: Outcome, why?: Why): string {
  const { rowsIn, written, revised, unchanged, rejected, ledgerId, duplicateOf } = outcome;
  const reason = why ? ` ${countText(why.count)} × ${oneLine(why.reason)}.` : '';
  const before = duplicateOf === undefined ? '' : ` The same bytes came before, as ledger entry ${duplicateOf}.`;
  if (outcome.noData !== undefined) return `${file}: no data. The source says: ${outcome.noData}${before}`;
  const counts = `${countText(written)} new, ${countText(revised)} revised, ${countText(unchanged)} unchanged, ${countText(rejected)} rejected`;
  const nothing = written + revised + (outcome.places?.changed ?? 0) === 0 ? ' Nothing new was written.' : '';
  const letters = rejected > 0 ? ` The rejected ones: feeds dead-letters --feed ${named.feed.id}` : '';
  const told = outcome.places && rowsIn === 0 ? ` ${placesText(outcome.places)}` : '';
  const what = named.feed.family === 'places' ? 'records' : 'intervals';
  return `${file}: ${countText(rowsIn)} ${what} read: ${counts} (ledger entry ${ledgerId}).${reason}${told}${before}${nothing}${letters}`;
}

type Why = Awaited<ReturnType<typeof commonReason>>;

function placesText({ told, changed }: NonNullable<Outcome['places']>): string {
  return `It tells of ${countText(told)} nodes, and of ${countText(changed)} what was not known.`;
}
