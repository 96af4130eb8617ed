import type { Command } from 'commander';
import type pg from 'pg';
import { inPartitions } from '../../prisma/operations/jobs.ts';
import type { NamedFeed } from './feed-names.ts';
import { durationText } from './instants.ts';
import { type AllOptions, allOption, bySource, hiddenText } from './job-partitions.ts';
import { feedOption, type JsonOptions, jsonOption } from './options.ts';
import { printJson, printLine, printTable } from './output.ts';
import { positionText } from './position-text.ts';
import { type Invocation, withStore } from './session.ts';

interface WatermarkOptions extends AllOptions, JsonOptions {
  readonly feed?: NamedFeed;
}

export function addWatermark(feeds: Command, invocation: Invocation): void {
  feeds
    .command('watermark')
    .description('how far each partition has come: the end of its newest delivery interval, and how old that is')
    .addOption(feedOption())
    .addOption(allOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  feeds watermark --feed caiso-lmp')
    .action(({ feed, all, json }: WatermarkOptions) =>
      withStore(invocation, async ({ store: { pool }, now, terminal }) => {
        const rows = (await readWatermarks(pool, feed)).map((row) => ({ ...row, ageMs: ageOf(row, now) }));
        if (json) return printJson(terminal, rows);
        const { sources, others } = bySource(rows);
        printTable(
          terminal,
          ['feed', 'partition', 'watermark', 'age', 'position', 'lag'],
          (all ? rows : sources).map(({ feed: id, partition, watermark, ageMs, position, lag }) => [
            id,
            partition,
            watermark,
            ageText(ageMs),
            positionText(id, position),
            lag,
          ]),
        );
        if (!all && others.length > 0) printLine(terminal, `\n${hiddenText(others, 'watermark')}`);
      }),
    );
}

interface Watermark {
  readonly feed: string;
  readonly partition: string;
  readonly watermark: Date | null;
  readonly position: number | null;
  /** Offsets not yet read. */
  readonly lag: number | null;
}

async function readWatermarks(pool: pg.Pool, named: NamedFeed | undefined): Promise<Watermark[]> {
  const { rows } = await pool.query<Watermark>(
    `SELECT feed_id AS feed, partition, watermark, position, lag FROM feed_position
     WHERE ($1::text IS NULL OR feed_id = $1) AND ${inPartitions('$2')} ORDER BY feed_id, partition`,
    [named?.feed.id ?? null, named?.partitions ?? null],
  );
  return rows;
}

function ageOf({ watermark }: Watermark, now: number): number | null {
  return watermark === null ? null : now - watermark.getTime();
}

/** Prices of tomorrow's market are ahead of now. */
function ageText(ageMs: number | null): string | undefined {
  if (ageMs === null) return undefined;
  return ageMs < 0 ? `${durationText(-ageMs)} ahead` : durationText(ageMs);
}
