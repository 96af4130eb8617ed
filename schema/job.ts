import { z } from 'zod';
import { builder } from './builder.ts';
import { connectionFrom, pageArguments, pageFrom } from './connection.ts';
import type { JobRow } from './context.ts';
import { cursorCodec } from './cursor.ts';
import { LEDGER_CURSOR, LedgerEntry, LedgerEntryConnection, LedgerState } from './ledger.ts';
import { rowIdFrom } from './row-id.ts';

const JobKind = builder.enumType('JobKind', {
  description: 'What is done again.',
  values: {
    BACKFILL: { description: 'A source is asked again for delivery intervals of the past.' },
    REPLAY: { description: 'Records of the log, or kept payloads, are decoded again.' },
    RETRY: { description: 'Dead letters are tried again.' },
  } as const,
});

const JobState = builder.enumType('JobState', {
  description: 'How far a job has come.',
  values: {
    PENDING: { description: 'Asked for; its chunks are not in the ledger yet.' },
    RUNNING: { description: 'Its chunks are in the ledger, and being worked off.' },
    COMPLETED: { description: 'Every chunk was committed, or there was nothing to do.' },
    FAILED: { description: 'It could not be planned, or some of its chunks failed; the others are committed.' },
    CANCELLED: { description: 'Ended at somebody’s request; the chunks that were done stay.' },
  } as const,
});

/** How a field that counts rows over all chunks describes itself. */
const rows = (what: string) => ({ type: 'Long' as const, description: `${what}, over all chunks so far.` });

export const Job = builder.objectRef<JobRow>('Job').implement({
  description:
    'Work on a feed’s past that an operator asked for. It becomes chunks, each of them an entry in the ledger, and goes on after a crash with those that are not done.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Grows with every job.' }),
    kind: t.expose('kind', { type: JobKind, description: 'What is done again.' }),
    feed: t.exposeID('feed', { description: 'The feed it works on.' }),
    state: t.expose('state', { type: JobState, description: 'How far it has come.' }),
    from: t.expose('from', {
      type: 'DateTime',
      nullable: true,
      description: 'Start of the range asked for, of several the earliest; null of a retry.',
    }),
    to: t.expose('to', {
      type: 'DateTime',
      nullable: true,
      description: 'End of the range asked for, of several the latest; null of a retry.',
    }),
    done: t.exposeInt('done', { description: 'Chunks that have ended, the failed ones included.' }),
    failed: t.exposeInt('failed', { description: 'Chunks that failed after all tries.' }),
    total: t.exposeInt('total', { nullable: true, description: 'All chunks; null before they are planned.' }),
    progress: t.float({
      nullable: true,
      description: 'done / total, from 0 to 1; null before the chunks are planned, and 1 where there are none.',
      resolve: ({ done, total }) => (total === null ? null : total === 0 ? 1 : done / total),
    }),
    rowsIn: t.expose('rowsIn', rows('Records decoded')),
    rowsWritten: t.expose('rowsWritten', rows('Facts that were new')),
    rowsRevised: t.expose('rowsRevised', rows('Facts that corrected a value')),
    rowsUnchanged: t.expose('rowsUnchanged', rows('Facts that were known already, with the same values')),
    rowsRejected: t.expose('rowsRejected', rows('Records that became dead letters')),
    rowsPerSecond: t.exposeFloat('rowsPerSecond', {
      nullable: true,
      description: 'Records decoded a second since the first chunk began; null before the first chunk ended.',
    }),
    estimatedEnd: t.expose('estimatedEndAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When it will have ended if it goes on at its pace so far; null before the first chunk ended, and after the last.',
    }),
    requestedBy: t.exposeString('requestedBy', { description: 'Who asked for it.' }),
    requestedAt: t.expose('requestedAt', { type: 'DateTime', description: 'When it was asked for.' }),
    plannedAt: t.expose('plannedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its chunks were in the ledger; null before.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its last chunk had ended; null before.',
    }),
    cancelRequested: t.exposeBoolean('cancelRequested', {
      description: 'Whether somebody asked for its end. Chunks under way are then broken off, the others not begun.',
    }),
    error: t.exposeString('error', { nullable: true, description: 'Why it failed; null where it did not.' }),
    entries: t.field({
      type: LedgerEntryConnection,
      description: 'Its chunks, newest first. The pages of all jobs of one answer may hold 100,000.',
      args: {
        state: t.arg({ type: LedgerState, description: 'Only entries in this state.' }),
        ...pageArguments,
      },
      resolve: async ({ id }, { state, ...page }, { loaders }) => {
        const asked = pageFrom(page, LEDGER_CURSOR);
        const slice = await loaders.jobEntries.load({ job: id, state: state ?? undefined, page: asked });
        return connectionFrom(slice, asked, (entry) => LEDGER_CURSOR.encode(entry.id));
      },
    }),
  }),
});

builder.objectField(LedgerEntry, 'job', (t) =>
  t.field({
    type: Job,
    nullable: true,
    authScopes: { may: 'FEEDS' },
    description: 'The job it is a chunk of; null for what came by itself.',
    resolve: ({ jobId }, _args, { loaders }) => (jobId === null ? null : loaders.job.load(jobId)),
  }),
);

const JobConnection = builder.connectionObject(
  { type: Job, name: 'JobConnection', description: 'A page of jobs, newest first.' },
  { name: 'JobEdge', description: 'A job and its place in the list.' },
);

/** The id of the last job seen. */
const CURSOR = cursorCodec('jobs', z.number().int());

builder.queryField('job', (t) =>
  t.field({
    type: Job,
    nullable: true,
    authScopes: { may: 'FEEDS' },
    description:
      'One job; null where there is none of this id, which whoever may not see every feed is not told: FORBIDDEN.',
    args: { id: t.arg.id({ required: true, description: 'The job’s id.' }) },
    resolve: (_root, { id }, { loaders }) => loaders.job.load(rowIdFrom('id', id)),
  }),
);

builder.queryField('jobs', (t) =>
  t.field({
    type: JobConnection,
    authScopes: { may: 'FEEDS' },
    description: 'Jobs, newest first.',
    args: {
      feed: t.arg.id({ description: 'Only of this feed, by its id.' }),
      state: t.arg({ type: JobState, description: 'Only jobs in this state.' }),
      ...pageArguments,
    },
    resolve: async (_root, { feed, state, ...page }, { reads }) => {
      const asked = pageFrom(page, CURSOR);
      const filter = { ...(feed != null && { feed }), ...(state != null && { state }) };
      return connectionFrom(await reads.jobs(filter, asked), asked, ({ id }) => CURSOR.encode(id));
    },
  }),
);

builder.subscriptionField('jobProgress', (t) =>
  t.field({
    type: Job,
    authScopes: { may: 'FEEDS' },
    description:
      'A job as it is and then each time it changed, looked at four times a second; ends after its last state. An unknown job ends with NOT_FOUND.',
    args: { id: t.arg.id({ required: true, description: 'The job’s id.' }) },
    subscribe: (_root, { id }, { live }) => live.jobProgress(rowIdFrom('id', id)),
    resolve: (job) => job,
  }),
);
