import { readFile, writeFile } from 'node:fs/promises';
import { printSchema } from 'graphql';
import { schema } from './schema.ts';

/**
 * Writes the contract as text, for clients and for review. With `--check` writes nothing and exits with 1 where the
 * written text is not the one the code makes.
 */
const file = new URL('./schema.graphql', import.meta.url);
const text = `${printSchema(schema)}\n`;

if (!process.argv.includes('--check')) {
  await writeFile(file, text);
} else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
  console.error(
    'schema/schema.graphql is not what schema/*.ts makes: run `npx tsx schema/print.ts` and review the change',
  );
  process.exitCode = 1;
}
