import { CommanderError } from 'commander';
import { type ErrorCode, isBusbarError, messageOf } from '../../domain/errors.ts';
import { createProgram } from './program.ts';
import type { Invocation } from './session.ts';

const OF_THE_CALL: readonly ErrorCode[] = ['CONFIG_INVALID', 'BAD_USER_INPUT', 'NOT_FOUND', 'LIMIT_EXCEEDED'];

/** Carries one call of `feeds` out to its end. What goes wrong is told on the terminal and in its exit code; never rejects. */
export async function runFeeds(arguments_: readonly string[], invocation: Invocation): Promise<void> {
  const { terminal } = invocation;
  try {
    await createProgram(invocation).parseAsync(arguments_, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) terminal.exitCode = error.exitCode === 0 ? 0 : 2;
    else {
      terminal.stderr.write(`feeds: ${messageOf(error)}\n`);
      terminal.exitCode = OF_THE_CALL.some((code) => isBusbarError(error, code)) ? 2 : 1;
    }
  }
}
