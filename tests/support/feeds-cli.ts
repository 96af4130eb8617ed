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
export async function callFeeds(
  environment: Readonly<Record<string, string>>,
  ...arguments_: readonly string[]
): Promise<FeedsCall> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'ingestors/cli.ts', ...arguments_], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [bytes, err] = await Promise.all([buffer(child.stdout), buffer(child.stderr), once(child, 'close')]);
  const out = bytes.toString();
  return { code: child.exitCode, bytes, out, err: err.toString(), json: () => JSON.parse(out) };
}
