/**
 * Puts on the live bus what was committed: after the commit, in commit order within a partition, each ledger entry once.
 *
 * A partition that this process owns is **clean** while everything committed before is on the bus; then the rows of the next
 * commit go straight from memory. It is **behind** at first, and whenever the bus could not be reached: then the entries are
 * read back from the store in the order of their commits. How far a partition is announced is kept twice: by the bus, which
 * refuses what it has, and in `feed_position`, a little late. So a crash between commit and announcing announces late,
 * never twice, never not.
 *
 * A bus that came back from an older state has lost entries that are noted. What this process has announced, the bus itself
 * checks (`redis-announce.ts`); of what others have, a catch-up tells it the newest commit that is noted, and it begins anew where
 * it holds less. Of a partition that nobody catches up any more, a loss is told only together with another's.
 *
 *   behind ──catchUp: read entries after the last announced, announce each──▶ clean
 *      ▲                                                                     │
 *      └───────── the bus could not be reached, or claimed anew ◀──announce───┘
 *
 * A partition that nobody owns is always behind: another process may have committed in between, so each commit catches
 * up. Rows that this process has just committed are still taken from memory then.
 *
 * A sweep finds entries whose process is gone, or never had the bus (the `feeds` CLI).
 */
import type pg from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../../domain/errors.ts';
import type { Channel, Channels, LiveBus } from '../../runtime/live-bus/live-bus.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { News, NewsArchive } from './news.ts';
import type { Claim } from './store/positions.ts';

export interface Announcer {
  /** Announces one commit; never throws, since it is safe and the sweep comes back to it. */
  announce(claim: Claim, commitId: number, news: News): Promise<void>;
  /** Announces what an earlier owner of the partition left. To be called with every claim. */
  catchUp(feed: string, partition: string): Promise<void>;
  /** The newest commit of the partition that this process knows to be on the bus; 0 where it knows none. */
  announcedOf(feed: string, partition: string): number;
  /**
   * Looks for partitions that are behind, this process's or not.
   * @returns whether every partition of this process is on the bus.
   */
  sweep(): Promise<boolean>;
}

/** Events in one bus entry: what a subscriber gets in one frame at the most. */
const ENTRY_EVENTS_MAX = 250;
/** Bus entries in one atomic announcement: about 2 MB of JSON. */
const PART_ENTRIES_MAX = 40;
/** A large file becomes several announcements on a channel. Its parts are numbered within the entry's id, the last one is PARTS - 1. */
const PARTS = 4096;

interface State {
  readonly feed: string;
  readonly partition: string;
  announced: number;
  clean: boolean;
  /** Commits since the running catch-up began. */
  missed: boolean;
  catchingUp: Promise<void> | undefined;
  /** Of a partition nobody owns: rows of this process's commits that are not on the bus yet. */
  readonly fresh: Map<number, News>;
}

/** Beyond so many commits their rows are read back from the store: what waits for a bus must not fill the memory. */
const FRESH_COMMITS_MAX = 16;

export interface AnnouncerParts {
  readonly bus: LiveBus;
  readonly pool: pg.Pool;
  /** Undefined: a feed that this process does not know. Whoever does announces it. */
  readonly archiveOf: (feed: string) => NewsArchive | undefined;
  readonly metrics: Pick<Metrics, 'liveEntriesAnnounced' | 'liveTicksAnnounced'>;
  readonly log: Logger;
}

