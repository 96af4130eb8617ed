import { setImmediate as nextTurn } from 'node:timers/promises';
import { BusbarError } from '../../domain/errors.ts';
import { CHANNEL_CODECS } from './channel-codecs.ts';
import { cursorExpired, newIncarnation, parseCursor } from './cursor.ts';
import { EntryRing } from './entry-ring.ts';
import type { Announcement, Channel, Channels, LiveBus, LiveEntry, Window } from './live-bus.ts';

/** Entries handed to a reader at once, so that one far behind shares the event loop with the others. */
const HANDOVER_ENTRIES_MAX = 256;
const PLACE = /^\d{1,15}$/;

/**
 * The live bus inside one process, for the embedded mode. Events pass as the objects they are, and are packed once they have passed;
 * what is kept is lost with the process, and a cursor of an earlier process is answered with `CURSOR_EXPIRED`.
 * @param clock milliseconds UTC; the age bound of the window is measured with it.
 */
export function createRingBus({ window, clock }: { window: Window; clock: () => number }): LiveBus {
  const create = <C extends Channel>(channel: C) =>
    new RingChannel(new EntryRing<Channels[C]>(window, clock, CHANNEL_CODECS[channel]));
  const channels: Rings = {
    lmp: create('lmp'),
    trades: create('trades'),
    positions: create('positions'),
    forecasts: create('forecasts'),
  };
  const closed = new AbortController();

  const open = <C extends Channel>(channel: C): Rings[C] => {
    assertOpen(closed.signal);
    return channels[channel];
  };

  return {
    announce: async (channel, announcement) => open(channel).announce(announcement),
    lastAnnounced: async (channel, source) => open(channel).announced.get(source),
    // What the ring holds is lost with the process, and then it knows no source.
    expectAnnounced: async () => undefined,
    tail: async (channel) => open(channel).tail,
    ping: async () => assertOpen(closed.signal),
    async close() {
      closed.abort();
      for (const { ring } of Object.values(channels)) ring.close();
    },
    async *read(channel, after, signal) {
      const opened = open(channel);
      const { ring } = opened;
      let position = after === undefined ? ring.end : opened.positionOf(after);
      while (!signal.aborted) {
        assertOpen(closed.signal);
        const decoded = position < ring.looseFrom;
        const entries = ring.from(position, HANDOVER_ENTRIES_MAX);
        if (!entries) throw cursorExpired(opened.cursorAt(position));
        position += entries.length;
        if (entries.length > 0) yield entries;
        else await ring.changed(signal);
        if (decoded) await nextTurn();
      }
    },
  };
}

type Rings = { readonly [C in Channel]: RingChannel<Channels[C]> };

/** A channel has an incarnation of its own, so that a cursor of one is not taken for a place in another. */
class RingChannel<Event> {
  readonly ring: EntryRing<Event>;
  /** Last sequence by source. */
  readonly announced = new Map<string, number>();
  readonly #incarnation = newIncarnation();

  constructor(ring: EntryRing<Event>) {
    this.ring = ring;
  }

  get tail(): string {
    return this.cursorAt(this.ring.end);
  }

  /** The id of an entry is the cursor right behind it: the position of the next one. */
  cursorAt(position: number): string {
    return `${this.#incarnation}-${position}`;
  }

  positionOf(cursor: string): number {
    const { incarnation, place } = parseCursor(cursor, PLACE);
    if (incarnation !== this.#incarnation) throw cursorExpired(cursor);
    return Number(place);
  }

  announce({ source, sequence, batches }: Announcement<Event>): boolean {
    if (sequence <= (this.announced.get(source) ?? Number.NEGATIVE_INFINITY)) return false;
    this.announced.set(source, sequence);
    const first = this.ring.end + 1;
    this.ring.append(batches.map((events, place): LiveEntry<Event> => ({ id: this.cursorAt(first + place), events })));
    return true;
  }
}

function assertOpen(closed: AbortSignal): void {
  if (closed.aborted) throw new BusbarError('UNAVAILABLE', 'the live bus is closed');
}
