import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Channel, Channels, LiveBus, LiveEntry } from '../../runtime/live-bus/live-bus.ts';

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;

/**
 * The one reader a channel has in this process.
 *
 * States: starting → live ⇄ down → closed. It follows the bus from the end on, whether anybody subscribes or not: only
 * so does a subscription begin at the very moment it is made. When the bus gives up, whoever listens is told, and the
 * reader begins again at the then end; what was announced meanwhile is reached with a cursor.
 */
export interface Upstream {
  readonly state: 'starting' | 'live' | 'down' | 'closed';
  /** Resolves once it has been live. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

export interface UpstreamListener<Event> {
  /** It stands, right behind this id. */
  live(head: string): void;
  entries(entries: readonly LiveEntry<Event>[]): void;
  down(error: unknown): void;
}

export function followUpstream<C extends Channel>(
  bus: LiveBus,
  channel: C,
  listener: UpstreamListener<Channels[C]>,
  log: Logger,
): Upstream {
  const closed = new AbortController();
  let state: Upstream['state'] = 'starting';
  let becameLive: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    becameLive = resolve;
  });

  const follow = async () => {
    const head = await bus.tail(channel);
    if (closed.signal.aborted) return;
    state = 'live';
    listener.live(head);
    becameLive();
    for await (const entries of bus.read(channel, head, closed.signal)) listener.entries(entries);
    if (!closed.signal.aborted) throw new Error('the live bus ended its stream');
  };

  const run = async () => {
    for (let failures = 0; !closed.signal.aborted; failures++) {
      try {
        await follow();
      } catch (error) {
        if (closed.signal.aborted) return;
        if (state === 'live') failures = 0;
        state = 'down';
        log.warn({ channel, failures, err: error }, 'live bus lost');
        listener.down(error);
        await delay(retryMs(failures), undefined, { signal: closed.signal }).catch(() => undefined);
      }
    }
  };

  const running = run();
  return {
    get state() {
      return closed.signal.aborted ? 'closed' : state;
    },
    ready,
    async close() {
      closed.abort();
      await running;
    },
  };
}

/** Doubling, bounded, between half and the whole of it by chance, so that gateways do not return all at once. */
export function retryMs(failures: number): number {
  return Math.min(RETRY_MS_MIN * 2 ** failures, RETRY_MS_MAX) * (0.5 + Math.random() / 2);
}
