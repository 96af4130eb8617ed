import type { Logger } from 'pino';
import { BusbarError, isBusbarError } from '../../domain/errors.ts';
import { CHANNEL_CODECS } from './channel-codecs.ts';
import { cursorExpired } from './cursor.ts';
import type { Announcement, Channel, Channels, LiveBus, LiveEntry, Window } from './live-bus.ts';
import { RedisFollower } from './redis-follower.ts';
import { pause, type RedisClient, RedisLink } from './redis-link.ts';
import { placeOf, RedisStream } from './redis-stream.ts';

/** Entries read at once by a reader that is behind the end of the stream. */
const PAGE_ENTRIES = 64;
/** Entries of the shared ring handed to a reader at once. */
const HANDOVER_ENTRIES_MAX = 256;

export interface RedisBusOptions {
  /** `redis[s]://…`, Redis ≥ 6.2. */
  readonly url: string;
  readonly window: Window;
  readonly log: Logger;
  /** What the keys begin with; two buses with different prefixes do not see each other. */
  readonly prefix?: string;
  /** How long Redis may take to answer before the bus counts as unavailable. */
  readonly answerMsMax?: number;
}

/** The live bus over Redis Streams: any number of processes announce to it and read from it. */
export function createRedisBus(options: RedisBusOptions): LiveBus {
  return new RedisBus(options);
}

class RedisBus implements LiveBus {
  readonly #options: RedisBusOptions;
  readonly #answerMsMax: number;
  readonly #link: RedisLink;
  readonly #channels: RedisChannels;
  readonly #closed = new AbortController();

  constructor(options: RedisBusOptions) {
    this.#options = options;
    this.#answerMsMax = options.answerMsMax ?? 2_000;
    this.#link = new RedisLink(options.url, options.log, (client) => this.#check(client));
    this.#channels = {
      lmp: this.#newChannel('lmp'),
      trades: this.#newChannel('trades'),
      positions: this.#newChannel('positions'),
      forecasts: this.#newChannel('forecasts'),
    };
  }

  async announce<C extends Channel>(channel: C, announcement: Announcement<Channels[C]>): Promise<boolean> {
    const { stream } = this.#channel(channel);
    return this.#run((client) => stream.announce(client, announcement));
  }

  async lastAnnounced(channel: Channel, source: string): Promise<number | undefined> {
    const { stream } = this.#channel(channel);
    return this.#run((client) => stream.lastAnnounced(client, source));
  }

  async expectAnnounced(channel: Channel, source: string, sequence: number): Promise<void> {
    const { stream } = this.#channel(channel);
    await this.#run((client) => stream.expect(client, source, sequence));
  }

  async tail(channel: Channel): Promise<string> {
    const { stream } = this.#channel(channel);
    return this.#run((client) => stream.tail(client));
  }

  async ping(): Promise<void> {
    await this.#run((client) => client.ping());
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#link.close();
    for (const { follower } of Object.values(this.#channels)) follower.stop();
  }

  async *read<C extends Channel>(channel: C, after: string | undefined, signal: AbortSignal): Entries<Channels[C]> {
    if (after !== undefined) placeOf(after);
    const { follower } = this.#channel(channel);
    follower.enter();
    try {
      yield* this.#entries(channel, after ?? (await this.tail(channel)), signal);
    } catch (error) {
      // An abort ends the reading, it is not a failure of it.
      if (!signal.aborted) throw error;
    } finally {
      follower.leave();
    }
  }

  /**
   * A reader goes through Redis page by page until it has reached the end, then along the shared ring. One that is too
   * slow for the ring falls back to paging, and expires only when the window in Redis has moved past it.
   */
  async *#entries<C extends Channel>(channel: C, after: string, signal: AbortSignal): Entries<Channels[C]> {
    const { follower } = this.#channel(channel);
    let cursor = after;
    // A reader that got through once waits out an outage; one that never did is told UNAVAILABLE.
    let reached = follower.join(cursor) !== undefined;
    while (!signal.aborted) {
      for await (const entries of this.#live(follower, cursor, signal)) {
        cursor = entries.at(-1)?.id ?? cursor;
        yield entries;
      }
      const entries = await this.#page(channel, cursor, signal, reached);
      reached = true;
      cursor = entries.at(-1)?.id ?? cursor;
      if (entries.length > 0) yield entries;
      else await this.#caughtUp(channel, cursor, signal);
    }
  }

  /** What the ring holds after the cursor and what comes to it; ends where the ring cannot tell, and on abort. */
  async *#live<Event>(follower: RedisFollower<Event>, cursor: string, signal: AbortSignal): Entries<Event> {
    const place = follower.join(cursor);
    if (!place) return;
    const { ring } = place;
    let position = place.position;
    while (!signal.aborted) {
      const entries = ring.from(position, HANDOVER_ENTRIES_MAX);
      if (!entries || (entries.length === 0 && ring.closed)) return;
      position += entries.length;
      if (entries.length > 0) yield entries;
      else await ring.changed(signal);
    }
  }

  /** Nothing was behind the cursor: follow from there, or wait until a follower that is on its way has come to it. */
  async #caughtUp(channel: Channel, cursor: string, signal: AbortSignal): Promise<void> {
    const { follower } = this.#channel(channel);
    const ring = follower.follow(cursor);
    if (!follower.join(cursor)) await ring.changed(signal);
  }

  /** @param patient wait out an outage of Redis; otherwise it is the caller's `UNAVAILABLE`. */
  async #page<C extends Channel>(
    channel: C,
    cursor: string,
    signal: AbortSignal,
    patient: boolean,
  ): Promise<readonly LiveEntry<Channels[C]>[]> {
    const { stream } = this.#channel(channel);
    for (let failures = 0; ; failures++) {
      try {
        const { last, messages } = await this.#run((client) => stream.page(client, cursor, PAGE_ENTRIES), signal);
        // Something between the cursor and the end is gone.
        if (messages.length === 0 && last !== cursor) throw cursorExpired(cursor);
        return stream.entriesAfter(cursor, messages);
      } catch (error) {
        const ending = signal.aborted || this.#closed.signal.aborted;
        if (ending || !patient || !isBusbarError(error, 'UNAVAILABLE')) throw error;
        await pause(failures, signal);
      }
    }
  }

  #run<T>(work: (client: RedisClient) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#link.run(work, this.#answerMsMax, signal);
  }

  /** A Redis that was away may have come back from an older state: also where a source has nothing new to announce. */
  async #check(client: RedisClient): Promise<void> {
    await Promise.all(Object.values(this.#channels).map(({ stream }) => stream.check(client)));
  }

  #channel<C extends Channel>(channel: C): RedisChannels[C] {
    if (this.#closed.signal.aborted) throw new BusbarError('UNAVAILABLE', 'the live bus is closed');
    return this.#channels[channel];
  }

  #newChannel<C extends Channel>(channel: C): RedisChannel<Channels[C]> {
    const { url, log, window, prefix = 'busbar:' } = this.#options;
    const stream = new RedisStream<Channels[C]>({ channel, codec: CHANNEL_CODECS[channel], prefix, window });
    const newLink = () => new RedisLink(url, log);
    return { stream, follower: new RedisFollower({ stream, newLink, answerMsMax: this.#answerMsMax, window }) };
  }
}

type Entries<Event> = AsyncGenerator<readonly LiveEntry<Event>[]>;

type RedisChannels = { readonly [C in Channel]: RedisChannel<Channels[C]> };

interface RedisChannel<Event> {
  readonly stream: RedisStream<Event>;
  readonly follower: RedisFollower<Event>;
}
