import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BusbarError } from '../../domain/errors.ts';

/**
 * Makes a feed of the template: the folder `ingestors/feeds/template` and `ingestors/stand-ins/template.ts` under another name,
 * and the lines by which a feed is known. The template is code like any other, so that it cannot be out of date.
 */
export interface NewFeed {
  /** A word of lower-case letters and digits: its folder, and the beginning of its id and of its settings. */
  readonly vendor: string;
  /** Whose nodes it prices: `PJM`. */
  readonly market: string;
}

/** Of the template. */
const FOLDER = 'ingestors/feeds/template';
const STAND_IN = 'ingestors/stand-ins/template.ts';

/**
 * @param root folder of the project.
 * @returns the files that were made or changed, relative to it.
 * @throws BusbarError `BAD_USER_INPUT` where there is such a feed already, the name is no such word, or a file is not as it was.
 */
export async function makeFeed(root: string, asked: NewFeed): Promise<readonly string[]> {
  const renamed = (text: string) => renamedFor(asked, text);
  if (!/^[a-z][a-z0-9]{1,19}$/.test(asked.vendor) || asked.vendor === 'template') {
    throw refused(`"${asked.vendor}" is no name for a feed: 2 to 20 lower-case letters and digits, as in isone`);
  }
  const names = await readdir(join(root, FOLDER));
  const copies = [...names.map((name) => `${FOLDER}/${name}`), STAND_IN];
  for (const path of [renamed(FOLDER), renamed(STAND_IN)]) {
    if (await isThere(join(root, path))) throw refused(`${path} is there already`);
  }
  // All are thought of before one is written: a feed is made whole or not at all.
  const files = new Map<string, string>();
  for (const path of copies) files.set(renamed(path), renamed(await readFile(join(root, path), 'utf8')));
  for (const [path, change] of Object.entries(CHANGES)) {
    files.set(path, change(await readFile(join(root, path), 'utf8'), asked, path));
  }
  for (const [path, text] of files) await written(join(root, path), text);
  return [...files.keys()];
}

function renamedFor({ vendor, market }: NewFeed, text: string): string {
  return text
    .replaceAll('TEMPLATE', vendor.toUpperCase())
    .replaceAll('Template', titleOf(vendor))
    .replaceAll('template', vendor)
    .replaceAll(/\bPJM\b/g, market);
}

type Change = (text: string, asked: NewFeed, path: string) => string;

/** The lines by which a feed is known, in files that are not its own. */
const CHANGES: Readonly<Record<string, Change>> = {
  'ingestors/feeds/index.ts': (text, { vendor }, path) =>
    withLine(
      withLine(text, /^import .* from '\.\/.*';$/gm, `import { ${vendor}Lmp } from './${vendor}/feed.ts';`, path),
      /^ {2}[a-z0-9]+Lmp,$/gm,
      `  ${vendor}Lmp,`,
      path,
    ),
  'ingestors/stand-ins/plans.ts': (text, { vendor }, path) => {
    const name = `${vendor.toUpperCase()}_STAND_IN`;
    const imported = withLine(text, /^import .* from '\.\/.*';$/gm, `import { ${name} } from './${vendor}.ts';`, path);
    // Behind the last one, which closes at the same depth.
    return withLine(imported, /^ {2}(?:\},|[A-Z0-9]+_STAND_IN,)$/gm, `  ${name},`, path);
  },
  'README.md': (text, { vendor }, path) => {
    const row = `| \`${vendor}-lmp\` | ${titleOf(vendor)} web service: day-ahead, real-time | polled for \`${vendor.toUpperCase()}_NODES\` with \`${vendor.toUpperCase()}_API_KEY\`; files |`;
    return withLine(text, /^\| `[a-z0-9]+-lmp`.*$/gm, row, path);
  },
  'docker-compose.yml': (text, { vendor }, path) => {
    const names = ['NODES', 'API_KEY', 'URL', 'REQUEST_SPACING_MS', 'LOOKBACK_HOURS'];
    const variables = names.map((name) => `${vendor.toUpperCase()}_${name}`);
    const lines = variables.map((name) => `      ${name}: \${${name}:-}`).join('\n');
    return withLine(text, /^ {6}[A-Z0-9]+_LOOKBACK_HOURS: .*$/gm, lines, path);
  },
};

/** Behind the last line that is like it. */
function withLine(text: string, like: RegExp, line: string, path: string): string {
  const last = [...text.matchAll(like)].at(-1);
  if (!last) throw refused(`${path} has no line like ${like.source}: add "${line.trim()}" by hand`);
  const end = last.index + last[0].length;
  return `${text.slice(0, end)}\n${line}${text.slice(end)}`;
}

function titleOf(vendor: string): string {
  return `${vendor.slice(0, 1).toUpperCase()}${vendor.slice(1)}`;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function written(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

function refused(message: string): BusbarError {
  return new BusbarError('BAD_USER_INPUT', message);
}
