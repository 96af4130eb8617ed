import type { Writable } from 'node:stream';

/**
 * Room on a connection that many streams write to. Whoever waited looks again when all is sent, in the order of coming, since
 * the first may have filled it anew: so it never has more unsent than the bound and one frame, and each has its turn.
 * @returns what to wait for before writing; undefined where there is room.
 */
export function roomOn(wire: Writable, unsentBytesMax: number): Promise<void> | undefined {
  return isFull(wire, unsentBytesMax) ? untilRoom(wire, unsentBytesMax) : undefined;
}

async function untilRoom(wire: Writable, unsentBytesMax: number): Promise<void> {
  while (isFull(wire, unsentBytesMax)) await sentOn(wire);
}

/** One that is closed is never full. */
function isFull(wire: Writable, unsentBytesMax: number): boolean {
  return wire.writableNeedDrain && wire.writableLength > unsentBytesMax;
}

/** Who waits, by connection. */
const waiting = new WeakMap<Writable, (() => void)[]>();

function sentOn(wire: Writable): Promise<void> {
  return new Promise((resolve) => {
    const waiters = waiting.get(wire) ?? attend(wire);
    waiters.push(resolve);
  });
}

function attend(wire: Writable): (() => void)[] {
  const waiters: (() => void)[] = [];
  const wake = () => {
    for (const resume of waiters.splice(0)) resume();
  };
  wire.on('drain', wake).on('close', wake);
  waiting.set(wire, waiters);
  return waiters;
}
