import { setTimeout as pause } from 'node:timers/promises';
import type { Running } from '../support/processes.ts';

/** A process that is started again whenever it ends, as a scheduler of containers does. */
export interface Supervised {
  readonly name: string;
  /** The last lines of each time that it ended without having been told to. */
  readonly ends: readonly string[];
  /** kill -9; it is started again at once. */
  kill(): Promise<void>;
  /** Resolves when the present process says that it is up. */
  up(): Promise<void>;
  /** SIGTERM, for good. @returns the exit code */
  stop(): Promise<number | null>;
}

const RESTART_MS = 500;

/** @param upLine what the process prints when it is up. */
export function supervise(name: string, upLine: RegExp, start: () => Running): Supervised {
  const ends: string[] = [];
  let stopping = false;
  let running: Running;
  const begin = (): Running => {
    const begun = start();
    void begun.ended.then(async (last) => {
      if (running !== begun || stopping) return;
      ends.push(last);
      await pause(RESTART_MS);
      if (running === begun && !stopping) running = begin();
    });
    return begun;
  };
  running = begin();
  return {
    name,
    ends,
    async kill() {
      const victim = running;
      const gone = victim.kill();
      running = begin();
      await gone;
    },
    async up() {
      for (let tried = running; ; tried = running) {
        const isUp = await tried.sees(upLine).then(
          () => true,
          () => false,
        );
        if (isUp && tried === running) return;
        if (!isUp) await pause(RESTART_MS);
      }
    },
    stop() {
      stopping = true;
      return running.stop();
    },
  };
}
