import { readFile, writeFile } from 'node:fs/promises';
import { rightsMatrix } from './rights-matrix.ts';
import { schema } from './schema.ts';

/** Writes who may do what, for review. With `--check` writes nothing and exits with 1 where what is written is not what the code says. */
const file = new URL('../docs/rights.md', import.meta.url);
const text = rightsMatrix(schema);

if (!process.argv.includes('--check')) {
  await writeFile(file, text);
} else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
  console.error('docs/rights.md is not what the code says: run `npm run rights` and review the change');
  process.exitCode = 1;
}
