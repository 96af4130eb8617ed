import { messageOf } from '../domain/errors.ts';
import { readConfig } from '../runtime/config.ts';
import { openToMigrate } from './store.ts';

/** `npm run migrate`: brings the configured store up to date and says what it did. */
try {
  const { migrated, close } = await openToMigrate(readConfig(process.env).core, 'busbar migrate');
  await close();
  console.log(migrated.length === 0 ? 'The store is up to date.' : `Applied ${migrated.join(', ')}.`);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}

// The engine leaves a timer of ten seconds behind.
process.stdout.write('', () => process.exit());
