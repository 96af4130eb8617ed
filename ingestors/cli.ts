/**
 * `npm run feeds -- …`: what an operator does with feeds from a shell. Works beside a running Busbar: it uses the same store,
 * and what it commits is announced by whoever serves live.
 *
 * Exit codes: 0 done (a source that has no data is not an error), 1 failed or cancelled, 2 the call or the configuration is
 * wrong, 128 and the signal's number where one ended it.
 */
import { type ErrorCode, isBusbarError, messageOf } from '../domain/errors.ts';
import { createProgram } from './cli/program.ts';

const OF_THE_CALL: readonly ErrorCode[] = ['CONFIG_INVALID', 'BAD_USER_INPUT', 'NOT_FOUND', 'LIMIT_EXCEEDED'];

// Whoever reads what is printed may have enough of it, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await createProgram({ environment: process.env, now: Date.now() }).parseAsync();
} catch (error) {
  console.error(`feeds: ${messageOf(error)}`);
  process.exitCode = OF_THE_CALL.some((code) => isBusbarError(error, code)) ? 2 : 1;
}

// Once all is written. Everything is closed by now, but the engine that migrates the embedded store leaves a timer of ten
// seconds behind.
process.stdout.write('', () => process.exit());
