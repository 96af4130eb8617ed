import { MINUTE_MS } from '../../../domain/instant.ts';
import { defineFeed } from '../../feed.ts';
import { systemClock } from '../../sources/http.ts';
import { decodeOasisLmp, publishedAtOf } from './decode.ts';
import { createOasisPoller } from './poller.ts';
import { CAISO_ENV } from './settings.ts';

/** LMP of the California ISO from OASIS; see README.md in this folder. */
export const caisoLmp = defineFeed({
  id: 'caiso-lmp',
  title: 'CAISO locational marginal prices (OASIS)',
  unknownNodes: 'register',
  decode: decodeOasisLmp,
  publishedAt: publishedAtOf,
  source: {
    kind: 'poll',
    env: CAISO_ENV,
    everyMs: MINUTE_MS,
    partitions: (settings) => (settings.CAISO_NODES.length === 0 ? [] : settings.CAISO_REPORTS),
    open: (settings) => createOasisPoller(settings, { clock: systemClock, random: Math.random }),
  },
});
