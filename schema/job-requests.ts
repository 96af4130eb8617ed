import { BusbarError } from '../domain/errors.ts';
import { DAY_MS } from '../domain/instant.ts';
import { builder } from './builder.ts';
import type { LogRange, Range } from './context.ts';
import { FEED_ARGUMENT } from './feed-argument.ts';
import { Job } from './job.ts';
import { requireWithin, someOf } from './limits.ts';
import { someNodesFrom } from './node-names.ts';
import { rangeFrom } from './range.ts';
import { rowIdFrom, rowIdsFrom } from './row-id.ts';

const BackfillInput = builder.inputType('BackfillInput', {
  description: 'Which delivery intervals a source is to be asked for again: those that start in [from, to).',
  fields: (t) => ({
    feed: t.id({ required: true, description: `${FEED_ARGUMENT} A topic cannot be asked again: replay it.` }),
    from: t.field({ type: 'DateTime', required: true, description: 'First interval start, inclusive.' }),
    to: t.field({
      type: 'DateTime',
      required: true,
      description: 'End of the range: interval starts before it; at most ten years after `from`.',
    }),
    partitions: t.stringList({ description: 'Only these partitions of the feed; without it, all.' }),
    nodes: t.idList({
      description:
        'These pricing nodes, as `MARKET:NAME`, at most 1,000; without it, those the feed is configured for.',
    }),
  }),
});

const LogRangeInput = builder.inputType('LogRangeInput', {
  description: 'Records of one partition of a topic by their offsets, [fromOffset, toOffset).',
  fields: (t) => ({
    partition: t.int({ required: true, description: 'The log partition, from 0.' }),
    fromOffset: t.field({ type: 'Long', required: true, description: 'First offset, inclusive.' }),
    toOffset: t.field({ type: 'Long', required: true, description: 'The offset behind the last one.' }),
  }),
});

const ReplayInput = builder.inputType('ReplayInput', {
  description:
    'What is to be decoded again. Of a topic: the records that were appended to the log in [from, to). Of a polled source: the kept payloads that brought prices for delivery in [from, to).',
  fields: (t) => ({
    feed: t.id({ required: true, description: FEED_ARGUMENT }),
    from: t.field({ type: 'DateTime', required: true, description: 'Start of the range, inclusive.' }),
    to: t.field({ type: 'DateTime', required: true, description: 'End of the range, exclusive.' }),
    partitions: t.stringList({ description: 'Only these partitions of the feed; without it, all.' }),
    into: t.field({
      type: LogRangeInput,
      description:
        'Only these offsets of one partition of a topic, whenever they were appended; not for a polled source.',
    }),
  }),
});

const RepairInput = builder.inputType('RepairInput', {
  description: 'Where to look for what is missing: delivery intervals that start in [from, to), as `Feed.gaps` does.',
  fields: (t) => ({
    feed: t.id({ required: true, description: FEED_ARGUMENT }),
    from: t.field({ type: 'DateTime', required: true, description: 'First interval start, inclusive.' }),
    to: t.field({
      type: 'DateTime',
      required: true,
      description: 'End of the range: interval starts before it; at most ten years after `from`.',
    }),
    partitions: t.stringList({ description: 'Only these partitions of the feed; without it, all.' }),
    nodes: t.idList({
      description: 'These pricing nodes, as `MARKET:NAME`, at most 1,000; without it, every one that is owed.',
    }),
  }),
});

const JobPayload = builder.objectRef<{ readonly jobId: number }>('JobPayload').implement({
  description: 'What a mutation that asks for a job, or for its end, answers.',
  fields: (t) => ({
    job: t.field({
      type: Job,
      description: 'The job as it is now. Follow it with the subscription `jobProgress`.',
      resolve: async ({ jobId }, _args, { loaders }) => {
        const job = await loaders.job.load(jobId);
        if (!job) throw new BusbarError('NOT_FOUND', `there is no job ${jobId}`);
        return job;
      },
    }),
  }),
});

builder.mutationField('backfill', (t) =>
  t.field({
    type: JobPayload,
    authScopes: { may: 'OPERATE' },
    description:
      'Asks a source again for past delivery intervals, in chunks that it will take and at the pace it allows. What is known already stays as it is; what the source has corrected since becomes a new version.',
    args: { input: t.arg({ type: BackfillInput, required: true, description: 'What to ask for.' }) },
    resolve: async (_root, { input: { feed, partitions, nodes, ...given } }, { operations }) => {
      const range = backfillRange(given);
      return {
        jobId: await operations.backfill({ feed, ...range, ...partitionsFrom(partitions), ...namedNodes(nodes) }),
      };
    },
  }),
);

