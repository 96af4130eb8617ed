import type { LmpFilter, LmpUpdate } from '../../schema/context.ts';
import type { LiveChannel } from './live-channel.ts';
import { marketIn } from './market-in.ts';

/**
 * Prices. LATEST keeps of a node and run the newest interval, and of one interval the highest revision, since live data and jobs
 * are announced side by side: a late correction of an older interval does not displace the present price.
 */
export const LMP_CHANNEL: Required<LiveChannel<'lmp', LmpFilter, LmpUpdate>> = {
  channel: 'lmp',
  update: (cursor, ticks) => ({ cursor, ticks }),
  eventsIn: ({ ticks }) => ticks,
  facets: [
    { asked: ({ nodes }) => nodes, of: ({ node }) => node },
    { asked: ({ market, markets }) => (market === undefined ? markets : [market]), of: ({ node }) => marketIn(node) },
    { asked: ({ run }) => (run === undefined ? undefined : [run]), of: ({ run }) => run },
  ],
  sameness: {
    keyOf: ({ run, node }) => `${run} ${node}`,
    isNewer: (tick, kept) =>
      tick.startAt === kept.startAt ? tick.revision >= kept.revision : tick.startAt > kept.startAt,
  },
};
