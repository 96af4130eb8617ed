import type { Actor } from '../../prisma/operations/audit.ts';
import { openStore, type Store } from '../../prisma/store.ts';
import { type Config, type Environment, readConfig } from '../../runtime/config.ts';
import { shellUser } from '../../runtime/shell-user.ts';
import { FEED_SETTINGS, FEEDS } from '../feeds/index.ts';
import { registerFeeds } from '../pipeline/store/feeds.ts';
import type { Terminal } from './terminal.ts';

/** What a command is called with. */
export interface Invocation {
  readonly environment: Environment;
  /** When the command was called, milliseconds UTC: the `now` of its arguments. */
  readonly now: number;
  readonly terminal: Terminal;
}

export interface Session extends Invocation {
  readonly config: Config;
  readonly store: Store;
}

/**
 * Lends the configured store to a command.
 * @throws BusbarError `CONFIG_INVALID`; `UNAVAILABLE` where the store is away or not migrated.
 */
export async function withStore<T>(invocation: Invocation, use: (session: Session) => Promise<T>): Promise<T> {
  const config = readConfig(invocation.environment, FEED_SETTINGS);
  const store = await openStore(config.core, 'busbar feeds', () => {});
  try {
    return await use({ ...invocation, config, store });
  } finally {
    await store.close();
  }
}

/** The same, for what looks feeds up in the store: it knows them there although no ingestors ever ran on it. */
export function withFeeds<T>(invocation: Invocation, use: (session: Session) => Promise<T>): Promise<T> {
  return withStore(invocation, async (session) => {
    await registerFeeds(session.store.pool, FEEDS);
    return use(session);
  });
}

/** Whoever sits at the shell, for the audit log. */
export function actorAtShell(): Actor {
  return { name: shellUser(), via: 'cli' };
}
