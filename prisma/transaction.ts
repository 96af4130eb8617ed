import pg from 'pg';
import { BusbarError, messageOf } from '../domain/errors.ts';
import type { Queryable } from './queryable.ts';

/** SQLSTATE classes that say the server is away, full, shutting down or lost a race: another try can succeed. */
const PASSING_CLASSES = new Set(['08', '40', '53', '55', '57', '58']);
/** Data exception: a value that Postgres cannot hold, for instance a NUL character in a header. */
const BAD_DATA_CLASS = '22';

/**
 * Runs `work` in one transaction on a connection of its own. Statements that it issues together travel together.
 * @throws BusbarError as `reachable` does. Where COMMIT itself failed, the work may or may not be there.
 */
export function inTransaction<T>(pool: pg.Pool, work: (transaction: Queryable) => Promise<T>): Promise<T> {
  return inTransactionOpenedBy(pool, async () => undefined, work);
}

/**
 * As `inTransaction`, with statements that travel with BEGIN.
 * @param opening what does no harm by itself: what leaves behind a BEGIN that was cancelled is committed by itself.
 */
export async function inTransactionOpenedBy<Opened, T>(
  pool: pg.Pool,
  opening: (transaction: Queryable) => Promise<Opened>,
  work: (transaction: Queryable, opened: Opened) => Promise<T>,
): Promise<T> {
  return reachable(async () => {
    const client = await pool.connect();
    const transaction = new Transaction(client);
    let broken: Error | undefined;
    try {
      // Nothing else leaves before BEGIN was answered.
      const [, opened] = await Promise.all([transaction.query('BEGIN'), opening(transaction)]);
      const result = await work(transaction, opened);
      transaction.end();
      const { command } = await client.query('COMMIT');
      // The server's answer to COMMIT where a statement failed whose failure nobody met.
      if (command !== 'COMMIT') throw new TypeError('a statement of the transaction failed, and was not waited for');
      return result;
    } catch (error) {
      transaction.end();
      // A connection that did not answer is dropped, which takes the transaction back too: it would not answer this either.
      if (isUnanswered(error)) broken = error;
      else
        await client.query('ROLLBACK').catch((failure: Error) => {
          broken = failure;
        });
      throw error;
    } finally {
      client.release(broken);
    }
  });
}

/** How the server refuses whatever comes behind a statement that failed. */
const TRANSACTION_FAILED = '25P02';

/**
 * Of statements issued together one may fail while what follows another is still to come: that must not run by itself. What comes
 * behind one that failed fails as that did, so that it does not matter which of them is met first.
 */
class Transaction implements Queryable {
  readonly query: pg.ClientBase['query'];
  #over = false;
  #failure: unknown;

  constructor(client: pg.PoolClient) {
    const { stream } = client.connection;
    const query = (...statement: Parameters<pg.ClientBase['query']>) => {
      if (this.#over) return Promise.reject(new TypeError('the transaction is over'));
      stream.cork();
      process.nextTick(() => stream.uncork());
      const answer = client.query(...statement) as unknown as Promise<unknown>;
      return answer.catch((error) => this.#fail(error));
    };
    this.query = query as pg.ClientBase['query'];
  }

  #fail(error: unknown): never {
    const followed = error instanceof pg.DatabaseError && error.code === TRANSACTION_FAILED;
    if (!followed) this.#failure = error;
    throw this.#failure ?? error;
  }

  end(): void {
    this.#over = true;
  }
}

function isUnanswered(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof pg.DatabaseError) && !isOurs(error);
}

/** Made here, before anything was sent: trying again would find the same. */
function isOurs(error: unknown): boolean {
  return error instanceof BusbarError || error instanceof RangeError || error instanceof TypeError;
}

/**
 * @throws BusbarError `UNAVAILABLE` where the database is away, `BAD_USER_INPUT` for a value it cannot hold; the
 *   database's own error for anything else, which is a mistake of ours.
 */
export async function reachable<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (cause) {
    if (isOurs(cause)) throw cause;
    const sqlState = cause instanceof pg.DatabaseError ? cause.code : undefined;
    if (sqlState?.startsWith(BAD_DATA_CLASS)) throw new BusbarError('BAD_USER_INPUT', messageOf(cause), { cause });
    if (sqlState !== undefined && !isPassing(sqlState)) throw cause;
    throw new BusbarError('UNAVAILABLE', `the store is not available: ${messageOf(cause)}`, { cause });
  }
}

/** Whether another try of what the server refused by this SQLSTATE can succeed. */
export function isPassing(sqlState: string): boolean {
  return PASSING_CLASSES.has(sqlState.slice(0, 2));
}
