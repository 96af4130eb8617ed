import { BusbarError } from '../domain/errors.ts';
import { NO_CHANGE, SECRET } from './auditing-mutations.ts';
import { builder } from './builder.ts';

const Session = builder.objectRef<{ readonly expiresAt: number | undefined }>('Session').implement({
  description: 'An open WebSocket in the name of a credential.',
  fields: (t) => ({
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the socket is closed with 4401 unless it is renewed before; null: not by itself.',
      resolve: ({ expiresAt }) => expiresAt,
    }),
  }),
});

builder.mutationField('renewSession', (t) =>
  t.field({
    type: Session,
    // Every role has it: a socket may be renewed by everybody who may have one.
    authScopes: { may: 'PRICES' },
    extensions: NO_CHANGE,
    description:
      'Goes on with this WebSocket under a new credential of the same subject, or the API key that its own was rotated into; subscriptions go on as if nothing had been. Where its rights are others, they end with FORBIDDEN and `extensions.cursor`, and are to be asked for again. Over HTTP, where each request brings its credential, it is refused with BAD_USER_INPUT; for another subject with FORBIDDEN.',
    args: {
      authorization: t.arg.string({
        required: true,
        description: 'As in the header: `Bearer <API key or token>`.',
        extensions: SECRET,
      }),
    },
    resolve: (_root, { authorization }, { renewal }) => {
      if (renewal) return renewal.renew(authorization);
      throw new BusbarError(
        'BAD_USER_INPUT',
        'renewSession renews a WebSocket: over HTTP each request brings its credential in the header "authorization"',
      );
    },
  }),
);
