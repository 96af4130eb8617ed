/**
 * `npm run keys -- …`: API keys from a shell, also the first one. Works on the configured store, beside a running Busbar or
 * without; gateways learn of a change within a second or two.
 *
 * Exit codes: 0 done, 1 failed, 2 the call or the configuration is wrong.
 */
import { CommanderError } from 'commander';
import { type ErrorCode, isBusbarError, messageOf } from '../domain/errors.ts';
import { createKeysProgram } from './keys/program.ts';

const OF_THE_CALL: readonly ErrorCode[] = ['CONFIG_INVALID', 'BAD_USER_INPUT', 'NOT_FOUND'];

// Whoever reads what is printed may have enough of it, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await createKeysProgram({ environment: process.env, now: Date.now() }).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    console.error(`keys: ${messageOf(error)}`);
    process.exitCode = OF_THE_CALL.some((code) => isBusbarError(error, code)) ? 2 : 1;
  }
}

// Once all is written. Everything is closed by now, but the engine that migrates the embedded store leaves a timer of ten
// seconds behind.
process.stdout.write('', () => process.exit());
