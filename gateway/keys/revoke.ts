import type { Command } from 'commander';
import { revokeApiKey } from '../../prisma/operations/api-keys.ts';
import { keyJson } from './key-text.ts';
import { changing, type Invocation } from './session.ts';

export function addRevoke(keys: Command, invocation: Invocation): void {
  keys
    .command('revoke')
    .description('ends a key for good, at every gateway within seconds')
    .argument('<id>', 'its prefix')
    .option('--json', 'print JSON and nothing else on standard output')
    .action(async (prefix: string, { json }: { readonly json?: boolean }) => {
      const key = await changing(invocation, { action: 'revokeApiKey', input: { id: prefix } }, (client, keeper) =>
        revokeApiKey(client, prefix, keeper),
      );
      if (json) console.log(JSON.stringify(keyJson(key), null, 2));
      else console.log(`API key ${key.prefix} (${key.name}) is revoked.`);
    });
}
