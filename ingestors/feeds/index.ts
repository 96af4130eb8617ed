import type { EnvFragment } from '../../runtime/config.ts';
import type { Feed } from '../feed.ts';
import { caisoLmp } from './caiso/feed.ts';
import { CKW_FEEDS } from './ckw/feed.ts';
import { ercotLmp } from './ercot/feed.ts';
import { isoneLmp } from './isone/feed.ts';
import { JSON_TOPIC_FEEDS } from './json-topics/feed.ts';
import { misoLmp } from './miso/feed.ts';
import { nyisoLmp } from './nyiso/feed.ts';
import { pjmLmp } from './pjm/feed.ts';
import { sppLmp } from './spp/feed.ts';

/** Every feed there is. Adding one is adding a folder and a line here. */
export const FEEDS: readonly Feed[] = [
  ...JSON_TOPIC_FEEDS,
  caisoLmp,
  ...CKW_FEEDS,
  ercotLmp,
  isoneLmp,
  misoLmp,
  nyisoLmp,
  pjmLmp,
  sppLmp,
];

/** What the feeds read of the environment; feeds of one source share theirs. */
export const FEED_SETTINGS: readonly EnvFragment<unknown>[] = [
  ...new Set(FEEDS.flatMap(({ source }) => (source.kind === 'poll' ? [source.env] : []))),
];
