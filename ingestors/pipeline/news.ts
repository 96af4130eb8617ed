import type pg from 'pg';
import type { Channel, Channels } from '../../runtime/live-bus/live-bus.ts';

/** What a commit has to tell, by channel. */
export type News = { readonly [C in Channel]?: readonly Channels[C][] };

/** How what a feed's commits told is read back, where the process that committed it is gone. */
export interface NewsArchive {
  /** Those that the feed's commits tell on, in the order in which a commit tells. None: nobody follows them live. */
  readonly channels: readonly Channel[];
  /** What an entry wrote, also where a later one has replaced it since. */
  read(pool: pg.Pool, ledgerId: number): Promise<News>;
}
