import { builder } from './builder.ts';
import { FeedCompleteness, FeedGap, owedArguments, owedQuestion } from './completeness.ts';
import type { FeedPartitionRow, FeedRow, FeedStreamRow } from './context.ts';

const FeedKind = builder.enumType('FeedKind', {
  description: 'How facts come to a feed.',
  values: {
    TOPIC: { value: 'topic', description: 'Records of a log, as they are produced. Read again by `replay`.' },
    POLL: { value: 'poll', description: 'Answers of a source that is asked. Asked again by `backfill`.' },
  } as const,
});

const FeedStream = builder.objectRef<FeedStreamRow>('FeedStream').implement({
  description: 'A name for a part of a feed, which mutations and the command line take in the place of the feed’s id.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Unique among all feeds: `iso.rt.lmp.caiso`.' }),
    partitions: t.exposeStringList('partitions', { description: 'The feed’s partitions it stands for.' }),
  }),
});

const FeedPartition = builder.objectRef<FeedPartitionRow>('FeedPartition').implement({
  description: 'A part of a feed with an order and an owner of its own, and where it stands.',
  fields: (t) => ({
    partition: t.exposeString('partition', {
      description:
        'A log partition (`0`), or the report a source is asked for. `backfill/…`, `replay/…`, `retry/…` and `file` are what jobs and files were committed under: nobody owns them, and they have no position.',
    }),
    position: t.expose('position', {
      type: 'Long',
      nullable: true,
      description:
        'Up to where everything is committed: the next log offset, or the instant in milliseconds UTC up to which a polled source was asked; null before the first.',
    }),
    watermark: t.expose('watermark', {
      type: 'DateTime',
      nullable: true,
      description: 'End of the newest delivery interval committed; null before the first.',
    }),
    lag: t.expose('lag', {
      type: 'Long',
      nullable: true,
      description: 'Log records not yet read when the last batch was committed; null for a polled source.',
    }),
    owner: t.exposeString('owner', { nullable: true, description: 'The process that last claimed the partition.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When this standing was last written.' }),
    lastError: t.exposeString('lastError', {
      nullable: true,
      description: 'What went wrong last; null if nothing did.',
    }),
    lastErrorAt: t.expose('lastErrorAt', { type: 'DateTime', nullable: true, description: 'When it went wrong.' }),
  }),
});

const Feed = builder.objectRef<FeedRow>('Feed').implement({
  description: 'One stream of facts from one source, and how far it has been ingested.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Stable and unique; as in the ledger and the command line.' }),
    title: t.exposeString('title', {
      description: 'What the feed is, for people.',
    }),
    kind: t.expose('kind', { type: FeedKind, description: 'How facts come to it.' }),
    streams: t.field({
      type: [FeedStream],
      description: 'Names for parts of the feed; empty where it has none.',
      resolve: ({ streams }) => streams,
    }),
    partitions: t.field({
      type: [FeedPartition],
      description: 'Where each partition stands, by name.',
      resolve: ({ partitions }) => partitions,
    }),
    watermark: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The furthest of the partitions’ watermarks; null before the first price.',
      resolve: ({ partitions }) => newest(partitions.map(({ watermark }) => watermark)),
    }),
    deadLettersOpen: t.int({
      description: 'Dead letters that wait for somebody to look at them; `deadLetters(feed:, state: OPEN)` lists them.',
      resolve: ({ id }, _args, { loaders }) => loaders.openDeadLetters.load(id),
    }),
    gaps: t.field({
      type: [FeedGap],
      nullable: true,
      authScopes: { may: 'ANALYSIS' },
      description:
        'What the feed owed in a range and has not brought, by partition, node and time; what is not due yet is not missing. Null where it owes nothing that could be told. At most 5,000,000 intervals are looked at and 100,000 gaps shown.',
      args: owedArguments,
      resolve: ({ id }, args, { reads }) => reads.gaps(owedQuestion(id, args)),
    }),
    completeness: t.field({
      type: [FeedCompleteness],
      nullable: true,
      authScopes: { may: 'ANALYSIS' },
      description:
        'How much of what each partition owed in a range has come. Null where the feed owes nothing that could be told. At most 5,000,000 intervals are looked at.',
      args: owedArguments,
      resolve: ({ id }, args, { reads }) => reads.completeness(owedQuestion(id, args)),
    }),
  }),
});

builder.queryField('feeds', (t) =>
  t.field({
    type: [Feed],
    authScopes: { may: 'FEEDS' },
    description: 'All feeds that have ever been started, by id.',
    resolve: (_root, _args, { reads }) => reads.feeds(),
  }),
);

builder.queryField('feed', (t) =>
  t.field({
    type: Feed,
    nullable: true,
    authScopes: { may: 'FEEDS' },
    description: 'One feed; null where it was never started.',
    args: { id: t.arg.id({ required: true, description: 'The feed’s id.' }) },
    resolve: (_root, { id }, { reads }) => reads.feed(id),
  }),
);

builder.subscriptionField('feedHealth', (t) =>
  t.field({
    type: [Feed],
    authScopes: { may: 'FEEDS' },
    description:
      'All feeds as they are, and then all again when something about one changed, at most once a second. What is read of a feed beyond its standing is read anew each time.',
    subscribe: (_root, _args, { live }) => live.feedHealth(),
    resolve: (feeds) => feeds,
  }),
);

function newest(instants: readonly (number | null)[]): number | null {
  return instants.reduce(
    (newestYet, each) => (newestYet === null || (each ?? newestYet) > newestYet ? each : newestYet),
    null,
  );
}
