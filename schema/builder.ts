import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import type { Decimal } from '../domain/money.ts';
import { may, type Permission } from '../domain/rights.ts';
import type { Context } from './context.ts';
import { deniedField } from './permissions.ts';

/** The one builder of the contract. Fields cannot be null unless they say so. */
export const builder = new SchemaBuilder<{
  Context: Context;
  /** Every field of a root says what it needs, and so does one that leads from there to facts that need something else. */
  AuthScopes: { may: Permission };
  DefaultFieldNullability: false;
  Scalars: {
    /** Milliseconds since the epoch, UTC. */
    DateTime: { Input: number; Output: number };
    Long: { Input: number; Output: number };
    /** Answers are exact texts; arguments come as decimals. */
    Decimal: { Input: Decimal; Output: Decimal | string };
  };
}>({
  plugins: [ScopeAuthPlugin, RelayPlugin],
  defaultFieldNullability: false,
  scopeAuth: {
    authScopes: ({ rights }) => ({ may: (permission) => may(rights, permission) }),
    unauthorizedError: (_parent, _context, info, { failure }) => deniedField(info, failure),
  },
  relay: {
    cursorType: 'String',
    // A pricing node is a place on the grid; Relay's `Node` and its `node(id:)` would make the word mean two things.
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    pageInfoFieldOptions: { description: 'Where the page stands and whether another follows.' },
    edgesFieldOptions: { description: 'The rows of the page, in order.' },
    nodeFieldOptions: { description: 'The row itself.' },
    cursorFieldOptions: { description: 'Opaque. Pass it as `after` to go on behind this row.' },
    pageInfoTypeOptions: { description: 'Where a page stands. Pages go forwards only.' },
    hasNextPageFieldOptions: { description: 'Whether rows follow this page.' },
    hasPreviousPageFieldOptions: { description: 'True where the page was asked for with `after`.' },
    startCursorFieldOptions: { description: 'Cursor of the first row; null on an empty page.' },
    endCursorFieldOptions: {
      description: 'Cursor of the last row: the `after` of the next page; null on an empty page.',
    },
  },
});

builder.queryType({ description: 'Reads. Ranges are half-open, [from, to); instants are UTC.' });
builder.mutationType({
  description:
    'Changes to what was ingested, for operators. Each is noted in `auditLog` with who asked for it and whether it was done, refused or failed.',
});
builder.subscriptionType({ description: 'Live events, over graphql-ws or server-sent events.' });
