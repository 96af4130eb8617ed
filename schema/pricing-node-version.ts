import { builder } from './builder.ts';
import type { NodeVersionRow } from './context.ts';
import { LedgerEntry } from './ledger.ts';

export const PricingNodeVersion = builder.objectRef<NodeVersionRow>('PricingNodeVersion').implement({
  description:
    'What is known of a pricing node in `[validFrom, validTo)`. Versions never overlap; what was reported of a node makes no hole between them, what was stated may.',
  fields: (t) => ({
    kind: t.exposeString('kind', { nullable: true, description: 'As `PricingNode.kind`, then.' }),
    zone: t.exposeString('zone', { nullable: true, description: 'The operator’s zone it lay in; null where unknown.' }),
    title: t.exposeString('title', { nullable: true, description: 'Its name for people; null where unknown.' }),
    aliases: t.exposeStringList('aliases', { description: 'Its other names, as the operator’s number of it.' }),
    validFrom: t.expose('validFrom', {
      type: 'DateTime',
      description: 'Since when; of what was only reported, the first report known.',
    }),
    validTo: t.expose('validTo', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when, exclusive: the first report that said otherwise, or as stated. Null: it still holds.',
    }),
    seenUntil: t.expose('seenUntil', {
      type: 'DateTime',
      description: 'The newest report that said the same, to the day.',
    }),
    stated: t.boolean({
      description: 'Whether it was stated by a record of topic `nodes`, and so stands against reports of prices.',
      resolve: ({ statedAt }) => statedAt !== null,
    }),
    ledgerEntry: t.field({
      type: LedgerEntry,
      nullable: true,
      authScopes: { may: 'ANALYSIS' },
      description: 'Where it came from; null of what was there from the first, and of an entry that is no longer kept.',
      resolve: ({ ledgerId }, _args, { loaders }) => (ledgerId === null ? null : loaders.ledgerEntry.load(ledgerId)),
    }),
  }),
});