export function createAnnouncer({ bus, pool, archiveOf, metrics, log }: AnnouncerParts): Announcer {
  const states = new Map<string, State>();
  const stateOf = (feed: string, partition: string): State => {
    const source = sourceOf(feed, partition);
    let state = states.get(source);
    if (!state) {
      state = { feed, partition, announced: 0, clean: false, missed: false, catchingUp: undefined, fresh: new Map() };
      states.set(source, state);
    }
    return state;
  };

  const putOn = async <C extends Channel>(
    channel: C,
    source: string,
    commitId: number,
    events: readonly Channels[C][],
  ) => {
    const parts = partsOf(channel, events);
    for (const [place, batches] of parts.entries()) {
      const part = place === parts.length - 1 ? PARTS - 1 : place;
      const taken = await bus.announce(channel, { source, sequence: commitId * PARTS + part, batches });
      if (!taken) continue;
      metrics.liveEntriesAnnounced.inc(batches.length);
      for (const batch of batches) metrics.liveTicksAnnounced.inc(batch.length);
    }
  };
  const put = async ({ channels }: NewsArchive, source: string, commitId: number, news: News) => {
    for (const channel of channels) await putOn(channel, source, commitId, news[channel] ?? []);
  };

  const catchUpNow = async (feed: string, partition: string, state: State) => {
    const archive = archiveOf(feed);
    const source = sourceOf(feed, partition);
    while (archive) {
      state.missed = false;
      const onBus = await commitOnBus(bus, archive, source);
      const { commits, last, noted } = await readPending(pool, feed, partition, onBus);
      if (noted) await expectOnBus(bus, archive, source, noted.commitId, await archive.read(pool, noted.ledgerId));
      for (const { commitId, ledgerId } of commits) {
        await put(archive, source, commitId, state.fresh.get(commitId) ?? (await archive.read(pool, ledgerId)));
      }
      state.announced = Math.max(state.announced, last);
      for (const commitId of state.fresh.keys()) if (commitId <= last) state.fresh.delete(commitId);
      await noteAnnounced(pool, feed, partition, state.announced);
      if (!state.missed) break;
    }
    state.clean = true;
  };

  const catchUp = async (feed: string, partition: string) => {
    const state = stateOf(feed, partition);
    // Until this has succeeded, nothing may go on the bus before what others have committed.
    state.clean = false;
    state.missed = true;
    state.catchingUp ??= catchUpNow(feed, partition, state)
      .catch((error) => log.warn({ feed, partition, error: messageOf(error) }, 'announcing is behind'))
      .finally(() => {
        state.catchingUp = undefined;
      });
    await state.catchingUp;
  };

  return {
    catchUp,
    announcedOf: (feed, partition) => stateOf(feed, partition).announced,
    announce: async ({ feed, partition, epoch }, commitId, news) => {
      const state = stateOf(feed, partition);
      if (epoch === null) {
        if (state.fresh.size < FRESH_COMMITS_MAX) state.fresh.set(commitId, news);
        return catchUp(feed, partition);
      }
      if (!state.clean) {
        state.missed = true;
        return;
      }
      try {
        const archive = archiveOf(feed);
        if (archive) await put(archive, sourceOf(feed, partition), commitId, news);
        state.announced = commitId;
      } catch (error) {
        state.clean = false;
        log.warn({ feed, partition, commitId, error: messageOf(error) }, 'announcing failed');
      }
    },
    sweep: async () => {
      // Ours that could not be announced: however busy they are, nobody else comes back to them.
      for (const state of states.values()) if (!state.clean) await catchUp(state.feed, state.partition);
      for (const { feed, partition, last } of await readBehind(pool)) {
        const state = stateOf(feed, partition);
        // Ours and clean: only the note in the store is late. Anything else may be another process's, dead or alive.
        if (state.clean && state.announced >= last) await noteAnnounced(pool, feed, partition, state.announced);
        else await catchUp(feed, partition);
      }
      return [...states.values()].every((state) => state.clean);
    },
  };
}

function sourceOf(feed: string, partition: string): string {
  return `${feed}/${partition}`;
}

/** The newest commit all of whose parts are on each of its channels. */
async function commitOnBus(bus: LiveBus, { channels }: NewsArchive, source: string): Promise<number> {
  // Whoever tells nobody has nothing left to tell.
  if (channels.length === 0) return Number.MAX_SAFE_INTEGER;
  const commits = channels.map(async (channel) => {
    const sequence = await bus.lastAnnounced(channel, source);
    if (sequence === undefined) return 0;
    return sequence % PARTS === PARTS - 1 ? Math.floor(sequence / PARTS) : Math.floor(sequence / PARTS) - 1;
  });
  return Math.min(...(await Promise.all(commits)));
}

/** A commit that was announced, with all its parts, on each channel that it had anything for. */
async function expectOnBus(
  bus: LiveBus,
  { channels }: NewsArchive,
  source: string,
  commitId: number,
  news: News,
): Promise<void> {
  for (const channel of channels) {
    if (news[channel]?.length) await bus.expectAnnounced(channel, source, commitId * PARTS + PARTS - 1);
  }
}

/**
 * Cuts a commit's events into atomic announcements of bus entries. Those of several parts are put in one fixed order, so
 * that a crash between two parts is resumed by the same cut, whoever resumes it.
 */
