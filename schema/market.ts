import { builder } from './builder.ts';
import type { MarketRow } from './context.ts';

export const Market = builder.objectRef<MarketRow>('Market').implement({
  description: 'A wholesale electricity market and its operator.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Short name, the first part of a node’s name: `PJM`, `CAISO`.' }),
    name: t.exposeString('name', { description: 'What the market is called, by its region.' }),
    operator: t.exposeString('operator', { description: 'The independent system operator that runs the market.' }),
    timeZone: t.exposeString('timeZone', {
      description:
        'IANA zone of the operating day. Days have 23, 24 or 25 hours in it; MISO keeps EST all year (`Etc/GMT+5`).',
    }),
    currency: t.exposeString('currency', { description: 'ISO 4217 currency of every price of the market.' }),
  }),
});

builder.queryField('markets', (t) =>
  t.field({
    type: [Market],
    authScopes: { may: 'PRICES' },
    description: 'All markets, by id.',
    resolve: (_root, _args, { reads }) => reads.markets(),
  }),
);
