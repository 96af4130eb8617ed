import type { EnvFragment } from '../../runtime/config.ts';
import type { Feed } from '../feed.ts';
import { caisoLmp } from './caiso/feed.ts';
import { JSON_TOPIC_FEEDS } from './json-topics/feed.ts';

/** Every feed there is. Adding one is adding a folder and a line here. */
export const FEEDS: readonly Feed[] = [...JSON_TOPIC_FEEDS, caisoLmp];

/** What the feeds read of the environment. */
export const FEED_SETTINGS: readonly EnvFragment<unknown>[] = FEEDS.flatMap(({ source }) =>
  source.kind === 'poll' ? [source.env] : [],
);
