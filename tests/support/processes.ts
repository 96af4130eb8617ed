import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import manifest from '../../package.json' with { type: 'json' };

export interface Running {
  readonly pid: number;
  /** Resolves with the first line of output that matches; rejects where the process ends before, with what it said. */
  sees(line: RegExp): Promise<RegExpMatchArray>;
  /** Resolves when the process is gone, with its last lines. */
  readonly ended: Promise<string>;
  /** kill -9, and waits for the end. */
  kill(): Promise<void>;
  /** SIGTERM (or SIGINT), and waits for the end. @returns the exit code */
  stop(signal?: 'SIGTERM' | 'SIGINT'): Promise<number | null>;
}

/** As `npm start` has them. */
export const NODE_FLAGS = manifest.scripts.start.split(' ').slice(2, -1);

/** Starts one of Busbar's own programs as a process of its own, with nothing of this process's configuration. */
export function startProgram(
  file: string,
  environment: Readonly<Record<string, string>>,
  arguments_: readonly string[] = [],
): Running {
  const child = spawn(process.execPath, [...NODE_FLAGS, file, ...arguments_], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LOG_LEVEL: 'info', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${file} did not start`);
  const output = linesOf(child);
  const ended = once(child, 'exit');
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
    return child.exitCode;
  };
  return {
    pid,
    sees: (line) => output.sees(line, ended),
    ended: ended.then(output.last),
    kill: async () => void (await end('SIGKILL')),
    stop: (signal = 'SIGTERM') => end(signal),
  };
}

function linesOf(child: ChildProcess) {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const wake of waiting) wake();
    });
  }
  const last = () => lines.slice(-20).join('\n');
  return {
    last,
    sees: (pattern: RegExp, ended: Promise<unknown>) =>
      new Promise<RegExpMatchArray>((done, failed) => {
        const look = () => {
          for (const line of lines) {
            const match = line.match(pattern);
            if (!match) continue;
            waiting.delete(look);
            return done(match);
          }
        };
        waiting.add(look);
        look();
        ended.then(() => failed(new Error(`ended without ${pattern}:\n${last()}`)));
      }),
  };
}
