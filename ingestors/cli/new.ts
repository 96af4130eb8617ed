import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { MARKETS } from '../../domain/market.ts';
import { makeFeed } from '../feeds/new-feed.ts';
import { printLine } from './output.ts';
import type { Invocation } from './session.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const HELP = `
Works on the source of Busbar itself: copies ingestors/feeds/template and its
stand-in under the vendor's name, and adds the lines by which a feed is known.
What is made polls its stand-in at once; README.md, "Adding a feed", says how to
make it the vendor's.

Example:
  feeds new acme --market NYISO`;

export function addNew(feeds: Command, { terminal }: Invocation): void {
  feeds
    .command('new')
    .description('makes a feed of the template, to be changed into that of a vendor')
    .argument('<vendor>', 'a word of lower-case letters and digits')
    .addOption(
      new Option('--market <id>', 'whose nodes it prices').choices(MARKETS.map(({ id }) => id)).makeOptionMandatory(),
    )
    .addHelpText('after', HELP)
    .action(async (vendor: string, { market }: { readonly market: string }) => {
      for (const path of await makeFeed(ROOT, { vendor, market })) printLine(terminal, path);
      printLine(terminal, nextSteps(vendor));
    });
}

function nextSteps(vendor: string): string {
  return `
Now:
  npx biome check --write ingestors
  npm run env-example
  npx vitest run ingestors/feeds/${vendor}
  npx vitest run ingestors/feeds/conformance.test.ts -t ${vendor}-lmp
Then make it the vendor's, in this order: answer.ts and lmp-row.ts (what comes),
decode.ts, reports.ts and requests.ts (what is asked), settings.ts, source.ts,
feed.ts, ingestors/stand-ins/${vendor}.ts, README.md.`;
}
