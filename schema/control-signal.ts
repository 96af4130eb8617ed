import { Temporal } from 'temporal-polyfill';
import { BusbarError } from '../domain/errors.ts';
import { builder } from './builder.ts';
import { LedgerEntry } from './ledger.ts';
import { providerArgument } from './tariff.ts';
import type { ControlSignalRow } from './utility-rows.ts';

const ControlSignal = builder.objectRef<ControlSignalRow>('ControlSignal').implement({
  description:
    'How long a ripple control signal stood: a grid operator switches what listens to it, say boilers, on and off by it.',
  fields: (t) => ({
    provider: t.exposeString('provider', { description: 'The utility, as `CKW`.' }),
    name: t.exposeString('name', { description: 'The utility’s own name of the signal: `000R`.' }),
    description: t.exposeString('description', {
      description: 'What it switches, in the utility’s words: `Boiler 4 h`.',
    }),
    date: t.exposeString('date', {
      description: 'The day that the utility counts it to, in its own time zone: `2025-07-08`.',
    }),
    start: t.expose('startAt', { type: 'DateTime', description: 'From when it stood.' }),
    end: t.expose('endAt', { type: 'DateTime', description: 'Until when it stood, exclusive.' }),
    revision: t.exposeInt('revision', { description: '1 for the first version; grows with each correction.' }),
    publishedAt: t.expose('publishedAt', {
      type: 'DateTime',
      description: 'When this version was published, as far as the source says so; else when it was fetched.',
    }),
    recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When Busbar committed this version.' }),
    ledgerEntry: t.field({
      type: LedgerEntry,
      nullable: true,
      authScopes: { may: 'ANALYSIS' },
      description: 'Where this version came from: feed, request, time.',
      resolve: ({ ledgerId }, _args, { loaders }) => loaders.ledgerEntry.load(ledgerId),
    }),
  }),
});

builder.queryField('controlSignals', (t) =>
  t.field({
    type: [ControlSignal],
    authScopes: { may: 'PRICES' },
    description: 'Ripple control signals of a day, by start, then name. CKW tells them the day after.',
    args: {
      ...providerArgument,
      date: t.arg.string({
        description: 'The day in the utility’s own time zone, as `2025-07-08`; without it, the last one that has any.',
      }),
    },
    resolve: (_root, { provider, date }, { reads }) =>
      reads.controlSignals(provider ?? 'CKW', date == null ? undefined : dateFrom(date)),
  }),
);

/** Four digits for the year: Postgres reads others differently. */
const DATE = /^\d{4}-\d{2}-\d{2}$/;

function dateFrom(text: string): string {
  try {
    if (DATE.test(text)) return Temporal.PlainDate.from(text, { overflow: 'reject' }).toString();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new BusbarError('BAD_USER_INPUT', '`date` must be a day such as 2025-07-08');
}
