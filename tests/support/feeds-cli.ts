import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { runFeeds } from '../../ingestors/cli/run.ts';
import type { Terminal } from '../../ingestors/cli/terminal.ts';

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

/**
 * Calls the `feeds` command in this process, with nothing of its configuration, and waits for its end: what a command does
 * costs little, while to load the program anew costs two seconds.
 */
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
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end(input);
  const printed = Promise.all([buffer(stdout), buffer(stderr)]);
  const terminal: Terminal = { stdin, stdout, stderr };
  await runFeeds(arguments_, { environment, now: Date.now(), terminal });
  stdout.end();
  stderr.end();
  return finished(Number(terminal.exitCode ?? 0), ...(await printed));
}

/** Calls it as an operator does: as a process of its own, for what a process says to whoever started it. */
export function spawnFeeds(
  environment: Readonly<Record<string, string>>,
  ...arguments_: readonly string[]
): Promise<FeedsCall> {
  return pipeToSpawnedFeeds('', environment, ...arguments_);
}

/** The same, with something on standard input. */
export async function pipeToSpawnedFeeds(
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
  return finished(child.exitCode, bytes, err);
}

function finished(code: number | null, bytes: Buffer, err: Buffer): FeedsCall {
  const out = bytes.toString();
  return { code, bytes, out, err: err.toString(), json: () => JSON.parse(out) };
}
