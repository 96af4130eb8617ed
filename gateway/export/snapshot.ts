import type pg from 'pg';
import type { Row } from './columns.ts';

/** Rows of one page. Two are in memory at a time. */
export const PAGE_ROWS = 5_000;

/**
 * One state of the store, however long it is read from: a read-only transaction at REPEATABLE READ, on a connection of its
 * own.
 */
export interface Snapshot {
  /** The rows of a short statement; as of all, the cells are Postgres' own text. */
  read(text: string, values: readonly unknown[]): Promise<readonly Row[]>;
  /** The rows of a statement in pages, each read while the one before is worked on. */
  pages(text: string, values: readonly unknown[]): AsyncGenerator<readonly Row[]>;
  /** Cancels what is under way, and gives the connection back. Never throws; once is enough. */
  close(): Promise<void>;
}

/** Numbers and instants are not made here only to be written down again. */
const AS_TEXT = { getTypeParser: () => (text: string) => text };

/**
 * Opens a snapshot.
 *
 * Cursors are the server's (DECLARE, FETCH): the time limit of a statement then counts for a page and not for the reader's
 * pace, and a reader who takes nothing for a minute meets the limit of idle transactions.
 * @param pool has a connection to spare for cancelling.
 * @param onLost called where the connection breaks, also while nobody reads.
 */
export async function openSnapshot(pool: pg.Pool, onLost: (error: Error) => void): Promise<Snapshot> {
  const client = await pool.connect();
  const statements = new Statements(client);
  let lost: Error | undefined;
  const lose = (error: Error) => {
    lost = error;
    onLost(error);
  };
  client.on('error', lose);
  const release = (error?: Error) => {
    client.off('error', lose);
    client.release(error ?? lost);
  };
  let process: number | undefined;
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    process = rows[0]?.pid;
  } catch (error) {
    release(error instanceof Error ? error : undefined);
    throw error;
  }
  const close = async () => {
    try {
      if (statements.close() && !lost) await pool.query('SELECT pg_cancel_backend($1)', [process]);
      await statements.settled();
      await client.query('ROLLBACK');
      release();
    } catch (error) {
      release(error instanceof Error ? error : new Error(String(error)));
    }
  };
  let closed: Promise<void> | undefined;
  return {
    read: (text, values) => statements.ask(text, values),
    pages: (text, values) => statements.pages(text, values),
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** Those of one transaction. Once closed it asks no more: the connection may be somebody else's. */
class Statements {
  readonly #client: pg.PoolClient;
  readonly #pending = new Set<Promise<unknown>>();
  #cursors = 0;
  #closed = false;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  /** @returns whether statements are under way. */
  close(): boolean {
    this.#closed = true;
    return this.#pending.size > 0;
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  async *pages(text: string, values: readonly unknown[]): AsyncGenerator<readonly Row[]> {
    const name = `export_${++this.#cursors}`;
    // Travel together: most nodes of a day have one short page.
    const declared = this.ask(`DECLARE ${name} NO SCROLL CURSOR FOR ${text}`, values);
    const fetchPage = () => this.ask(`FETCH ${PAGE_ROWS} FROM ${name}`);
    let next: Promise<readonly Row[]> | undefined = fetchPage();
    await declared;
    while (next) {
      const page: readonly Row[] = await next;
      next = page.length < PAGE_ROWS ? undefined : fetchPage();
      if (page.length > 0) yield page;
    }
    await this.ask(`CLOSE ${name}`);
  }

  ask(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const asked = this.#closed ? Promise.reject(new Error('the snapshot is closed')) : this.#rowsOf(text, values);
    this.#pending.add(asked);
    // Whoever went on without it hears of the failure from the statement before.
    asked.catch(() => {}).finally(() => this.#pending.delete(asked));
    return asked;
  }

  async #rowsOf(text: string, values: readonly unknown[]): Promise<Row[]> {
    const query = { text, values: [...values], rowMode: 'array' as const, types: AS_TEXT };
    return (await this.#client.query<string[]>(query)).rows;
  }
}
