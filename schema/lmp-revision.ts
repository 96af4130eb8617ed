import { builder } from './builder.ts';
import type { LmpRevisionRow } from './context.ts';
import { LedgerEntry } from './ledger.ts';
import { QualityFlag } from './quality-flag.ts';

export const LmpRevision = builder.objectRef<LmpRevisionRow>('LmpRevision').implement({
  description:
    'A version of a price. Of two the later published one is current, and a final one before any preliminary one; one that says the same as the current one is none of its own, but confirms it: what was published before it can no longer replace it.',
  fields: (t) => ({
    revision: t.exposeInt('revision', {
      description: 'Counts from 1, a correction is one more; 0 for a version that came late and never was current.',
    }),
    late: t.boolean({
      description: 'Whether it arrived after a newer version, and so never was current.',
      resolve: ({ revision }) => revision === 0,
    }),
    end: t.expose('endAt', { type: 'DateTime', description: 'End of the delivery interval, exclusive.' }),
    lmp: t.exposeFloat('lmp', { description: 'The price, USD/MWh, as published then.' }),
    energy: t.exposeFloat('energy', {
      nullable: true,
      description: 'Energy component, USD/MWh; null where none was published.',
    }),
    congestion: t.exposeFloat('congestion', {
      nullable: true,
      description: 'Congestion component, USD/MWh; positive raises the price; null where none was published.',
    }),
    loss: t.exposeFloat('loss', {
      nullable: true,
      description: 'Loss component, USD/MWh; positive raises the price; null where none was published.',
    }),
    ghg: t.exposeFloat('ghg', {
      nullable: true,
      description: 'Greenhouse-gas component, USD/MWh; CAISO only, else null.',
    }),
    quality: t.field({
      type: [QualityFlag],
      description: 'What was odd about it; PRELIMINARY tells it from a final version.',
      resolve: ({ flags }) => flags,
    }),
    publishedAt: t.expose('publishedAt', {
      type: 'DateTime',
      description: 'When the source first published it, as far as it says so; else when it was first fetched.',
    }),
    recordedAt: t.expose('recordedAt', {
      type: 'DateTime',
      description: 'When Busbar came to know it: from then on `lmpSeries(asOf:)` reads it, until `supersededAt`.',
    }),
    supersededAt: t.expose('supersededAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When a newer version took its place; of a late version, when it arrived. Null: it is the current one.',
    }),
    ledgerEntry: t.field({
      type: LedgerEntry,
      nullable: true,
      authScopes: { may: 'ANALYSIS' },
      description: 'Where it came from: feed, source position or request, checksum, time.',
      resolve: ({ ledgerId }, _args, { loaders }) => loaders.ledgerEntry.load(ledgerId),
    }),
  }),
});
