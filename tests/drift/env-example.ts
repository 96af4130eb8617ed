/**
 * `.env.example` as the declarations of runtime/config.ts, the feeds, the simulator and the stand-ins make it. With `--write` writes it;
 * otherwise exits with 1 where the file is not what they make.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { FEED_SETTINGS } from '../../ingestors/feeds/index.ts';
import { SIMULATOR_ENV } from '../../ingestors/simulator/settings.ts';
import { STAND_INS_ENV } from '../../ingestors/stand-ins/settings.ts';
import { variables } from '../../runtime/config.ts';

const FILE = new URL('../../.env.example', import.meta.url);

const lines = variables([...FEED_SETTINGS, SIMULATOR_ENV, STAND_INS_ENV]).map(
  ({ name, default: value, description }) => `# ${description}\n#${name}=${value}\n`,
);
const text = `# Every variable Busbar reads, each with its default. Nothing has to be set for \`npm start\`.\n\n${lines.join('\n')}`;

if (process.argv.includes('--write')) {
  await writeFile(FILE, text);
} else if ((await readFile(FILE, 'utf8').catch(() => '')) !== text) {
  console.error('.env.example is not what the declarations make: run `npm run env-example` and review the change');
  process.exitCode = 1;
}
