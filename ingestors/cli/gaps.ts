import type { Command } from 'commander';
import type pg from 'pg';
import { isoFromInstant } from '../../domain/instant.ts';
import { type Completeness, type Gap, readCompleteness, readGaps } from '../../prisma/operations/completeness.ts';
import { FEEDS } from '../feeds/index.ts';
import { feedNamed, type NamedFeed, requirePartitions } from './feed-names.ts';
import {
  feedOption,
  fromDaysAgoOption,
  type JsonOptions,
  jsonOption,
  nodeOption,
  partitionOption,
  toOption,
} from './options.ts';
import { countText, printJson, printLine, printTable } from './output.ts';
import { type PastRange, readableRange, windowFrom } from './past-range.ts';
import { type Invocation, withFeeds } from './session.ts';
import type { Terminal } from './terminal.ts';

interface GapsOptions extends PastRange, JsonOptions {
  readonly feed?: NamedFeed;
}

const HELP = `
Without --feed: of every feed.

Example:
  feeds gaps --feed iso.rt.lmp.caiso --from -2d`;

/** More of them is nothing to read on a screen. */
const ROWS_MAX = 200;

export function addGaps(feeds: Command, invocation: Invocation): void {
  feeds
    .command('gaps')
    .description('what a feed owes and has not brought, and how complete it is')
    .addOption(feedOption())
    .addOption(fromDaysAgoOption(invocation.now, 7))
    .addOption(toOption(invocation.now))
    .addOption(partitionOption())
    .addOption(nodeOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(({ feed, json, ...range }: GapsOptions) =>
      withFeeds(invocation, async (session) => {
        const named = feed ? [feed] : FEEDS.map(({ id }) => feedNamed(id));
        if (feed) await requirePartitions({ config: session.config, db: session.store.pool }, feed, range.partition);
        const reports: GapReport[] = [];
        for (const each of named) reports.push(await readReport(session.store.pool, each, range, session.now));
        if (json) return printJson(session.terminal, reports.map(reportJson));
        for (const report of reports) printReport(session.terminal, report);
      }),
    );
}

interface GapReport {
  readonly feed: string;
  readonly from: number;
  readonly to: number;
  /** Null: the feed owes nothing that could be told. */
  readonly completeness: readonly Completeness[] | null;
  readonly gaps: readonly Gap[] | null;
}

async function readReport(pool: pg.Pool, { name }: NamedFeed, range: PastRange, now: number): Promise<GapReport> {
  const asked = { feed: name, ...windowFrom(range) };
  const completeness = await readCompleteness(pool, asked, now);
  const gaps = completeness && (await readGaps(pool, asked, now));
  return { feed: name, from: range.from, to: range.to, completeness, gaps };
}

function printReport(terminal: Terminal, { feed, completeness, gaps, ...range }: GapReport): void {
  const { from, to } = readableRange(range);
  printLine(terminal, `${feed}, delivery from ${from} to ${to}:`);
  if (!completeness || !gaps) printLine(terminal, '  owes nothing that could be told');
  for (const each of completeness ?? []) printLine(terminal, `  ${completenessText(each)}`);
  if (gaps?.length) printGaps(terminal, feed, gaps);
}

function completenessText({ partition, run, expected, present, missing, late }: Completeness): string {
  // Rounded down: what is not complete must not look so.
  const share = expected === 0 ? '' : ` (${(Math.floor((10_000 * present) / expected) / 100).toFixed(2)} %)`;
  const counts = `${countText(present)} present${share}, ${countText(missing)} missing, ${countText(late)} late`;
  return `${partition} ${run}: ${countText(expected)} expected, ${counts}`;
}

function printGaps(terminal: Terminal, feed: string, gaps: readonly Gap[]): void {
  printTable(
    terminal,
    ['partition', 'run', 'node', 'from', 'to', 'intervals'],
    gaps
      .slice(0, ROWS_MAX)
      .map((gap) => [
        gap.partition,
        gap.run,
        gap.node,
        isoFromInstant(gap.from),
        isoFromInstant(gap.to),
        gap.intervals,
      ]),
  );
  if (gaps.length > ROWS_MAX)
    printLine(terminal, `… and ${countText(gaps.length - ROWS_MAX)} more: --json has them all.`);
  printLine(terminal, `\`feeds repair --feed ${feed}\` over the same range asks the source for them.`);
}

function reportJson({ completeness, gaps, ...report }: GapReport): object {
  const dated = (each: Completeness) => ({
    ...each,
    watermark: each.watermark === null ? null : isoFromInstant(each.watermark),
  });
  return {
    ...readableRange(report),
    completeness: completeness?.map(dated) ?? null,
    gaps: gaps?.map(readableRange) ?? null,
  };
}
