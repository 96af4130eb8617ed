import { z } from 'zod';
import { BusbarError } from '../domain/errors.ts';
import { isDeskFeed } from '../domain/rights.ts';
import { builder } from './builder.ts';
import { connectionFrom, pageArguments, pageFrom } from './connection.ts';
import type { DeadLetterRow } from './context.ts';
import { cursorCodec } from './cursor.ts';
import { FEED_ARGUMENT } from './feed-argument.ts';
import { LedgerEntry } from './ledger.ts';
import { requireWithin } from './limits.ts';
import { rowIdsFrom } from './row-id.ts';

const DeadLetterState = builder.enumType('DeadLetterState', {
  description: 'What became of a dead letter.',
  values: {
    OPEN: { description: 'Waits for somebody to look at it, also after tries that failed.' },
    RETRIED: { description: 'Was tried again, and became facts.' },
    DISCARDED: { description: 'Was looked at and given up, with a reason.' },
  } as const,
});

const TEXT_BYTES_MAX = 64 * 1024;

const DeadLetter = builder.objectRef<DeadLetterRow>('DeadLetter').implement({
  description:
    'A record that could not become a fact, kept with its bytes and the reason. Nothing is dropped silently.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Grows with every dead letter.' }),
    feed: t.exposeID('feed', { description: 'The feed that received it.' }),
    partition: t.exposeString('partition', { description: 'The feed’s partition it came on.' }),
    position: t.expose('position', {
      type: 'Long',
      nullable: true,
      description: 'The record’s offset in the log; null for a row of a fetched payload.',
    }),
    code: t.exposeString('code', {
      description: 'What kind of defect: NOT_JSON, MISSING_FIELD, UNKNOWN_NODE and so on.',
    }),
    reason: t.string({
      nullable: true,
      authScopes: recordScopes,
      description:
        'The field, what was expected and what came. It quotes the record: whoever may not see that is refused this as well, with FORBIDDEN and null.',
      resolve: ({ reason }) => {
        if (typeof reason === 'string') return reason;
        throw reason;
      },
    }),
    state: t.expose('state', { type: DeadLetterState, description: 'What became of it.' }),
    receivedAt: t.expose('receivedAt', { type: 'DateTime', description: 'When it was received.' }),
    publishedAt: t.expose('publishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the source published it: the version it would have been; null where that is not known.',
    }),
    retries: t.exposeInt('retries', { description: 'How often it was tried again.' }),
    retriedBy: t.field({
      type: LedgerEntry,
      nullable: true,
      authScopes: { may: 'ANALYSIS' },
      description: 'The chunk of a retry that tried it last, or will; null where none did.',
      resolve: ({ retryId }, _args, { loaders }) => (retryId === null ? null : loaders.ledgerEntry.load(retryId)),
    }),
    resolvedAt: t.expose('resolvedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it became facts or was discarded; null while it is open.',
    }),
    resolution: t.exposeString('resolution', {
      nullable: true,
      description: 'Why it was discarded; null where it was not.',
    }),
    size: t.exposeInt('size', { description: 'Length of the record as it came, in bytes.' }),
    rawText: t.string({
      authScopes: recordScopes,
      description:
        'The record as UTF-8 text, from its beginning; bytes that are no UTF-8 appear as U+FFFD. All dead letters of one answer may show 16 MiB.',
      args: {
        maxBytes: t.arg.int({
          defaultValue: TEXT_BYTES_MAX,
          description: 'Bytes to show at most: 1 to 65,536.',
        }),
      },
      resolve: async ({ id, feed, size }, { maxBytes }, { loaders }) => {
        const bytes = Math.min(textBytes(maxBytes ?? TEXT_BYTES_MAX), size);
        return textFrom(await loaders.deadLetterRaw.load({ id, feed, bytes }), bytes < size);
      },
    }),
    rawBase64: t.string({
      authScopes: recordScopes,
      description: 'The whole record as base64. All dead letters of one answer may show 16 MiB.',
      resolve: async ({ id, feed, size }, _args, { loaders }) =>
        (await loaders.deadLetterRaw.load({ id, feed, bytes: size })).toString('base64'),
    }),
    ledgerEntry: t.field({
      type: LedgerEntry,
      nullable: true,
      authScopes: { may: 'ANALYSIS' },
      description: 'The batch, fetch or file it came in.',
      resolve: ({ ledgerId }, _args, { loaders }) => loaders.ledgerEntry.load(ledgerId),
    }),
  }),
});

const DeadLetterConnection = builder.connectionObject(
  { type: DeadLetter, name: 'DeadLetterConnection', description: 'A page of dead letters, newest first.' },
  { name: 'DeadLetterEdge', description: 'A dead letter and its place in the list.' },
);

/** The id of the last dead letter seen. */
const CURSOR = cursorCodec('deadLetters', z.number().int());

builder.queryField('deadLetters', (t) =>
  t.field({
    type: DeadLetterConnection,
    authScopes: { may: 'FEEDS' },
    description: 'Records that could not become facts, newest first.',
    args: {
      feed: t.arg.id({ description: 'Only of this feed, by its id.' }),
      state: t.arg({ type: DeadLetterState, description: 'Only dead letters in this state.' }),
      ...pageArguments,
    },
    resolve: async (_root, { feed, state, ...page }, { reads }) => {
      const asked = pageFrom(page, CURSOR);
      const filter = { ...(feed != null && { feed }), ...(state != null && { state }) };
      const slice = await reads.deadLetters(filter, asked);
      return connectionFrom(slice, asked, ({ id }) => CURSOR.encode(id));
    },
  }),
);

/** What a desk's records say is the desk's, also where they could not become facts. */
function recordScopes({ feed }: DeadLetterRow) {
  return { may: isDeskFeed(feed) ? ('DESK' as const) : ('FEEDS' as const) };
}

const DiscardPayload = builder.objectRef<{ readonly discarded: number }>('DiscardPayload').implement({
  description: 'What `discardDeadLetters` answers.',
  fields: (t) => ({
    discarded: t.exposeInt('discarded', { description: 'How many dead letters were discarded.' }),
  }),
});

builder.mutationField('discardDeadLetters', (t) =>
  t.field({
    type: DiscardPayload,
    authScopes: { may: 'OPERATE' },
    description: 'Gives open dead letters up for good. Their bytes stay, and can be looked at.',
    args: {
      feed: t.arg.id({ required: true, description: FEED_ARGUMENT }),
      ids: t.arg.idList({
        description:
          'These open dead letters of the feed, at most 10,000, all of them or none; without it, every open one.',
      }),
      reason: t.arg.string({ required: true, description: 'Why, in up to 2,000 characters.' }),
    },
    resolve: async (_root, { feed, ids, reason }, { operations }) => {
      requireWithin('reason', reason.length, 'say it in fewer words');
      const named = ids == null ? {} : { ids: rowIdsFrom('ids', ids) };
      return { discarded: await operations.discardDeadLetters({ feed, ...named, reason }) };
    },
  }),
);

function textBytes(maxBytes: number): number {
  if (maxBytes >= 1 && maxBytes <= TEXT_BYTES_MAX) return maxBytes;
  throw new BusbarError('BAD_USER_INPUT', `\`maxBytes\` must be 1 to ${TEXT_BYTES_MAX}, not ${maxBytes}`);
}

/** @param cut whether more bytes follow: half a character at the cut is then left out rather than shown as damage. */
function textFrom(bytes: Buffer, cut: boolean): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: cut });
}
