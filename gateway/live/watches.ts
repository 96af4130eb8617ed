import { BusbarError } from '../../domain/errors.ts';
import type { FeedRow, JobRow, Live, Reads } from '../../schema/context.ts';
import type { ApiHealthQuestion, SourceHealthRow } from '../../schema/health-rows.ts';
import { DistinctShares } from './distinct-shares.ts';
import { type Look, Watch } from './watch.ts';

const JOB_EVERY_MS = 250;
const FEEDS_EVERY_MS = 1_000;
const SOURCES_EVERY_MS = 1_000;
/** Each loop looks for a tenth of the time at most: all of them together take three of the store's connections at worst. */
const SOURCE_WATCHES_MAX = 32;
/** Of one identity: nobody has all that there may be, and there is one for each source, or so. */
const SOURCE_WATCHES_PER_IDENTITY = 8;

export interface Watches extends Pick<Live, 'feedHealth' | 'apiHealth'> {
  /** As `Live`, whoever asks. */
  jobProgress(id: number): AsyncIterable<JobRow>;
  /** What is being watched: one loop each. */
  readonly watching: number;
  /** Ends every subscription with `UNAVAILABLE`. Resolves when the store is no longer asked. */
  close(): Promise<void>;
}

/** What stands in the store and is announced nowhere, for subscriptions: jobs, feeds and how sources answer. */
export function createWatches({
  reads,
  jobEveryMs = JOB_EVERY_MS,
  feedsEveryMs = FEEDS_EVERY_MS,
  sourcesEveryMs = SOURCES_EVERY_MS,
  sourceWatchesMax = SOURCE_WATCHES_MAX,
  sourceWatchesPerIdentity = SOURCE_WATCHES_PER_IDENTITY,
}: {
  reads: Pick<Reads, 'jobsById' | 'feeds' | 'openDeadLetters' | 'apiHealth'>;
  jobEveryMs?: number;
  feedsEveryMs?: number;
  sourcesEveryMs?: number;
  /** How many different questions about the sources are watched at once. */
  sourceWatchesMax?: number;
  /** How many of them an identity may have. */
  sourceWatchesPerIdentity?: number;
}): Watches {
  const jobs = new Map<number, Watch<JobRow>>();
  const sources = new Map<string, Watch<readonly SourceHealthRow[]>>();
  const feeds = new Map<string, Watch<readonly FeedRow[]>>();
  const shares = new DistinctShares('healthWatches', sourceWatchesPerIdentity, 'windows and sources of `apiHealth`');

  const jobWatch = (id: number) =>
    new Watch<JobRow>({
      look: () => lookAtJob(reads, id),
      isLast: ({ state }) => state !== 'PENDING' && state !== 'RUNNING',
      everyMs: jobEveryMs,
      onIdle: () => jobs.delete(id),
    });
  const feedsWatch = (key: string, within: readonly string[] | undefined) =>
    new Watch<readonly FeedRow[]>({
      look: () => lookAtFeeds(reads, within),
      isLast: () => false,
      everyMs: feedsEveryMs,
      onIdle: () => feeds.delete(key),
    });
  const sourcesWatch = (key: string, asked: ApiHealthQuestion) => {
    if (sources.size >= sourceWatchesMax) throw tooManyWindows(sourceWatchesMax);
    return new Watch<readonly SourceHealthRow[]>({
      look: () => lookAtSources(reads, asked),
      isLast: () => false,
      everyMs: sourcesEveryMs,
      onIdle: () => sources.delete(key),
    });
  };

  return {
    get watching() {
      return jobs.size + sources.size + feeds.size;
    },
    jobProgress(id) {
      const watch = jobs.get(id) ?? jobWatch(id);
      jobs.set(id, watch);
      return watch.watch();
    },
    feedHealth(within) {
      const key = JSON.stringify(within && [...within].sort());
      const watch = feeds.get(key) ?? feedsWatch(key, within);
      feeds.set(key, watch);
      return watch.watch();
    },
    apiHealth(asked, subject) {
      const key = JSON.stringify([asked.windowMinutes, asked.source, asked.sources && [...asked.sources].sort()]);
      const leave = shares.take(subject, key);
      try {
        const watch = sources.get(key) ?? sourcesWatch(key, asked);
        sources.set(key, watch);
        return watch.watch(leave);
      } catch (error) {
        leave();
        throw error;
      }
    },
    async close() {
      const error = new BusbarError('UNAVAILABLE', 'the gateway is going down: subscribe again');
      const all = [...jobs.values(), ...sources.values(), ...feeds.values()];
      await Promise.all(all.map((watch) => watch.close(error)));
    },
  };
}

function tooManyWindows(max: number): BusbarError {
  return new BusbarError(
    'LIMIT_EXCEEDED',
    `this gateway watches ${max} different windows and sources already: subscribe to one that others watch, or ask by query`,
  );
}

/** Rate and estimated end follow the clock: by themselves they are no news. */
async function lookAtJob(reads: Pick<Reads, 'jobsById'>, id: number): Promise<Look<JobRow>> {
  const [value] = await reads.jobsById([id]);
  if (!value) throw new BusbarError('NOT_FOUND', `there is no job ${id}`);
  return { value, fingerprint: JSON.stringify({ ...value, rowsPerSecond: null, estimatedEndAt: null }) };
}

/** Dead letters that somebody discards change no row of a feed. */
async function lookAtFeeds(
  reads: Pick<Reads, 'feeds' | 'openDeadLetters'>,
  within: readonly string[] | undefined,
): Promise<Look<readonly FeedRow[]>> {
  const value = await reads.feeds(within);
  const openDeadLetters = await reads.openDeadLetters(value.map(({ id }) => id));
  return { value, fingerprint: JSON.stringify([value, openDeadLetters]) };
}

/** Where the window begins follows the clock. */
async function lookAtSources(
  reads: Pick<Reads, 'apiHealth'>,
  asked: ApiHealthQuestion,
): Promise<Look<readonly SourceHealthRow[]>> {
  const value = await reads.apiHealth(asked);
  return { value, fingerprint: JSON.stringify(value.map((each) => ({ ...each, from: null }))) };
}
