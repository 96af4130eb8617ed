import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { SOURCES } from '../../domain/source-call.ts';

/** A vendor that does not exist. */
const TEMPLATE = 'template/';

it('every source that a feed asks is known by its name', async () => {
  const files = await readdir(import.meta.dirname, { recursive: true });
  const ours = files.filter(
    (file) => /(?<!\.test)\.ts$/.test(file) && file.includes('/') && !file.startsWith(TEMPLATE),
  );
  const texts = await Promise.all(ours.map((file) => readFile(new URL(file, import.meta.url), 'utf8')));
  const named = texts.flatMap((text) => [...text.matchAll(/\b(?:source|vendor): '([^']+)'/g)].map(([, name]) => name));
  expect([...new Set(named)].sort()).toEqual(SOURCES);
});
