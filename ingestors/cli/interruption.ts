import { constants } from 'node:os';

/** A wish to end that came from outside. */
export interface Interruption {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** 128 and the signal's number, as shells have it: 130 after ctrl-C. */
  exitCode(): number;
  /** Leaves signals to whoever handles them next. */
  release(): void;
}

/** A terminal signals the whole process group, and npm passes its own copy on: so close, two are one key press. */
const SAME_PRESS_MS = 1_000;

/** From now on the first signal only asks for the end; a second one, later, ends the process at once. */
export function untilInterrupted(): Interruption {
  const asked = new AbortController();
  let code = 128 + constants.signals.SIGINT;
  let firstAt: number | undefined;
  const listen = (name: 'SIGINT' | 'SIGTERM') => {
    const listener = () => {
      const now = performance.now();
      firstAt ??= now;
      if (now - firstAt >= SAME_PRESS_MS) process.exit(code);
      if (!asked.signal.aborted) code = 128 + constants.signals[name];
      asked.abort();
    };
    process.on(name, listener);
    return () => process.off(name, listener);
  };
  const releases = [listen('SIGINT'), listen('SIGTERM')];
  return {
    signal: asked.signal,
    exitCode: () => code,
    release: () => {
      for (const release of releases) release();
    },
  };
}
