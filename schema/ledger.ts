import { z } from 'zod';
import { builder } from './builder.ts';
import { connectionFrom, pageArguments, pageFrom } from './connection.ts';
import type { LedgerRow } from './context.ts';
import { cursorCodec } from './cursor.ts';

export const LedgerState = builder.enumType('LedgerState', {
  description: 'How far an ingestion has come.',
  values: {
    PENDING: { description: 'Planned, not begun.' },
    RUNNING: { description: 'Being read; nothing of it is visible yet.' },
    COMPLETED: { description: 'Committed, with all its rows and dead letters.' },
    FAILED: { description: 'None of its rows was committed; `error` says why.' },
    REPLAYING: { description: 'Being read again, from the log or from a kept payload.' },
  } as const,
});

const LedgerKind = builder.enumType('LedgerKind', {
  description: 'What was ingested in one piece.',
  values: {
    BATCH: { description: 'Consecutive records of a log partition.' },
    FETCH: { description: 'The answer of a source that was asked.' },
    FILE: { description: 'A file given by hand.' },
    BACKFILL: { description: 'An answer fetched for a past range: a chunk of a backfill.' },
    REPLAY: { description: 'Records of the log, or a kept payload, read again: a chunk of a replay.' },
    RETRY: { description: 'Dead letters tried again: a chunk of a retry.' },
  } as const,
});

const LedgerEntryReference = builder.objectRef<LedgerRow>('LedgerEntry');

export const LedgerEntry = LedgerEntryReference.implement({
  description:
    'One batch, fetch, file or chunk of a job: where facts came from and what became of them, committed with them. Of a chunk the entry is there as soon as its job is planned.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Grows with every entry.' }),
    feed: t.exposeID('feed', { description: 'The feed that ingested it.' }),
    partition: t.exposeString('partition', {
      description:
        'The feed’s partition: a log partition or a report; of a job’s chunk behind `backfill/`, `replay/` or `retry/`.',
    }),
    kind: t.expose('kind', { type: LedgerKind, description: 'What was ingested in one piece.' }),
    state: t.expose('state', { type: LedgerState, description: 'How far it has come.' }),
    positionFrom: t.expose('positionFrom', {
      type: 'Long',
      nullable: true,
      description: 'First position read: a log offset, or milliseconds UTC of a polled source; null for files.',
    }),
    positionTo: t.expose('positionTo', {
      type: 'Long',
      nullable: true,
      description: 'The position behind the last one read.',
    }),
    request: t.exposeString('request', {
      nullable: true,
      description: 'What the source was asked for, as one may ask again, without secrets; null for log records.',
    }),
    checksum: t.exposeString('checksum', {
      nullable: true,
      description: 'SHA-256 of the bytes as they came, hexadecimal; null while nothing has come.',
    }),
    bytes: t.expose('bytes', { type: 'Long', description: 'Size of what came, in bytes.' }),
    publishedAt: t.expose('publishedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the source published the payload, as far as it says so; else when it was fetched. Null for log records, which have their own.',
    }),
    origins: t.field({
      type: [LedgerEntryReference],
      description:
        'The entries whose payloads this one is again: those of a chunk of a replay, or the one of a duplicate that its checksum gave away. Empty for what came anew; without those that are no longer kept.',
      resolve: ({ originIds }, _args, { loaders }) =>
        originIds.length === 0 ? [] : loaders.ledgerOrigins.load(originIds),
    }),
    rowsIn: t.exposeInt('rowsIn', { description: 'Records decoded.' }),
    rowsWritten: t.exposeInt('rowsWritten', {
      description: 'Facts that were new; of trades also versions that came after a higher one.',
    }),
    rowsUnchanged: t.exposeInt('rowsUnchanged', {
      description: 'Facts that were known already, with the same values.',
    }),
    rowsRevised: t.exposeInt('rowsRevised', { description: 'Facts that corrected a value; the old one is kept.' }),
    rowsRejected: t.exposeInt('rowsRejected', { description: 'Records that became dead letters.' }),
    eventFrom: t.expose('eventFrom', {
      type: 'DateTime',
      nullable: true,
      description:
        'Start of the earliest delivery interval with a fact; without one, and of a chunk under way, of the range asked for. Null where nobody asked: of records and files without a fact.',
    }),
    eventTo: t.expose('eventTo', {
      type: 'DateTime',
      nullable: true,
      description:
        'End of the latest delivery interval with a fact; without one, and of a chunk under way, of the range asked for. Null where nobody asked.',
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When reading began; null before.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was committed or given up.',
    }),
    error: t.exposeString('error', { nullable: true, description: 'Why it failed; null where it did not.' }),
    attempt: t.exposeInt('attempt', { description: 'Which try this is; the first is 1, and a chunk not begun has 0.' }),
  }),
});

export const LedgerEntryConnection = builder.connectionObject(
  { type: LedgerEntry, name: 'LedgerEntryConnection', description: 'A page of ledger entries, newest first.' },
  { name: 'LedgerEntryEdge', description: 'A ledger entry and its place in the list.' },
);

/** The id of the last entry seen. */
export const LEDGER_CURSOR = cursorCodec('ledger', z.number().int());

builder.queryField('ledger', (t) =>
  t.field({
    type: LedgerEntryConnection,
    authScopes: { may: 'FEEDS' },
    description: 'What a feed ingested, newest first. A feed nobody knows has an empty ledger.',
    args: {
      feed: t.arg.id({ required: true, description: 'The feed’s id.' }),
      state: t.arg({ type: LedgerState, description: 'Only entries in this state.' }),
      ...pageArguments,
    },
    resolve: async (_root, { feed, state, ...page }, { reads }) => {
      const asked = pageFrom(page, LEDGER_CURSOR);
      const slice = await reads.ledger({ feed, ...(state != null && { state }) }, asked);
      return connectionFrom(slice, asked, ({ id }) => LEDGER_CURSOR.encode(id));
    },
  }),
);
