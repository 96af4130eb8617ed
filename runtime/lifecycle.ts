import type { Logger } from 'pino';
import { isBusbarError, messageOf } from '../domain/errors.ts';

/** The parts of a process, started one after the other and stopped in the reverse order. */
export interface Lifecycle {
  /**
   * Opens a part and remembers how to close it.
   * @throws what `open` throws; also when the process was told to stop meanwhile.
   */
  start<Part>(name: string, open: () => Promise<Part> | Part, close: (part: Part) => Promise<void>): Promise<Part>;
  /** A part ended that must not end: the process stops, and its exit code says so. */
  fail(what: string, error: unknown): void;
  /** Closes what was started, newest first. A part that fails to close does not keep the others open. */
  stop(): Promise<void>;
}

/** @param onFail ends the process, after the failure was logged. */
export function createLifecycle(log: Logger, onFail: () => void = () => {}): Lifecycle {
  const started: { readonly name: string; readonly close: () => Promise<void> }[] = [];
  let stopping: Promise<void> | undefined;

  const closeAll = async () => {
    for (let part = started.pop(); part; part = started.pop()) {
      await part.close().then(
        () => log.info({ part: part?.name }, 'part stopped'),
        (error) => log.error({ part: part?.name, err: error }, 'part did not stop'),
      );
    }
  };

  return {
    async start(name, open, close) {
      if (stopping) throw new StoppedWhileStarting(name);
      const part = await open();
      // Told to stop while this one opened: the stop has not seen it, so it is closed here.
      if (stopping) {
        await close(part);
        throw new StoppedWhileStarting(name);
      }
      started.push({ name, close: () => close(part) });
      log.info({ part: name }, 'part started');
      return part;
    },
    fail(what, error) {
      log.fatal({ err: error }, what);
      onFail();
    },
    stop() {
      stopping ??= closeAll();
      return stopping;
    },
  };
}

class StoppedWhileStarting extends Error {
  constructor(name: string) {
    super(`told to stop while ${name} was starting`);
  }
}

/** What a main module brings: known before anything is started. */
export interface Program {
  readonly log: Logger;
  readonly start: (lifecycle: Lifecycle) => Promise<void>;
  /** How long a graceful stop may take before the process ends with code 1. Default 15 s. */
  readonly stopMsMax?: number;
  /**
   * Signals this close to the first are the same key press: a terminal signals the whole process group, and npm passes
   * its own copy on. Default 1 s.
   */
  readonly samePressMs?: number;
}

/** The process as `runProgram` sees it; `process` fits. */
export interface Host {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): void;
  readonly stderr: { write(text: string): unknown };
}

/**
 * Runs a program until a signal ends it.
 *
 * - The first SIGINT or SIGTERM stops the parts in order; exit code 0, or 1 past the deadline. The second,
 *   unless it comes with the first, ends the process at once.
 * - A start that fails stops what was started; exit code 1, or 2 where the configuration is at fault: then its whole
 *   list of problems is on standard error.
 * @param prepare reads the configuration and makes the log.
 */
export async function runProgram(prepare: () => Program, host: Host = process): Promise<void> {
  let program: Program;
  try {
    program = prepare();
  } catch (error) {
    return failedToStart(error, host);
  }
  const { log, start, stopMsMax = 15_000, samePressMs = 1_000 } = program;
  let asked = 0;

  const end = async (code: number) => {
    if (++asked > 1) return host.exit(1);
    log.info('stopping');
    // Also lets the process end on its own where a part leaves nothing behind that keeps it.
    const deadline = setTimeout(() => {
      log.error({ stopMsMax }, 'stop took too long');
      host.exit(1);
    }, stopMsMax).unref();
    await lifecycle.stop();
    clearTimeout(deadline);
    host.exit(code);
  };
  const lifecycle = createLifecycle(log, () => void end(1));
  let firstSignalAt: number | undefined;
  const onSignal = () => {
    const now = performance.now();
    firstSignalAt ??= now;
    if (asked === 0 || now - firstSignalAt >= samePressMs) void end(0);
  };
  host.on('SIGINT', onSignal);
  host.on('SIGTERM', onSignal);

  try {
    await start(lifecycle);
  } catch (error) {
    if (error instanceof StoppedWhileStarting && asked > 0) return;
    log.fatal({ err: error }, 'start failed');
    await lifecycle.stop();
    failedToStart(error, host);
  }
}

function failedToStart(error: unknown, host: Host): void {
  host.stderr.write(`${messageOf(error)}\n`);
  host.exit(isBusbarError(error, 'CONFIG_INVALID') ? 2 : 1);
}
