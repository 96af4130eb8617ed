/** A feed that is made of the template, in a copy of the source: it compiles, is known everywhere and conforms. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFeed } from './new-feed.ts';

const run = promisify(execFile);
const FOLDERS = ['domain', 'ingestors', 'prisma', 'runtime', 'schema', 'tests/support'];
const FILES = ['README.md', 'docker-compose.yml', 'package.json', 'tsconfig.json', 'biome.json', '.gitignore'];

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'busbar-new-feed-'));
  await mkdir(join(root, 'tests'));
  for (const folder of FOLDERS) await cp(folder, join(root, folder), { recursive: true });
  for (const file of FILES) await cp(file, join(root, file));
  await symlink(join(process.cwd(), 'node_modules'), join(root, 'node_modules'));
});
afterAll(() => rm(root, { recursive: true }));

test('has no word of the template left, and a line wherever a feed is known', { timeout: 60_000 }, async () => {
  const made = await makeFeed(root, { vendor: 'acme', market: 'NYISO' });
  const texts = await Promise.all(made.map((path) => readFile(join(root, path), 'utf8')));
  for (const [place, path] of made.entries()) {
    if (path.includes('acme')) expect(texts[place], path).not.toMatch(/template|PJM/i);
    else expect(texts[place], path).toMatch(/acme/i);
  }
  expect(made).toEqual(expect.arrayContaining(['ingestors/feeds/acme/README.md', 'ingestors/stand-ins/acme.ts']));
});

test('keeps to the style once it is formatted, and compiles', { timeout: 180_000 }, async () => {
  const node = (...args: string[]) => run(process.execPath, args, { cwd: root });
  const made = ['ingestors/feeds/acme', 'ingestors/stand-ins/acme.ts', 'ingestors/stand-ins/plans.ts'];
  // That the lists which name it find it shows when it is polled; they would bring in every other feed.
  const entries = ['ingestors/feeds/acme/*.ts', 'ingestors/stand-ins/acme.ts'];
  await node(
    'node_modules/@biomejs/biome/bin/biome',
    'check',
    '--write',
    '--error-on-warnings',
    '--vcs-enabled=false',
    ...made,
  );
  await writeFile(join(root, 'made.json'), JSON.stringify({ extends: './tsconfig.json', include: entries }));
  await node('node_modules/typescript/bin/tsc', '--project', 'made.json');
});

test('conforms, polled from the stand-in that is made with it', { timeout: 180_000 }, async () => {
  const args = ['run', '--root', root, '--config', join(root, 'vitest.config.ts'), 'ingestors/feeds/acme', CONFORMANCE];
  await writeFile(join(root, 'vitest.config.ts'), 'export default { test: { maxWorkers: 1 } };\n');
  const { stdout } = await run(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', ...args, '-t', PATTERN, '--reporter', 'verbose'],
    {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1' },
    },
  );
  expect(stdout).toMatch(/acme-lmp'? > reads prices of its stand-in/);
});

const CONFORMANCE = 'ingestors/feeds/conformance.test.ts';
const PATTERN = '^(?!.*(-lmp|template)).*|acme-lmp';

test.each([
  ['a name that is no word', 'Acme Grid', /is no name for a feed/],
  ['the name of a feed that there is', 'isone', /^ingestors\/feeds\/isone is there already$/],
  ['the template’s own name', 'template', /is no name for a feed/],
])('%s is refused', async (_, vendor, message) => {
  await expect(makeFeed(process.cwd(), { vendor, market: 'PJM' })).rejects.toMatchObject({
    code: 'BAD_USER_INPUT',
    message: expect.stringMatching(message),
  });
});
