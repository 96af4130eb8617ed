/**
 * `npm run feeds -- …`: what an operator does with feeds from a shell. Works beside a running Busbar: it uses the same store,
 * and what it commits is announced by whoever serves live.
 *
 * Exit codes: 0 done (a source that has no data is not an error), 1 failed, 2 the call or the configuration is wrong.
 */
import { Command } from 'commander';
import { BusbarError, isBusbarError, messageOf } from '../domain/errors.ts';
import { openStore, type Store } from '../prisma/store.ts';
import { readConfig } from '../runtime/config.ts';
import { createLog } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import type { Feed } from './feed.ts';
import { FEEDS } from './feeds/index.ts';
import { FILE_PARTITION, ingestFile } from './ingest-file.ts';
import { createPipeline, type Outcome } from './pipeline/pipeline.ts';
import { createRollups } from './pipeline/rollups.ts';
import { registerFeeds } from './pipeline/store/feeds.ts';
import { claimPartition } from './pipeline/store/positions.ts';

const program = new Command('feeds')
  .description('Operate the feeds of Busbar.')
  .showHelpAfterError()
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

program
  .command('list')
  .description('the feeds there are')
  .option('--json', 'print JSON')
  .action((options: { json?: boolean }) => {
    const feeds = FEEDS.map(({ id, title, source }) => ({ id, title, kind: source.kind }));
    if (options.json) return print(feeds);
    printTable(
      ['feed', 'kind', 'title'],
      feeds.map(({ id, kind, title }) => [id, kind, title]),
    );
  });

program
  .command('status')
  .description('where each partition of each feed stands')
  .option('--json', 'print JSON')
  .action((options: { json?: boolean }) =>
    withStore(async (store) => {
      const { rows } = await store.pool.query<StatusRow>(STATUS);
      if (options.json) return print(rows);
      printTable(
        [
          'feed',
          'partition',
          'position',
          'watermark',
          'lag',
          'entries',
          'written',
          'revised',
          'rejected',
          'last error',
        ],
        rows.map((row) => [
          row.feed,
          row.partition,
          row.position,
          row.watermark?.toISOString(),
          row.lag,
          row.entries,
          row.written,
          row.revised,
          row.rejected,
          row.lastError,
        ]),
      );
    }),
  );

program
  .command('ingest')
  .description('load a recorded payload of a feed from a file')
  .requiredOption('--feed <id>', 'the feed it belongs to')
  .requiredOption('--file <path>', 'the payload, as the source answered it')
  .option('--json', 'print JSON')
  .action(async (options: { feed: string; file: string; json?: boolean }) => {
    const feed = feedById(options.feed);
    await withStore(async (store) => {
      const outcome = await ingest(store, feed, options.file);
      if (options.json) return print(outcome);
      console.log(describe(options.file, outcome));
    });
  });

async function ingest(store: Store, feed: Feed, file: string): Promise<Outcome> {
  const { pool } = store;
  const log = createLog('warn', 'feeds', process.stderr);
  const rollups = createRollups({ pool, log, clock: Date.now });
  // Without an announcer: whoever serves live finds the entry and announces it.
  const pipeline = createPipeline({ pool, announcer: undefined, rollups, metrics: createMetrics(), log });
  await registerFeeds(pool, [feed]);
  const claim = () => claimPartition(pool, feed.id, FILE_PARTITION, `feeds ingest/${process.pid}`);
  const outcome = await ingestFile(feed, file, claim, pipeline, Date.now());
  await rollups.settled();
  return outcome;
}

function describe(file: string, outcome: Outcome): string {
  if (outcome.noData !== undefined) return `${file}: no data. The source says: ${outcome.noData}`;
  const { rowsIn, written, revised, unchanged, rejected, ledgerId } = outcome;
  const counts = `${rowsIn} intervals read: ${written} new, ${revised} revised, ${unchanged} unchanged, ${rejected} rejected`;
  const nothing = written + revised === 0 ? ' Nothing new was written.' : '';
  const letters = rejected > 0 ? ` The rejected ones are in the dead letters of ledger entry ${ledgerId}.` : '';
  return `${file}: ${counts} (ledger entry ${ledgerId}).${nothing}${letters}`;
}

function feedById(id: string): Feed {
  const found = FEEDS.find((feed) => feed.id === id);
  if (!found)
    throw new BusbarError(
      'BAD_USER_INPUT',
      `there is no feed "${id}"; there are ${FEEDS.map((feed) => feed.id).join(', ')}`,
    );
  return found;
}

async function withStore(use: (store: Store) => Promise<void> | void): Promise<void> {
  const store = await openStore(readConfig(process.env).core, 'busbar feeds', () => {});
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

interface StatusRow {
  readonly feed: string;
  readonly partition: string;
  readonly position: number | null;
  readonly watermark: Date | null;
  readonly lag: number | null;
  readonly entries: number;
  readonly written: number;
  readonly revised: number;
  readonly rejected: number;
  readonly lastError: string | null;
}

const STATUS = `
  SELECT p.feed_id AS feed, p.partition, p.position, p.watermark, p.lag, p.last_error AS "lastError",
         count(e.id)::int AS entries, coalesce(sum(e.rows_written), 0)::int AS written,
         coalesce(sum(e.rows_revised), 0)::int AS revised, coalesce(sum(e.rows_rejected), 0)::int AS rejected
  FROM feed_position p LEFT JOIN ledger_entry e ON e.feed_id = p.feed_id AND e.partition = p.partition
  GROUP BY p.feed_id, p.partition ORDER BY p.feed_id, p.partition`;

function print(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

function printTable(head: readonly string[], rows: readonly (readonly (string | number | null | undefined)[])[]): void {
  const cells = [head, ...rows].map((row) => row.map((cell) => String(cell ?? '–')));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  for (const row of cells)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

// Last, so that everything above is there.
try {
  await program.parseAsync();
} catch (error) {
  console.error(`feeds: ${messageOf(error)}`);
  process.exitCode = isBusbarError(error, 'CONFIG_INVALID') || isBusbarError(error, 'BAD_USER_INPUT') ? 2 : 1;
}
