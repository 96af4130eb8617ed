import type { Command } from 'commander';
import { Option } from 'commander';
import { BusbarError } from '../../domain/errors.ts';
import { requestReplay } from '../../prisma/operations/jobs.ts';
import { type AskOptions, askForJob } from './ask-for-job.ts';
import { type NamedFeed, requirePartitions } from './feed-names.ts';
import {
  detachOption,
  feedOption,
  fromOption,
  jsonOption,
  type OffsetRange,
  offsetsFrom,
  partitionOption,
  toOption,
} from './options.ts';
import { readableRange, windowFrom } from './past-range.ts';
import { type Invocation, withFeeds } from './session.ts';

interface ReplayOptions extends AskOptions {
  readonly feed: NamedFeed;
  readonly from?: number;
  readonly to: number;
  readonly partition?: readonly string[];
  readonly offsets?: OffsetRange;
}

const HELP = `
Of a topic the range is when records were appended; of a polled source, the
delivery time of what is kept of it.
Ingested files belong to no partition: name the feed itself to replay them.

Examples:
  feeds replay --feed iso.rt.lmp.caiso --from 2025-07-01T00:00Z --to now
  feeds replay --feed realtime_prices --offsets 0:1200-1300`;

export function addReplay(feeds: Command, invocation: Invocation): void {
  feeds
    .command('replay')
    .description('decodes again what came, as after a mended decoder, without asking the source')
    .addOption(feedOption().makeOptionMandatory())
    .addOption(fromOption(invocation.now))
    .addOption(toOption(invocation.now))
    .addOption(partitionOption())
    .addOption(offsetsOption())
    .addOption(detachOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(({ feed: named, json, detach, ...options }: ReplayOptions) => {
      const asked = { feed: named.name, ...rangeOf(options) };
      return withFeeds(invocation, async (session) => {
        await askForJob(
          session,
          {
            action: 'replay',
            input: readableRange(asked),
            request: async (client, by) => {
              await requirePartitions({ config: session.config, db: client }, named, options.partition);
              return requestReplay(client, { ...asked, by });
            },
          },
          { json, detach },
        );
      });
    });
}

const offsetsOption = () =>
  new Option('--offsets <partition:from-to>', 'only these offsets of one partition of a topic; --from may be left out')
    .conflicts('partition')
    .argParser((text: string) => offsetsFrom(text));

/** Offsets say all there is to say; a range of time is needed without them. */
function rangeOf({ from, offsets, ...range }: Omit<ReplayOptions, 'feed'>) {
  if (from === undefined && !offsets) {
    throw new BusbarError('BAD_USER_INPUT', 'say from when on: --from, or --offsets of a topic');
  }
  return { ...windowFrom({ from: from ?? 0, ...range }), ...(offsets && { offsets }) };
}
