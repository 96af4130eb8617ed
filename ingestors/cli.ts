/**
 * `npm run feeds -- …`: what an operator does with feeds from a shell. Works beside a running Busbar: it uses the same store,
 * and what it commits is announced by whoever serves live.
 *
 * Exit codes: 0 done (a source that has no data is not an error), 1 failed or cancelled, 2 the call or the configuration is
 * wrong, 128 and the signal's number where one ended it.
 */
import { runFeeds } from './cli/run.ts';

// Whoever reads what is printed may have enough of it, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await runFeeds(process.argv.slice(2), { environment: process.env, now: Date.now(), terminal: process });

// Once all is written. Everything is closed by now, but the engine that migrates the embedded store leaves a timer of ten
// seconds behind.
process.stdout.write('', () => process.exit());
