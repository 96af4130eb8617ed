import type pg from 'pg';
import type { Logger } from 'pino';
import { type Actor, cut, noteDenied } from '../../prisma/operations/audit.ts';
import type { Metrics } from '../../runtime/metrics.ts';

/**
 * What was denied, on its way into the audit log. Whoever is denied the same a thousand times a second is one entry with a count:
 * the log can be neither flooded nor made to wait for.
 */
export interface Denials {
  /** @param asked what it was for: names of fields, the path of an export; empty where there was no good credential. */
  note(actor: Actor, asked: readonly string[], reason: string): void;
  /** Writes what is waiting. */
  close(): Promise<void>;
}

const FLUSH_MS = 1_000;
/** Different ones between two writes; beyond, all others of an address are one. */
const KINDS_MAX = 200;

interface Denied {
  readonly actor: Actor;
  readonly asked: readonly string[];
  readonly reason: string;
  times: number;
}

export function createDenials({
  pool,
  log,
  metrics,
  flushMs = FLUSH_MS,
}: {
  pool: pg.Pool;
  log: Logger;
  metrics: Pick<Metrics, 'denials'>;
  flushMs?: number;
}): Denials {
  let waiting = new Map<string, Denied>();
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();

  const write = async (all: Iterable<Denied>) => {
    for (const { actor, asked, reason, times } of all) {
      await noteDenied(pool, { actor, action: 'access', input: { asked, times } }, reason).catch((err: unknown) =>
        // The log on standard output is the second place that has it.
        log.warn({ err, actor, asked, reason, times }, 'denied access could not be noted'),
      );
    }
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const all = waiting.values();
    waiting = new Map();
    writing = writing.then(() => write(all));
    return writing;
  };

  return {
    note(actor, asked, reason) {
      metrics.denials.inc({ via: actor.via });
      const denied =
        waiting.size < KINDS_MAX
          ? { actor, asked: asked.map((each) => cut(each)), reason: cut(reason) }
          : lumped(actor);
      const key = JSON.stringify(denied);
      const known = waiting.get(key);
      if (known) known.times++;
      else waiting.set(key, { ...denied, times: 1 });
      timer ??= setTimeout(() => void flush(), flushMs);
    },
    close: flush,
  };
}

function lumped({ via, address }: Actor): Omit<Denied, 'times'> {
  return { actor: { name: 'various', via, ...(address !== undefined && { address }) }, asked: [], reason: 'various' };
}
