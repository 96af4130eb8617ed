import { cursorExpired, newIncarnation, parseCursor } from './cursor.ts';
import type { EventCodec } from './event-codec.ts';
import { KnownStream } from './known-stream.ts';
import type { Announcement, Channel, LiveEntry, Window } from './live-bus.ts';
import type { RedisClient } from './redis-link.ts';

/** A place is the id Redis gave the entry: milliseconds and a sequence number. */
const PLACE = /^\d{1,15}-\d{1,15}$/;

/**
 * The commands on one channel's stream in Redis, one round trip each.
 *
 * Two keys: the stream of entries, and a hash with the cursor of the newest one (`last`) and the last sequence of each
 * source. The braces keep both in one slot of a Redis cluster.
 */
export class RedisStream<Event> {
  readonly #entriesKey: string;
  readonly #metaKey: string;
  readonly #codec: EventCodec<Event>;
  readonly #window: Window;
  readonly #known = new KnownStream();

  constructor({ channel, codec, prefix, window }: StreamOptions<Event>) {
    const name = `{${prefix}live:${codec.format}:${channel}}`;
    this.#codec = codec;
    this.#entriesKey = `${name}:entries`;
    this.#metaKey = `${name}:meta`;
    this.#window = window;
  }

  /** @returns false where the source had announced this sequence, or a later one, before. */
  async announce(client: RedisClient, { source, sequence, batches }: Announcement<Event>): Promise<boolean> {
    const entries = batches.map((events) => this.#codec.encode(events));
    for (;;) {
      const known = this.#known.incarnation;
      const { outcome, incarnation } = await client.announce({
        ...this.#keys,
        source,
        sequence,
        newIncarnation: newIncarnation(),
        entriesMax: this.#window.entriesMax,
        ageMsMax: this.#window.ageMsMax,
        field: this.#codec.field,
        knownIncarnation: known,
        knownSequence: this.#known.sequences.get(source) ?? -1,
        entries,
      });
      if (outcome !== 'UNKNOWN') {
        this.#known.holds(incarnation, source, sequence);
        return outcome === 'TAKEN';
      }
      // Another announcement may have dealt with it while this one was on its way.
      if (this.#known.incarnation === known) await this.#meet(client, incarnation);
    }
  }

  /** Where the stream holds less of a source than the sequence, it has lost entries, and begins anew. */
  async expect(client: RedisClient, source: string, sequence: number): Promise<void> {
    const [last, announced] = await client.hmGet(this.#metaKey, ['last', `source:${source}`]);
    if (!last || !announced) return;
    if (Number(announced) < sequence) await this.#beginAnew(client, incarnationOf(last));
    else this.#known.holds(incarnationOf(last), source, sequence);
  }

  /** Whether Redis still holds all that it said it held: to be asked over each new connection. */
  async check(client: RedisClient): Promise<void> {
    const { incarnation, sequences } = this.#known;
    if (incarnation === undefined) return;
    const expected = [...sequences];
    const fields = ['last', ...expected.map(([source]) => `source:${source}`)];
    const [last, ...announced] = await client.hmGet(this.#metaKey, fields);
    const found = last ? incarnationOf(last) : '';
    const holds = expected.every(([, sequence], place) => Number(announced[place] ?? -1) >= sequence);
    if (found !== incarnation || !holds) await this.#meet(client, found);
  }

  async lastAnnounced(client: RedisClient, source: string): Promise<number | undefined> {
    const sequence = await client.hGet(this.#metaKey, `source:${source}`);
    return sequence === null ? undefined : Number(sequence);
  }

  /** The cursor of the newest entry. A stream that has none yet gets its incarnation here, so that the cursor lasts. */
  async tail(client: RedisClient): Promise<string> {
    const beginning = `${newIncarnation()}-0-0`;
    const [, last] = await client
      .multi()
      .hSetNX(this.#metaKey, 'last', beginning)
      .hGet(this.#metaKey, 'last')
      .execTyped();
    return last ?? beginning;
  }

  /** The cursor of the newest entry; undefined where the stream was wiped. */
  async last(client: RedisClient): Promise<string | undefined> {
    return (await client.hGet(this.#metaKey, 'last')) ?? undefined;
  }

  /** At most `count` entries after a cursor, and the cursor of the newest, as of one moment. */
  async page(client: RedisClient, after: string, count: number): Promise<Page> {
    const [last, messages] = await client
      .multi()
      .hGet(this.#metaKey, 'last')
      .xRange(this.#entriesKey, `(${placeOf(after)}`, '+', { COUNT: count })
      .execTyped();
    return { last: last ?? undefined, messages: messages ?? [] };
  }

  /** Waits up to `blockMs` for entries after a cursor. */
  async next(client: RedisClient, after: string, count: number, blockMs: number): Promise<readonly Message[]> {
    const from = { key: this.#entriesKey, id: placeOf(after) };
    const streams = await client.xRead(from, { COUNT: count, BLOCK: blockMs });
    return streams?.[0]?.messages ?? [];
  }

  /**
   * @param cursor what the messages are to follow without a gap.
   * @throws BusbarError `CURSOR_EXPIRED` where they do not.
   */
  entriesAfter(cursor: string, messages: readonly Message[]): readonly LiveEntry<Event>[] {
    const { field, decode } = this.#codec;
    let last = cursor;
    return messages.map(({ id, message }) => {
      if (message.after !== last) throw cursorExpired(cursor);
      last = `${incarnationOf(last)}-${id}`;
      return { id: last, events: decode(message[field] ?? '') };
    });
  }

  /** The stream is another than the one that was known. */
  async #meet(client: RedisClient, found: string): Promise<void> {
    if (found && this.#known.isOlder(found)) await this.#beginAnew(client, found);
    else this.#known.goesOnIn(found);
  }

  async #beginAnew(client: RedisClient, found: string): Promise<void> {
    this.#known.goesOnIn(await client.beginAnew({ ...this.#keys, found, newIncarnation: newIncarnation() }));
  }

  get #keys(): { readonly entriesKey: string; readonly metaKey: string } {
    return { entriesKey: this.#entriesKey, metaKey: this.#metaKey };
  }
}

interface StreamOptions<Event> {
  readonly channel: Channel;
  readonly codec: EventCodec<Event>;
  readonly prefix: string;
  readonly window: Window;
}

/** An entry as Redis hands it over: `after` is the cursor of the one before it. */
export interface Message {
  readonly id: string;
  readonly message: Readonly<Record<string, string>>;
}

export interface Page {
  readonly last: string | undefined;
  readonly messages: readonly Message[];
}

/** @throws BusbarError `BAD_USER_INPUT` */
export function placeOf(cursor: string): string {
  return parseCursor(cursor, PLACE).place;
}

function incarnationOf(cursor: string): string {
  return cursor.slice(0, cursor.indexOf('-'));
}
