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
  description:
    'A book of trades. It is known from its first trade on, or from when `setCostMethod(create: true)` made it.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The account as the trades name it.' }),
    costMethod: t.expose('method', { type: CostMethod, description: 'How its positions are kept.' }),
    firstSeen: t.expose('firstSeen', {
      type: 'DateTime',
      description: 'When its first trade came, or when it was made before that.',
    }),
  }),
});

builder.queryField('accounts', (t) =>
  t.field({
    type: [Account],
    authScopes: { may: 'DESK' },
    description: 'All accounts, by id.',
    resolve: (_root, _args, { reads }) => reads.accounts(),
  }),
);

builder.queryField('account', (t) =>
  t.field({
    type: Account,
    nullable: true,
    authScopes: { may: 'DESK' },
    description:
      'One account; null where nobody knows it. `positions`, `trades`, `exposure` and `pnlSeries` of such an account are empty, as they are of one that has not traded yet: ask for this beside them to tell a mistyped name from a book without positions.',
    args: { id: t.arg.id({ required: true, description: 'The account as the trades name it.' }) },
    resolve: (_root, { id }, { reads }) => reads.account(id),
  }),
);

builder.mutationField('setCostMethod', (t) =>
  t.field({
    type: Account,
    authScopes: { may: 'ADMINISTER' },
    description:
      'Sets how the positions of an account are kept. Those that there are are worked out anew from all their trades within moments, which changes what of their PnL is called realised, never the total. Snapshots of the past stay as they were.',
    args: {
      account: t.arg.id({ required: true, description: 'An account that is known; NOT_FOUND for any other.' }),
      method: t.arg({ type: CostMethod, required: true, description: 'The method from now on.' }),
      create: t.arg.boolean({
        defaultValue: false,
        description: 'Makes an account that nobody knows yet, to be kept by this method from its first trade on.',
      }),
    },
    resolve: async (_root, { account, method, create }, { operations, reads }) => {
      await operations.setCostMethod({ account, method, create: create ?? false });
      const found = await reads.account(account);
      if (!found) throw new BusbarError('NOT_FOUND', `there is no account "${account}"`);
      return found;
    },
  }),
);
