/** The ingestors as they are, but for one module: a negative control shows what the checks would say without it. */
import { register } from 'node:module';
import { SABOTAGES } from './sabotages.ts';

const sabotage = Object.entries(SABOTAGES).find(([name]) => name === process.argv[2])?.[1];
if (!sabotage) throw new TypeError(`usage: ingestors.ts ${Object.keys(SABOTAGES).join(' | ')}`);

const urlOf = (path: string) => new URL(path, import.meta.url).href;
register('./module-swap.ts', {
  parentURL: import.meta.url,
  data: { module: urlOf(sabotage.module), replacement: urlOf(sabotage.replacement) },
});
await import('../../../ingestors/main.ts');
