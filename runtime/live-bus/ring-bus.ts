import { BusbarError } from '../../domain/errors.ts';
import { cursorExpired, newIncarnation, parseCursor } from './cursor.ts';
import { EntryRing } from './entry-ring.ts';
import type { Announcement, Channel, LiveBus, LiveEntry, Window } from './live-bus.ts';

/** Entries handed to a reader at once, so that one far behind shares the event loop with the others. */
const HANDOVER_ENTRIES_MAX = 256;
const PLACE = /^\d{1,15}$/;

/**
 * The live bus inside one process, for the embedded mode. Ticks pass as the objects they are; what is kept is lost with
 * the process, and a cursor of an earlier process is answered with `CURSOR_EXPIRED`.
 * @param clock milliseconds UTC; the age bound of the window is measured with it.
 */
export function createRingBus({ window, clock }: { window: Window; clock: () => number }): LiveBus {
  const incarnation = newIncarnation();
  const ids = (position: number) => `${incarnation}-${position}`;
  const channels = new Map<Channel, RingChannel>();
  const closed = new AbortController();

  const open = (channel: Channel): RingChannel => {
    assertOpen(closed.signal);
    const known = channels.get(channel) ?? { ring: new EntryRing(window, clock), announced: new Map() };
    channels.set(channel, known);
    return known;
  };

  const positionOf = (cursor: string): number => {
    const { incarnation: from, place } = parseCursor(cursor, PLACE);
    if (from !== incarnation) throw cursorExpired(cursor);
    return Number(place);
  };

  return {
    announce: async (channel, announcement) => append(open(channel), announcement, ids),
    lastAnnounced: async (channel, source) => open(channel).announced.get(source),
    tail: async (channel) => ids(open(channel).ring.end),
    ping: async () => assertOpen(closed.signal),
    async close() {
      closed.abort();
      for (const { ring } of channels.values()) ring.close();
    },
    async *read(channel, after, signal) {
      const { ring } = open(channel);
      let position = after === undefined ? ring.end : positionOf(after);
      while (!signal.aborted) {
        assertOpen(closed.signal);
        const entries = ring.from(position, HANDOVER_ENTRIES_MAX);
        if (!entries) throw cursorExpired(ids(position));
        position += entries.length;
        if (entries.length > 0) yield entries;
        else await ring.changed(signal);
      }
    },
  };
}

interface RingChannel {
  readonly ring: EntryRing;
  /** Last sequence by source. */
  readonly announced: Map<string, number>;
}

/** The id of an entry is the cursor right behind it: the position of the next one. */
function append(
  { ring, announced }: RingChannel,
  announcement: Announcement,
  ids: (position: number) => string,
): boolean {
  const { source, sequence, batches } = announcement;
  if (sequence <= (announced.get(source) ?? Number.NEGATIVE_INFINITY)) return false;
  announced.set(source, sequence);
  const first = ring.end + 1;
  ring.append(batches.map((ticks, place): LiveEntry => ({ id: ids(first + place), ticks })));
  return true;
}

function assertOpen(closed: AbortSignal): void {
  if (closed.aborted) throw new BusbarError('UNAVAILABLE', 'the live bus is closed');
}
