import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { messageOf } from '../../../domain/errors.ts';
import { announced, CHANNEL } from './notification.ts';

/** A member asks something every second; a server that is silent for this long is taken for lost. */
const ANSWER_MS_MAX = 10_000;
/** The other way round: the server ends a session that asked nothing for this long, and its locks are free again. */
const SILENCE_MS_MAX = 30_000;

export interface SessionOptions {
  readonly connectionString: string;
  /** Shown in `pg_stat_activity`. */
  readonly name: string;
  readonly onAppend: (topic: string, partitions: readonly number[]) => void;
}

/**
 * The connection that owns a member's partitions: by advisory locks of its Postgres session, which end with it, however
 * the member ends. It needs a server of its own, not a pooler that hands sessions around.
 */
export class LockSession {
  readonly #client: pg.Client;
  readonly #lost = new AbortController();

  private constructor(client: pg.Client) {
    this.#client = client;
    client.on('error', (error) => this.#lost.abort(error));
    client.on('end', () => this.#lost.abort(new Error('the connection ended')));
  }

  /** @throws where the server cannot be reached. */
  static async open({ connectionString, name, onAppend }: SessionOptions): Promise<LockSession> {
    const client = new pg.Client({
      connectionString,
      application_name: name,
      keepAlive: true,
      connectionTimeoutMillis: ANSWER_MS_MAX,
      query_timeout: ANSWER_MS_MAX,
    });
    const session = new LockSession(client);
    client.on('notification', ({ payload }) => {
      const { topic, partitions } = announced(payload ?? '');
      onAppend(topic, partitions);
    });
    try {
      await client.connect();
      await client.query(`SET idle_session_timeout = ${SILENCE_MS_MAX}; LISTEN ${CHANNEL}`);
    } catch (error) {
      session.drop();
      throw error;
    }
    return session;
  }

  /** Aborted when the connection is gone, and every lock with it. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Takes those locks that nobody holds; with none asked for, it still proves that the session lives. A session may
   * lock twice what it holds, so ask only for what it does not.
   * @returns the keys that are now held. @throws where the session is lost.
   */
  async tryLock(keys: readonly string[]): Promise<string[]> {
    const { rows } = await this.#client.query<{ key: string }>(
      'SELECT key::text FROM unnest($1::bigint[]) AS key WHERE pg_try_advisory_lock(key)',
      [keys],
    );
    return rows.map(({ key }) => key);
  }

  /** @throws where the session is lost. */
  async unlock(key: string): Promise<void> {
    await this.#client.query('SELECT pg_advisory_unlock($1)', [key]);
  }

  /** Ends the session; its locks are free as soon as the server has noticed. */
  async close(): Promise<void> {
    await Promise.race([this.#client.end(), sleep(ANSWER_MS_MAX, undefined, { ref: false })]);
  }

  /** Ends the session without waiting for a server that may not answer. */
  drop(): void {
    this.#client.end().catch((error) => this.#lost.abort(new Error(messageOf(error))));
  }
}

/** 64 bits as a decimal, negative ones too: wide enough that no two partitions of a database share a lock. */
export function lockKey(group: string, topic: string, partition: number): string {
  const hash = createHash('sha256')
    .update(JSON.stringify(['busbar_log', group, topic, partition]))
    .digest();
  return hash.readBigInt64BE().toString();
}
