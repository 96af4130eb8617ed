import { setTimeout as pause } from 'node:timers/promises';
import type { Running } from '../support/processes.ts';

/** A process that is started again whenever it ends, as a scheduler of containers does. */
export interface Supervised {
  readonly name: string;
  /** The last lines of each time that it ended without having been told to. */
  readonly ends: readonly string[];
  /** kill -9; it is started again at once. Whoever is away is killed when it is back. */
  kill(): Promise<void>;
  /** SIGTERM, once it is up; it is started again so much later. Where it does not end in good order, that is one of `ends`. */
  leave(awayMs: number): Promise<void>;
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
  let away = Promise.resolve();
  let leaving: Running | undefined;
  let running: Running;
  const begin = (): Running => {
    const begun = start();
    void begun.ended.then(async (last) => {
      if (running !== begun || stopping || leaving === begun) return;
      ends.push(last);
      await pause(RESTART_MS);
      if (running === begun && !stopping) running = begin();
    });
    return begun;
  };
  const up = async () => {
    for (let tried = running; ; tried = running) {
      const isUp = await tried.sees(upLine).then(
        () => true,
        () => false,
      );
      if (isUp && tried === running) return;
      if (!isUp) await pause(RESTART_MS);
    }
  };
  const goAndComeBack = async (awayMs: number) => {
    await up();
    leaving = running;
    const code = await leaving.stop();
    if (code !== 0) ends.push(await leaving.ended);
    await pause(awayMs);
    running = begin();
  };
  running = begin();
  return {
    name,
    ends,
    up,
    async kill() {
      await away;
      const victim = running;
      const gone = victim.kill();
      running = begin();
      await gone;
    },
    leave(awayMs) {
      away = away.then(() => goAndComeBack(awayMs));
      return away;
    },
    stop() {
      stopping = true;
      return running.stop();
    },
  };
}
