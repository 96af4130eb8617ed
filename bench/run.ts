/** `npm run bench -- <name>`: runs one bench and prints its figures, their ratio to the baseline, and the machine, as JSON. */
import { readdir } from 'node:fs/promises';
import { environment } from './environment.ts';

const SUPPORT = new Set(['run', 'copy-into-lmp', 'port-of', 'environment', 'bench-store', 'ingesting', 'summary']);
const files = await readdir(new URL('.', import.meta.url));
const names = files
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3))
  .filter((name) => !SUPPORT.has(name));

const name = process.argv[2];
if (!name || !names.includes(name)) {
  console.error(`usage: npm run bench -- <name>\nbenches: ${names.join(', ')}`);
  process.exit(2);
}
const { run } = (await import(`./${name}.ts`)) as { run(): Promise<object> };
console.log(JSON.stringify({ bench: name, ...(await run()), environment: environment() }, null, 2));
process.exit(0);
