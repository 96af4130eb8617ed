import type { Rights } from '../../domain/rights.ts';
import type { Context, Loaders } from '../../schema/context.ts';
import { createLoaders } from '../loaders.ts';
import { scopedLive } from './scoped-live.ts';
import { scopedOperations } from './scoped-operations.ts';
import { scopedReads } from './scoped-reads.ts';
import { scopesOf } from './scopes.ts';

/**
 * What a request, or an event of a subscription, is answered from: nothing beyond the rights. The one place where scopes are brought
 * to bear on questions; permissions are the schema's.
 * @param unbound as for whoever may see everything. `live` seals its cursors for these rights.
 */
export function createContext(unbound: Pick<Context, 'reads' | 'live' | 'operations'>, rights: Rights): Context {
  const scopes = scopesOf(rights);
  const { reads, live, operations } = unbound;
  if (!scopes) return { rights, reads, live, operations, loaders: createLoaders(reads, rights) };
  const bound = scopedReads(reads, scopes);
  return {
    rights,
    reads: bound,
    live: scopedLive(live, reads, scopes),
    operations: scopedOperations(operations, reads, scopes),
    loaders: createLoaders(bound, rights),
  };
}

/**
 * The same for another event of a subscription: what was read and counted for the last one is forgotten. Few events ask for anything
 * more, so loaders are made when one does. It cannot be ended (`endContext`), as that of a query can.
 */
export function contextOfNextEvent({ rights, reads, live, operations }: Context): Context {
  let loaders: Loaders | undefined;
  return {
    rights,
    reads,
    live,
    operations,
    get loaders() {
      loaders ??= createLoaders(reads, rights);
      return loaders;
    },
  };
}
