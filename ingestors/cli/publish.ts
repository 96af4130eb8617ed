import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Command, Option } from 'commander';
import { BusbarError, messageOf } from '../../domain/errors.ts';
import { auditedWork } from '../../prisma/operations/audit.ts';
import { TOPICS, type Topic } from '../../schema/events/topics.ts';
import type { Feed } from '../feed.ts';
import { FEEDS } from '../feeds/index.ts';
import type { EventLog, OutgoingRecord } from '../sources/event-log.ts';
import { createNotes } from './notes.ts';
import { type JsonOptions, jsonOption } from './options.ts';
import { printJson, printTable } from './output.ts';
import { recordsFromLines } from './records-from-lines.ts';
import { sendsByKey } from './sends-by-key.ts';
import { actorAtShell, type Invocation, withStore } from './session.ts';
import type { Terminal } from './terminal.ts';

interface PublishOptions extends JsonOptions {
  readonly topic: ReadTopic;
  readonly file: string;
  readonly raw?: boolean;
}

/** A topic and the feed that reads it. */
interface ReadTopic {
  readonly topic: Topic;
  readonly feed: Feed;
}

const HELP = `
One JSON object a line. All are held to the topic's contract first: where one
breaks it, nothing is published. Whether its hub is known the ingestors see: a
record of an unknown one becomes a dead letter. The key of a record is what its
topic orders by: the account of a trade, the hub of a price.

Examples:
  feeds publish --topic trades --file trades.ndjson
  jq -c '.[]' trades.json | npm run -s feeds -- publish --topic trades --file -`;

export function addPublish(feeds: Command, invocation: Invocation): void {
  feeds
    .command('publish')
    .description('appends records to a topic of the log, embedded or Kafka, by hand')
    .addOption(topicOption().makeOptionMandatory())
    .requiredOption('--file <path>', 'the records, one a line; - is standard input')
    .option('--raw', 'append the lines as they are, whatever they are')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((options: PublishOptions) => publish(invocation, options));
}

const topicOption = () =>
  new Option('--topic <name>', 'the topic').argParser((text: string): ReadTopic => {
    const found = READ_TOPICS.get(text);
    if (found) return found;
    throw new BusbarError(
      'BAD_USER_INPUT',
      `there is no topic "${text}"; there are ${[...READ_TOPICS.keys()].join(', ')}`,
    );
  });

/** What Busbar itself writes is nobody else's to write. */
const READ_TOPICS: ReadonlyMap<string, ReadTopic> = new Map(
  TOPICS.flatMap((topic) => {
    const feed = FEEDS.find(({ source }) => source.kind === 'topic' && source.topic === topic.topic);
    return feed ? [[topic.topic, { topic, feed }]] : [];
  }),
);

function publish(invocation: Invocation, { topic: { topic, feed }, file, raw = false, json }: PublishOptions) {
  return withStore(invocation, async ({ config, store, terminal }) => {
    const asked = { actor: actorAtShell(), action: 'publish', input: { topic: topic.topic, file, raw } };
    await auditedWork(store.pool, asked, async () => {
      const records = await recordsFromLines(await bytesOf(file, terminal), { topic, feed: raw ? undefined : feed });
      const { openEventLog } = await import('../sources/open-log.ts');
      const eventLog = await openEventLog(config.core, store, createNotes(terminal.stderr));
      const published: Published[] = [];
      try {
        await eventLog.ensureTopics([topic]);
        for (const sent of sendsByKey(records)) published.push(await append(eventLog, topic, sent));
      } finally {
        // Also where the log was lost on the way: what is there is there.
        print(terminal, published, json);
        await eventLog.close();
      }
    });
  });
}

const BYTES_MAX = 64 * 1024 * 1024;

async function bytesOf(file: string, { stdin }: Terminal): Promise<Buffer> {
  const input: Readable = file === '-' ? stdin : createReadStream(file);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of input) {
      bytes += chunks[chunks.push(Buffer.from(chunk)) - 1]?.length ?? 0;
      if (bytes > BYTES_MAX)
        throw new BusbarError('LIMIT_EXCEEDED', `${file} has more than ${BYTES_MAX} bytes: cut it`);
    }
  } catch (error) {
    if (error instanceof BusbarError) throw error;
    throw new BusbarError('BAD_USER_INPUT', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return Buffer.concat(chunks);
}

interface Published {
  readonly key: string | null;
  readonly partition: number;
  /** Of the first record. */
  readonly offset: number;
  readonly records: number;
}

async function append(eventLog: EventLog, { topic }: Topic, records: readonly OutgoingRecord[]): Promise<Published> {
  const [place] = await eventLog.append(topic, records);
  if (!place) throw new BusbarError('UNAVAILABLE', `the log does not say where records of ${topic} went`);
  return { key: records[0]?.key ?? null, ...place, records: records.length };
}

function print(terminal: Terminal, published: readonly Published[], json: boolean | undefined): void {
  const rows = published.map(({ key, partition, offset, records }) => [key, partition, offset, records]);
  if (json) printJson(terminal, published);
  else if (rows.length > 0) printTable(terminal, ['key', 'partition', 'offset', 'records'], rows);
}
