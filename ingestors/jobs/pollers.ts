import type { Config } from '../../runtime/config.ts';
import type { Feed, PolledSource, Poller, SourceParts } from '../feed.ts';

export type PolledFeed = Feed & { readonly source: PolledSource<unknown> };

export function isPolledFeed(feed: Feed): feed is PolledFeed {
  return feed.source.kind === 'poll';
}

/** One poller a feed, for polls and chunks alike: they share its connections and take turns. */
export interface Pollers {
  of(feed: PolledFeed): Poller;
  close(): Promise<void>;
}

export function createPollers(config: Pick<Config, 'settings'>, parts: SourceParts): Pollers {
  const open = new Map<string, Poller>();
  return {
    of: (feed) => {
      const found = open.get(feed.id) ?? feed.source.open(config.settings(feed.source.env), parts);
      open.set(feed.id, found);
      return found;
    },
    close: async () => {
      await Promise.all([...open.values()].map((poller) => poller.close()));
    },
  };
}
