import type { Command } from 'commander';
import { FEEDS } from '../feeds/index.ts';
import { type JsonOptions, jsonOption } from './options.ts';
import { printJson, printTable } from './output.ts';
import type { Invocation } from './session.ts';

export function addList(feeds: Command, { terminal }: Invocation): void {
  feeds
    .command('list')
    .description('the feeds there are, and the names of their streams')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  feeds list')
    .action(({ json }: JsonOptions) => {
      const listed = FEEDS.map(({ id, title, source, streams = {} }) => ({ id, title, kind: source.kind, streams }));
      if (json) return printJson(terminal, listed);
      printTable(
        terminal,
        ['feed', 'kind', 'title', 'streams'],
        listed.map(({ id, kind, title, streams }) => [id, kind, title, Object.keys(streams).join(' ') || undefined]),
      );
    });
}
