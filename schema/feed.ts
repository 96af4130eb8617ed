import { builder } from './builder.ts';
import type { FeedPartitionRow, FeedRow } from './context.ts';

const FeedPartition = builder.objectRef<FeedPartitionRow>('FeedPartition').implement({
  description: 'A part of a feed with an order and an owner of its own, and where it stands.',
  fields: (t) => ({
    partition: t.exposeString('partition', {
      description: 'A log partition (`0`), or the report a source is asked for.',
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
  }),
});

builder.queryField('feeds', (t) =>
  t.field({
    type: [Feed],
    description: 'All feeds that have ever been started, by id.',
    resolve: (_root, _args, { reads }) => reads.feeds(),
  }),
);

builder.queryField('feed', (t) =>
  t.field({
    type: Feed,
    nullable: true,
    description: 'One feed; null where it was never started.',
    args: { id: t.arg.id({ required: true, description: 'The feed’s id.' }) },
    resolve: (_root, { id }, { reads }) => reads.feed(id),
  }),
);

function newest(instants: readonly (number | null)[]): number | null {
  return instants.reduce(
    (newestYet, each) => (newestYet === null || (each ?? newestYet) > newestYet ? each : newestYet),
    null,
  );
}
