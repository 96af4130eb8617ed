import { BusbarError } from '../domain/errors.ts';
import { builder } from './builder.ts';
import type { AccountRow } from './trading-rows.ts';

export const CostMethod = builder.enumType('CostMethod', {
  description:
    'How closing a part of a position finds what that part had cost. The methods differ in what they call realised, never in the total.',
  values: {
    AVERAGE_COST: { description: 'At the average price of all that is open.' },
    FIFO: { description: 'The oldest open trades first.' },
  } as const,
});

const Account = builder.objectRef<AccountRow>('Account').implement({
  description: 'A book of trades. It is known from its first trade on.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The account as the trades name it.' }),
    costMethod: t.expose('method', { type: CostMethod, description: 'How its positions are kept.' }),
    firstSeen: t.expose('firstSeen', { type: 'DateTime', description: 'When its first trade came.' }),
  }),
});

builder.queryField('accounts', (t) =>
  t.field({
    type: [Account],
    description: 'All accounts, by id.',
    resolve: (_root, _args, { reads }) => reads.accounts(),
  }),
);

builder.mutationField('setCostMethod', (t) =>
  t.field({
    type: Account,
    description:
      'Sets how the positions of an account are kept. Those that there are are worked out anew from all their trades within moments, which changes what of their PnL is called realised, never the total. Snapshots of the past stay as they were.',
    args: {
      account: t.arg.id({ required: true, description: 'An account that has traded.' }),
      method: t.arg({ type: CostMethod, required: true, description: 'The method from now on.' }),
    },
    resolve: async (_root, { account, method }, { operations, reads }) => {
      await operations.setCostMethod({ account, method });
      const found = await reads.account(account);
      if (!found) throw new BusbarError('NOT_FOUND', `there is no account "${account}"`);
      return found;
    },
  }),
);