function partsOf<C extends Channel>(channel: C, events: readonly Channels[C][]): Channels[C][][][] {
  const partEvents = ENTRY_EVENTS_MAX * PART_ENTRIES_MAX;
  const ordered = events.length > partEvents ? inFixedOrder(channel, events) : events;
  const parts: Channels[C][][][] = [];
  for (let from = 0; from < ordered.length; from += partEvents) {
    const part: Channels[C][][] = [];
    const end = Math.min(ordered.length, from + partEvents);
    for (let at = from; at < end; at += ENTRY_EVENTS_MAX)
      part.push(ordered.slice(at, Math.min(end, at + ENTRY_EVENTS_MAX)));
    parts.push(part);
  }
  if (parts.length >= PARTS) throw new RangeError(`a commit of ${events.length} events cannot be announced`);
  return parts;
}

/** By what tells two events of a commit apart. Within a price or a trade, its versions stay in their order. */
const PLACES: { readonly [C in Channel]: (event: Channels[C]) => readonly (string | number)[] } = {
  lmp: ({ startAt, node, run, revision }) => [startAt, node, run, revision],
  trades: ({ tradeId, version }) => [tradeId, version],
  positions: ({ account, node }) => [account, node],
  forecasts: ({ node, run, lastAt }) => [node, run, lastAt],
};

function inFixedOrder<C extends Channel>(channel: C, events: readonly Channels[C][]): Channels[C][] {
  return events
    .map((event) => ({ event, place: PLACES[channel](event) }))
    .sort((one, other) => comparePlaces(one.place, other.place))
    .map(({ event }) => event);
}

function comparePlaces(one: readonly (string | number)[], other: readonly (string | number)[]): number {
  for (const [at, part] of one.entries()) {
    const against = other[at] ?? part;
    if (part !== against) return part < against ? -1 : 1;
  }
  return 0;
}

async function readPending(pool: pg.Pool, feed: string, partition: string, onBus: number): Promise<Pending> {
  const { rows } = await pool.query<Pending>(
    `SELECT p.last_ledger_id AS last,
            coalesce((SELECT json_agg(json_build_object('commitId', e.commit_id, 'ledgerId', e.id) ORDER BY e.commit_id)
                      FROM ledger_entry e
                      WHERE e.feed_id = p.feed_id AND e.partition = p.partition
                        AND e.commit_id > greatest(p.announced_ledger_id, $3) AND e.commit_id <= p.last_ledger_id
                        AND e.rows_written + e.rows_revised > 0), '[]') AS commits,
            (SELECT json_build_object('commitId', e.commit_id, 'ledgerId', e.id)
             FROM ledger_entry e
             WHERE e.feed_id = p.feed_id AND e.partition = p.partition
               AND e.commit_id > $3 AND e.commit_id <= p.announced_ledger_id AND e.rows_written + e.rows_revised > 0
             ORDER BY e.commit_id DESC LIMIT 1) AS noted
     FROM feed_position p WHERE p.feed_id = $1 AND p.partition = $2`,
    [feed, partition, onBus],
  );
  return rows[0] ?? { commits: [], last: 0, noted: null };
}

/** Commits with rows that are not known to be on the bus, and the last commit there is. */
interface Pending {
  readonly commits: readonly Commit[];
  readonly last: number;
  /** The newest with rows that is noted as announced, where the bus may hold less than all of it. */
  readonly noted: Commit | null;
}

interface Commit {
  readonly commitId: number;
  readonly ledgerId: number;
}

async function readBehind(pool: pg.Pool): Promise<{ feed: string; partition: string; last: number }[]> {
  // Two seconds: an owner at work announces within milliseconds; whoever has not by then is late or gone.
  const { rows } = await pool.query<{ feed: string; partition: string; last: number }>(
    `SELECT feed_id AS feed, partition, last_ledger_id AS last FROM feed_position
     WHERE last_ledger_id > announced_ledger_id AND updated_at < now() - INTERVAL '2 seconds'`,
  );
  return rows;
}

async function noteAnnounced(pool: pg.Pool, feed: string, partition: string, commitId: number): Promise<void> {
  await pool.query(
    `UPDATE feed_position SET announced_ledger_id = greatest(announced_ledger_id, $3)
     WHERE feed_id = $1 AND partition = $2 AND announced_ledger_id < $3`,
    [feed, partition, commitId],
  );
}
