import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createClient } from 'redis';
import { BusbarError, messageOf } from '../../domain/errors.ts';
import { announceScript } from './redis-announce.ts';
import { beginAnewScript } from './redis-begin-anew.ts';

const RETRY_MS_MAX = 2_000;

/**
 * One connection to Redis that never lets a caller wait longer than it said.
 *
 * The client's own reconnecting and offline queue are off: they would hold an announcement for as long as Redis is
 * away. Instead a connection that failed in any way, or missed a deadline (a Redis that is paused or half open gives no
 * other sign), is thrown away, and the next call makes a new one. A call on a dead Redis therefore fails at once or
 * within its deadline, and who wants to try again decides when.
 */
export class RedisLink {
  readonly #url: string;
  readonly #log: Logger;
  readonly #greet: (client: RedisClient) => Promise<unknown>;
  #connection: Connection | undefined;
  #closed = false;

  /** @param greet done first over each new connection. */
  constructor(url: string, log: Logger, greet: (client: RedisClient) => Promise<unknown> = async () => undefined) {
    this.#url = url;
    this.#log = log;
    this.#greet = greet;
  }

  /**
   * @param msMax how long to wait for connection and answer together.
   * @throws BusbarError `UNAVAILABLE`; whether Redis has done the work is then unknown. The signal's reason on abort.
   */
  async run<T>(work: (client: RedisClient) => Promise<T>, msMax: number, signal?: AbortSignal): Promise<T> {
    if (this.#closed) throw new BusbarError('UNAVAILABLE', 'the live bus is closed');
    const connection = this.#connection ?? this.#open(msMax);
    this.#connection = connection;
    try {
      return await bounded(connection.ready.then(work), msMax, signal);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      this.#drop(connection, error);
      throw new BusbarError('UNAVAILABLE', 'the live bus cannot be reached', { cause: error });
    }
  }

  close(): void {
    this.#closed = true;
    this.#connection?.client.destroy();
    this.#connection = undefined;
  }

  #open(connectTimeout: number): Connection {
    const client = newClient(this.#url, connectTimeout);
    const ready = client.connect().then(async () => {
      await this.#greet(client);
      return client;
    });
    const connection = { client, ready };
    // Without a listener a lost connection would end the process. A call in flight fails with the same error.
    client.on('error', (error) => this.#drop(connection, error));
    return connection;
  }

  #drop(connection: Connection, error: unknown): void {
    connection.client.destroy();
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#log.warn({ reason: messageOf(error) }, 'redis connection lost');
  }
}

/** Waits before try number `failures + 2`: from 50 ms doubling to two seconds, with jitter; less where the signal aborts. */
export async function pause(failures: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(50 * 2 ** failures, RETRY_MS_MAX) * (0.5 + Math.random() / 2);
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

export type RedisClient = ReturnType<typeof newClient>;

interface Connection {
  readonly client: RedisClient;
  readonly ready: Promise<RedisClient>;
}

function newClient(url: string, connectTimeout: number) {
  return createClient({
    url,
    scripts: { announce: announceScript, beginAnew: beginAnewScript },
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    // The deadline of `run` covers what the client's own timeout does not: a command that was already sent.
    commandOptions: { timeout: 0 },
    socket: { reconnectStrategy: false, connectTimeout },
  });
}

function bounded<T>(work: Promise<T>, msMax: number, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => settle(() => reject(signal?.reason));
    const tooLate = () => settle(() => reject(new Error(`no answer within ${msMax} ms`)));
    // After a stall of this process timers run before sockets are read: an answer that has come is still an answer.
    const timer = setTimeout(() => setImmediate(tooLate), msMax);
    const settle = (report: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      report();
    };
    signal?.addEventListener('abort', onAbort);
    work.then(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
  });
}
