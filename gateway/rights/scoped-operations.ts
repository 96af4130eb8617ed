import type { Operations, Reads } from '../../schema/context.ts';
import { requireJob, requireNodes, type Scopes } from './scopes.ts';

/**
 * Changes of whoever may not see everything: of feeds and accounts in scope alone. What is not, is refused before the store is asked,
 * whose own refusals name the feeds there are.
 * @param reads unbound.
 */
export function scopedOperations(
  operations: Operations,
  reads: Pick<Reads, 'feeds' | 'jobsById'>,
  { accounts, feeds, markets }: Scopes,
): Operations {
  /** @param name an id, or that of a stream of a feed. */
  const requireFeed = async (name: string) => {
    if (feeds.has(name)) return;
    const seen = await reads.feeds(feeds.list);
    if (!seen.some(({ streams }) => streams.some((stream) => stream.name === name))) feeds.require(name);
  };
  const onFeed =
    <Asked extends { readonly feed: string; readonly nodes?: readonly string[] }, Answer>(
      change: (asked: Asked) => Promise<Answer>,
    ) =>
    async (asked: Asked): Promise<Answer> => {
      await requireFeed(asked.feed);
      requireNodes(markets, asked.nodes ?? []);
      return change(asked);
    };
  return {
    by: operations.by,
    noteFailure: operations.noteFailure,
    // Held to the rights of whoever asks by the operations themselves, also where those are not bound.
    createApiKey: operations.createApiKey,
    rotateApiKey: operations.rotateApiKey,
    revokeApiKey: operations.revokeApiKey,
    backfill: onFeed(operations.backfill),
    replay: onFeed(operations.replay),
    repair: onFeed(operations.repair),
    retryDeadLetters: onFeed(operations.retryDeadLetters),
    discardDeadLetters: onFeed(operations.discardDeadLetters),
    async cancelJob(id) {
      await requireJob(feeds, reads, id);
      await operations.cancelJob(id);
    },
    async setCostMethod(asked) {
      accounts.require(asked.account);
      await operations.setCostMethod(asked);
    },
  };
}