builder.mutationField('replay', (t) =>
  t.field({
    type: JobPayload,
    authScopes: { may: 'OPERATE' },
    description:
      'Decodes again what came, as after a mended decoder, without asking the source. Where nothing changed, nothing is written; what is decoded otherwise now becomes a new version.',
    args: { input: t.arg({ type: ReplayInput, required: true, description: 'What to decode again.' }) },
    resolve: async (_root, { input: { feed, partitions, into, ...given } }, { operations }) => {
      const offsets = into == null ? {} : { offsets: offsetsFrom(into) };
      const jobId = await operations.replay({ feed, ...rangeFrom(given), ...partitionsFrom(partitions), ...offsets });
      return { jobId };
    },
  }),
);

builder.mutationField('repair', (t) =>
  t.field({
    type: JobPayload,
    authScopes: { may: 'OPERATE' },
    description:
      'Backfills the gaps of a feed: what it owes and has not brought, as `Feed.gaps` lists it. Gaps of a node with at most 24 intervals between them are asked for as one, with these. Where nothing is missing, or nothing could be told, there is no job: refused with BAD_USER_INPUT and `extensions.reason` NOTHING_TO_REPAIR.',
    args: { input: t.arg({ type: RepairInput, required: true, description: 'Where to look for gaps.' }) },
    resolve: async (_root, { input: { feed, partitions, nodes, ...given } }, { operations }) => {
      const range = backfillRange(given);
      return {
        jobId: await operations.repair({ feed, ...range, ...partitionsFrom(partitions), ...namedNodes(nodes) }),
      };
    },
  }),
);

builder.mutationField('cancelJob', (t) =>
  t.field({
    type: JobPayload,
    authScopes: { may: 'OPERATE' },
    description:
      'Asks a job to end: chunks under way are broken off, those not begun are not. What is committed stays. Refused with BAD_USER_INPUT where the job has ended already.',
    args: { id: t.arg.id({ required: true, description: 'The job’s id.' }) },
    resolve: async (_root, { id }, { operations }) => {
      const jobId = rowIdFrom('id', id);
      await operations.cancelJob(jobId);
      return { jobId };
    },
  }),
);

builder.mutationField('retryDeadLetters', (t) =>
  t.field({
    type: JobPayload,
    authScopes: { may: 'OPERATE' },
    description:
      'Tries dead letters again, as after a mended decoder. Those that now become facts are RETRIED, the others stay OPEN with their new reason.',
    args: {
      feed: t.arg.id({ required: true, description: FEED_ARGUMENT }),
      ids: t.arg.idList({
        description: 'These open dead letters of the feed, at most 10,000; without it, every open one.',
      }),
    },
    resolve: async (_root, { feed, ids }, { operations }) => {
      const named = ids == null ? {} : { ids: rowIdsFrom('ids', ids) };
      return { jobId: await operations.retryDeadLetters({ feed, ...named }) };
    },
  }),
);

function backfillRange(given: Range): Range {
  const range = rangeFrom(given);
  requireWithin('backfillDays', Math.ceil((range.to - range.from) / DAY_MS), 'ask for shorter ranges one by one');
  return range;
}

function partitionsFrom(partitions: readonly string[] | null | undefined): { partitions?: readonly string[] } {
  if (partitions == null) return {};
  requireWithin('partitions', partitions.length, 'leave them out to mean all');
  return { partitions: [...new Set(someOf('partitions', partitions))] };
}

function namedNodes(nodes: readonly string[] | null | undefined): { nodes?: readonly string[] } {
  return nodes == null ? {} : { nodes: someNodesFrom(nodes) };
}

function offsetsFrom({ partition, fromOffset, toOffset }: LogRange): LogRange {
  if (partition >= 0 && fromOffset >= 0 && fromOffset < toOffset) return { partition, fromOffset, toOffset };
  throw new BusbarError(
    'BAD_USER_INPUT',
    '`into` must name a partition and offsets from 0, with `fromOffset` before `toOffset`',
  );
}
