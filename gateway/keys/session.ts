import type pg from 'pg';
import { ALL_RIGHTS } from '../../domain/rights.ts';
import type { KeyKeeper } from '../../prisma/operations/api-keys.ts';
import { type AuditedAction, audited } from '../../prisma/operations/audit.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import { openStore } from '../../prisma/store.ts';
import { type Environment, readConfig } from '../../runtime/config.ts';
import { shellUser } from '../../runtime/shell-user.ts';

/** What a command is called with. */
export interface Invocation {
  readonly environment: Environment;
  /** When the command was called, milliseconds UTC. */
  readonly now: number;
}

/**
 * Lends the configured store to a command.
 * @throws BusbarError `CONFIG_INVALID`; `UNAVAILABLE` where the store is away or not migrated.
 */
export async function withStore<T>({ environment }: Invocation, use: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const store = await openStore(readConfig(environment).core, 'busbar keys', () => {});
  try {
    return await use(store.pool);
  } finally {
    await store.close();
  }
}

/** Makes a change in the name of whoever sits at the shell; whoever reaches the store so may do anything with it. */
export function changing<T extends object>(
  invocation: Invocation,
  { action, input }: Pick<AuditedAction, 'action' | 'input'>,
  change: (client: Queryable, keeper: KeyKeeper) => Promise<T>,
): Promise<T> {
  const by = shellUser();
  const asked: AuditedAction = { actor: { name: by, via: 'cli' }, action, input };
  return withStore(invocation, (pool) =>
    audited(pool, asked, (client) => change(client, { by, rights: ALL_RIGHTS, now: invocation.now })),
  );
}
