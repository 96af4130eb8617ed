/** Was the Prisma client generated from the schema.prisma that is there? It carries the text that it was made from. */
import { readFile } from 'node:fs/promises';
import { SCHEMA_FILE } from '../../prisma/schema-engine.ts';

const generated = new URL('../../prisma/generated/internal/class.ts', import.meta.url);
const [schema, client] = await Promise.all([
  readFile(SCHEMA_FILE, 'utf8'),
  readFile(generated, 'utf8').catch(() => 'nothing'),
]);
if (!client.includes(`"inlineSchema": ${JSON.stringify(schema)}`)) {
  console.error('prisma/generated was not made from this prisma/schema.prisma: run `npx prisma generate`');
  process.exitCode = 1;
}
