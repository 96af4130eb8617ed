import type { Logger } from 'pino';
import type { Queryable } from '../../prisma/queryable.ts';

const EVERY_MS = 60_000;

/** When each key was used last, written once a minute for all of them. */
export interface KeyUses {
  note(prefix: string): void;
  /** Writes what is left. Never throws: it is for people, and not worth a failed stop. */
  close(): Promise<void>;
}

export function createKeyUses(options: {
  readonly db: Queryable;
  readonly log: Logger;
  /** Milliseconds since the epoch, UTC. */
  readonly clock: () => number;
  readonly everyMs?: number;
}): KeyUses {
  const { db, log, clock, everyMs = EVERY_MS } = options;
  let uses = new Map<string, number>();

  const write = async () => {
    if (uses.size === 0) return;
    const written = uses;
    uses = new Map();
    await writeUses(db, written).catch((err) => {
      log.warn({ err }, 'it was not noted when API keys were used');
      // For the next time; what was used again meanwhile is newer.
      uses = new Map([...written, ...uses]);
    });
  };
  const timer = setInterval(() => void write(), everyMs);
  timer.unref();

  return {
    note: (prefix) => uses.set(prefix, clock()),
    async close() {
      clearInterval(timer);
      await write();
    },
  };
}

async function writeUses(db: Queryable, uses: ReadonlyMap<string, number>): Promise<void> {
  await db.query(
    `UPDATE api_key AS k SET last_used_at = greatest(k.last_used_at, u.at)
     FROM unnest($1::text[], $2::timestamptz[]) AS u(prefix, at) WHERE k.prefix = u.prefix`,
    [[...uses.keys()], [...uses.values()].map((at) => new Date(at))],
  );
}
