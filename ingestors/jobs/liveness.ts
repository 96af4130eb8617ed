import pg from 'pg';
import { reachable } from '../../prisma/transaction.ts';
import { pause } from '../pause.ts';

export interface LivenessOptions {
  readonly times?: LivenessTimes | undefined;
  /** Whether the workers are those of ingestors, which do all there is to do, and not of a shell. */
  readonly ingestors?: boolean | undefined;
}

export interface LivenessTimes {
  /** The session is asked so often whether it is still there. */
  readonly beatMs: number;
  /** A server that is silent for this long is taken for lost. */
  readonly answerMsMax: number;
  /** The other way round: the server ends a session that asked nothing for this long, and others may have its jobs. */
  readonly silenceMsMax: number;
}

/** A process that lost its session knows it (6 s) well before the server gives its jobs to others (15 s). */
const TIMES: LivenessTimes = { beatMs: 1_000, answerMsMax: 5_000, silenceMsMax: 15_000 };

/**
 * Proof that workers live: one advisory lock each, of a database session that ends with the process, however that ends. The
 * queue itself knows only who took a job, and would wait for four hours for somebody who is dead.
 */
export class Liveness {
  readonly #client: pg.Client;
  readonly #lost = new AbortController();
  readonly #closed = new AbortController();

  private constructor(client: pg.Client) {
    this.#client = client;
    client.on('error', (error) => this.#lost.abort(error));
    client.on('end', () => this.#lost.abort(new Error('the connection ended')));
  }

  /** @throws where the store cannot be reached. */
  static async open(
    databaseUrl: string,
    { times = TIMES, ingestors = false }: LivenessOptions = {},
  ): Promise<Liveness> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'busbar workers',
      keepAlive: true,
      connectionTimeoutMillis: times.answerMsMax,
      query_timeout: times.answerMsMax,
    });
    const liveness = new Liveness(client);
    try {
      await client.connect();
      await client.query(`SET idle_session_timeout = ${times.silenceMsMax}`);
      if (ingestors) await client.query(`SELECT pg_advisory_lock_shared(${INGESTORS_LOCK})`);
    } catch (error) {
      liveness.#lose(error);
      throw error;
    }
    void liveness.#beat(times.beatMs);
    return liveness;
  }

  /** Aborted when the session is gone: from then on others take these workers for dead. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** @returns whether others can see now that these workers live; where not, the session is lost. */
  async vouchFor(workers: string): Promise<boolean> {
    try {
      await this.#client.query(`SELECT pg_advisory_lock(${livenessLock('$1')})`, [workers]);
      return true;
    } catch (error) {
      this.#lose(error);
      return false;
    }
  }

  /** Others may have what these workers still hold. */
  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.race([this.#client.end(), pause(CLOSE_MS_MAX, new AbortController().signal)]);
  }

  async #beat(everyMs: number): Promise<void> {
    while (!this.#closed.signal.aborted && !this.#lost.signal.aborted) {
      await pause(everyMs, this.#closed.signal);
      if (this.#closed.signal.aborted) return;
      await this.#client.query('SELECT').catch((error) => this.#lose(error));
    }
  }

  /** Ends the session without waiting for a server that may not answer. */
  #lose(reason: unknown): void {
    this.#lost.abort(reason);
    this.#client.end().catch(() => {});
  }
}

const CLOSE_MS_MAX = 2_000;

/** The lock that proves workers alive, as SQL. */
export function livenessLock(workers: string): string {
  return `hashtextextended('busbar workers ' || ${workers}, 0)`;
}

/** The lock that all processes share that are ingestors, as SQL. */
const INGESTORS_LOCK = `hashtextextended('busbar ingestors', 0)`;

/**
 * Whether ingestors live anywhere on this store, so that jobs are carried out and polls are made.
 * @throws BusbarError `UNAVAILABLE` where the store is away.
 */
export async function ingestorsLive(pool: pg.Pool): Promise<boolean> {
  const { rows } = await reachable(() =>
    pool.query<{ live: boolean }>({ name: 'ingestors-live', text: INGESTORS_LIVE }),
  );
  return rows[0]?.live ?? false;
}

/** Looked up, not tried: whoever tried the lock would for a moment be one who holds it, and another would take that for life. */
const INGESTORS_LIVE = `
  SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND ((classid::bigint << 32) | objid::bigint) = ${INGESTORS_LOCK}
  ) AS live`;
