import type { Writable } from 'node:stream';

/**
 * Room on a connection that many streams write to. Whoever has waited asks again before writing, since another may have filled it
 * anew: so it never has more unsent than the bound and one frame. They are woken in the order of coming, so each has its turn.
 * @returns what to wait for; undefined where there is room.
 */
export function roomOn(wire: Writable, unsentBytesMax: number): Promise<void> | undefined {
  return isFull(wire, unsentBytesMax) ? sentOn(wire) : undefined;
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
