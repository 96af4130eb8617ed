import { BusbarError } from '../../domain/errors.ts';

/** Runs heavy reads one after the other, so that whoever asks for many holds one connection and not the pool. */
export type InTurn = <T>(read: () => Promise<T>) => Promise<T>;

/**
 * @param waitingMax so many may wait.
 * @throws BusbarError `RATE_LIMITED` where as many wait already.
 */
export function oneAtATime(waitingMax: number): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async (read) => {
    if (waiting >= waitingMax) {
      throw new BusbarError('RATE_LIMITED', `${waitingMax} such questions wait already: ask again in a while`);
    }
    waiting += 1;
    const mine = last.then(read).finally(() => {
      waiting -= 1;
    });
    last = mine.catch(() => undefined);
    return mine;
  };
}
