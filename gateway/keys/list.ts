import type { Command } from 'commander';
import type { ApiKey } from '../../domain/api-key.ts';
import { isoFromInstant } from '../../domain/instant.ts';
import { ALL_RIGHTS } from '../../domain/rights.ts';
import { hasEnded, readApiKeys } from '../../prisma/operations/api-keys.ts';
import { reachable } from '../../prisma/transaction.ts';
import { keyJson, keyTable } from './key-text.ts';
import { type Invocation, withStore } from './session.ts';

const KEYS_MAX = 10_000;

export function addList(keys: Command, invocation: Invocation): void {
  keys
    .command('list')
    .description('lists API keys, the newest first')
    .option('--ended', 'also those that have ended')
    .option('--json', 'print JSON and nothing else on standard output')
    .action(({ ended, json }: { readonly ended?: boolean; readonly json?: boolean }) =>
      withStore(invocation, async (pool) => {
        const all = await reachable(() => readApiKeys(pool, ALL_RIGHTS, { first: KEYS_MAX }));
        const listed = all.filter((key) => ended || !hasEnded(key, invocation.now));
        if (json) console.log(JSON.stringify(listed.map(keyJson), null, 2));
        else if (listed.length === 0) console.log('There is no API key: keys create makes one.');
        else console.log(keyTable(listed, (key) => stateOf(key, invocation.now)));
      }),
    );
}

function stateOf({ revokedAt, expiresAt }: ApiKey, now: number): string {
  if (revokedAt !== null) return `revoked ${isoFromInstant(revokedAt)}`;
  if (expiresAt === null) return 'good';
  return `${expiresAt <= now ? 'ended' : 'until'} ${isoFromInstant(expiresAt)}`;
}
