import { isBusbarError } from '../../domain/errors.ts';
import { EntryRing } from './entry-ring.ts';
import type { LiveEntry, Window } from './live-bus.ts';
import { pause, type RedisLink } from './redis-link.ts';
import type { RedisStream } from './redis-stream.ts';

/** Entries the process keeps of what it followed; a reader slower than this pages through Redis instead. */
const RING_ENTRIES_MAX = 512;
const READ_ENTRIES_MAX = 64;
/** How long one read waits inside Redis. It is also how soon a follower notices that an idle Redis was wiped. */
const BLOCK_MS = 1_000;

/**
 * The one blocking connection by which a process follows a channel, shared by all its readers.
 *
 * - **resting**: nobody is at the end of the stream; no connection.
 * - **following**: from the cursor of the first reader that had caught up; what comes is kept in a ring and decoded once.
 *   A lost connection is made again, with backoff, after the last cursor seen.
 * - A gap (the window moved on while the connection was lost, Redis was wiped) closes the ring and leads back to
 *   resting. Its readers then page through Redis after the last entry they saw; it is there that they catch up or are
 *   told `CURSOR_EXPIRED`, so that only one place decides about gaps.
 */
export class RedisFollower<Event> {
  readonly #stream: RedisStream<Event>;
  readonly #newLink: () => RedisLink;
  readonly #answerMsMax: number;
  readonly #window: Window;
  #readers = 0;
  #following: Following<Event> | undefined;

  constructor({ stream, newLink, answerMsMax, window }: FollowerOptions<Event>) {
    this.#stream = stream;
    this.#newLink = newLink;
    this.#answerMsMax = answerMsMax;
    // Age is for Redis to judge; here the bound is memory.
    this.#window = { entriesMax: Math.min(window.entriesMax, RING_ENTRIES_MAX), ageMsMax: Number.POSITIVE_INFINITY };
  }

  /** A reader comes. Each `enter` is followed by one `leave`; with the last one the connection is given up. */
  enter(): void {
    this.#readers++;
  }

  leave(): void {
    this.#readers--;
    if (this.#readers === 0) this.stop();
  }

  stop(): void {
    this.#following?.stop();
    this.#following = undefined;
  }

  /** @returns where a reader that has seen everything up to the cursor goes on; undefined where the ring cannot tell. */
  join(cursor: string): Place<Event> | undefined {
    const following = this.#following;
    if (!following) return undefined;
    const position = cursor === following.begin ? 0 : following.ring.behind(cursor);
    return position === undefined ? undefined : { ring: following.ring, position };
  }

  /** Follows from a cursor that was the end of the stream a moment ago; the ring of whoever came first if there is one. */
  follow(cursor: string): EntryRing<Event> {
    this.#following ??= this.#start(cursor);
    return this.#following.ring;
  }

  #start(begin: string): Following<Event> {
    const ring = new EntryRing<Event>(this.#window, Date.now);
    const link = this.#newLink();
    const ending = new AbortController();
    const following: Following<Event> = {
      begin,
      ring,
      stop() {
        ending.abort();
        link.close();
        ring.close();
      },
    };
    void this.#run(following, link, ending.signal).finally(() => {
      following.stop();
      if (this.#following === following) this.#following = undefined;
    });
    return following;
  }

  async #run({ begin, ring }: Following<Event>, link: RedisLink, signal: AbortSignal): Promise<void> {
    let cursor = begin;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const entries = await this.#next(link, cursor);
        failures = 0;
        if (!entries) return;
        if (entries.length > 0) ring.append(entries);
        cursor = entries.at(-1)?.id ?? cursor;
      } catch (error) {
        // What is not about the connection will meet the readers too, when they page: let them have it.
        if (signal.aborted || !isBusbarError(error, 'UNAVAILABLE')) return;
        await pause(failures++, signal);
      }
    }
  }

  /** @returns entries right after the cursor, perhaps none yet; undefined where something between is gone. */
  async #next(link: RedisLink, cursor: string): Promise<readonly LiveEntry<Event>[] | undefined> {
    const messages = await link.run(
      (client) => this.#stream.next(client, cursor, READ_ENTRIES_MAX, BLOCK_MS),
      BLOCK_MS + this.#answerMsMax,
    );
    if (messages.length === 0) {
      // A stream that was wiped, or lost its end with a failover, would otherwise look like a quiet one.
      const last = await link.run((client) => this.#stream.last(client), this.#answerMsMax);
      return last === cursor ? [] : undefined;
    }
    try {
      return this.#stream.entriesAfter(cursor, messages);
    } catch (error) {
      if (isBusbarError(error, 'CURSOR_EXPIRED')) return undefined;
      throw error;
    }
  }
}

interface FollowerOptions<Event> {
  readonly stream: RedisStream<Event>;
  readonly newLink: () => RedisLink;
  /** How long Redis may take to answer, beyond the time a read asks it to wait. */
  readonly answerMsMax: number;
  readonly window: Window;
}

interface Following<Event> {
  /** The cursor that stands before position 0 of the ring. */
  readonly begin: string;
  readonly ring: EntryRing<Event>;
  stop(): void;
}

export interface Place<Event> {
  readonly ring: EntryRing<Event>;
  readonly position: number;
}
