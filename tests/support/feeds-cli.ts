import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';

/** A finished call of the `feeds` command. */
export interface FeedsCall {
  readonly code: number | null;
  readonly bytes: Buffer;
  /** Standard output as text. */
  readonly out: string;
  /** Standard error as text. */
  readonly err: string;
  /** Standard output as JSON. */
  json(): unknown;
}

/** Calls the `feeds` command as a process of its own, with nothing of this process's configuration, and waits for its end. */
export function callFeeds(
  environment: Readonly<Record<string, string>>,
  ...arguments_: readonly string[]
): Promise<FeedsCall> {
  return pipeToFeeds('', environment, ...arguments_);
}

/** The same, with something on standard input. */
export async function pipeToFeeds(
  input: string,
  environment: Readonly<Record<string, string>>,
  ...arguments_: readonly string[]
): Promise<FeedsCall> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'ingestors/cli.ts', ...arguments_], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {
    // A command that does not read it may be gone by then.
  });
  child.stdin.end(input);
  const [bytes, err] = await Promise.all([buffer(child.stdout), buffer(child.stderr), once(child, 'close')]);
  const out = bytes.toString();
  return { code: child.exitCode, bytes, out, err: err.toString(), json: () => JSON.parse(out) };
}
