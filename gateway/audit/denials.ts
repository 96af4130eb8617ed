import type pg from 'pg';
import type { Logger } from 'pino';
import { type Actor, cut, noteDenied, noteRefused } from '../../prisma/operations/audit.ts';
import type { Metrics } from '../../runtime/metrics.ts';

/**
 * What was denied, or refused before it was begun, on its way into the audit log. Whoever is denied the same a thousand times a
 * second is one entry with a count: the log can be neither flooded nor made to wait for.
 */
export interface Denials {
  /** @param asked what it was for: names of fields, the path of an export; empty where there was no good credential. */
  note(actor: Actor, asked: readonly string[], reason: string): void;
  /** As `note`, of what is for whoever asks, and was too much at that moment. */
  noteRefusal(actor: Actor, action: string, asked: readonly string[], reason: string): void;
  /** Writes what is waiting. */
  close(): Promise<void>;
}

const ACCESS = 'access';
const FLUSH_MS = 1_000;
/** Different ones between two writes; beyond, all others of an address are one. */
const KINDS_MAX = 200;

interface Denied {
  /** `access`, where it was denied. */
  readonly action: string;
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
    for (const { action, actor, asked, reason, times } of all) {
      const noting = action === ACCESS ? noteDenied : noteRefused;
      await noting(pool, { actor, action, input: { asked, times } }, reason).catch((err: unknown) =>
        // The log on standard output is the second place that has it.
        log.warn({ err, action, actor, asked, reason, times }, 'denied access could not be noted'),
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

  const count = (action: string, actor: Actor, asked: readonly string[], reason: string) => {
    const denied =
      waiting.size < KINDS_MAX
        ? { action, actor, asked: asked.map((each) => cut(each)), reason: cut(reason) }
        : lumped(action, actor);
    const key = JSON.stringify(denied);
    const known = waiting.get(key);
    if (known) known.times++;
    else waiting.set(key, { ...denied, times: 1 });
    timer ??= setTimeout(() => void flush(), flushMs);
  };

  return {
    note(actor, asked, reason) {
      metrics.denials.inc({ via: actor.via });
      count(ACCESS, actor, asked, reason);
    },
    noteRefusal: (actor, action, asked, reason) => count(action, actor, asked, reason),
    close: flush,
  };
}

function lumped(action: string, { via, address }: Actor): Omit<Denied, 'times'> {
  return {
    action,
    actor: { name: 'various', via, ...(address !== undefined && { address }) },
    asked: [],
    reason: 'various',
  };
}
