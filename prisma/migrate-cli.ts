import { messageOf } from '../domain/errors.ts';
import { readConfig } from '../runtime/config.ts';
import { migrate } from './migrate.ts';
import { openStore } from './store.ts';

/** `npm run migrate`: brings the configured store up to date and says what it did. */
try {
  const store = await openStore(readConfig(process.env).core, 'busbar migrate', () => {});
  try {
    const applied = store.embedded ? store.migrated : await migrate(store.pool);
    console.log(applied.length === 0 ? 'The store is up to date.' : `Applied ${applied.join(', ')}.`);
  } finally {
    await store.close();
  }
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}

// The engine leaves a timer of ten seconds behind.
process.stdout.write('', () => process.exit());
