import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import type { Queryable } from './queryable.ts';
import { inTransaction, inTransactionOpenedBy } from './transaction.ts';

describe('statements of a transaction', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await freshDatabase();
    await db.pool.query('CREATE TABLE noted (word text PRIMARY KEY)');
  });
  afterAll(() => db.drop());

  const note = (transaction: Queryable, word: string) => transaction.query('INSERT INTO noted VALUES ($1)', [word]);
  const noted = async () => (await db.pool.query('SELECT word FROM noted ORDER BY word')).rows.map(({ word }) => word);

  it('are executed in the order they were issued, although nobody waited between them', async () => {
    const words = await inTransaction(db.pool, async (transaction) => {
      const [, , counted] = await Promise.all([
        note(transaction, 'one'),
        note(transaction, 'two'),
        transaction.query('SELECT word FROM noted ORDER BY word'),
      ]);
      return counted.rows.map(({ word }) => word);
    });
    expect(words).toEqual(['one', 'two']);
  });

  it('are taken back together where one of those issued together fails', async () => {
    const failing = inTransaction(db.pool, (transaction) =>
      Promise.all([note(transaction, 'three'), note(transaction, 'one'), note(transaction, 'four')]),
    );
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect(await noted()).toEqual(['one', 'two']);
  });

  it('fail all as the first did, whichever is met first', async () => {
    const codeOf = (error: { code?: string }) => error.code;
    const codes: unknown[] = [];
    const failing = inTransaction(db.pool, async (transaction) => {
      const first = note(transaction, 'one');
      first.catch(() => {});
      codes.push(await note(transaction, 'three').catch(codeOf), await note(transaction, 'four').catch(codeOf));
      await transaction.query('ROLLBACK TO SAVEPOINT none').catch(codeOf);
      await first;
    });
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect(codes).toEqual(['23505', '23505']);
    expect(await noted()).toEqual(['one', 'two']);
  });

  it('fail anew behind a savepoint that was rolled back to', async () => {
    const codes = await inTransaction(db.pool, async (transaction) => {
      const failed: unknown[] = [];
      for (const statement of ["INSERT INTO noted VALUES ('one')", 'SELECT 1 / 0']) {
        await transaction.query('SAVEPOINT trial');
        const [first, second] = await Promise.allSettled([transaction.query(statement), transaction.query('SELECT 1')]);
        for (const each of [first, second]) failed.push(each.status === 'rejected' && each.reason.code);
        await transaction.query('ROLLBACK TO SAVEPOINT trial');
      }
      return failed;
    });
    expect(codes).toEqual(['23505', '23505', '22012', '22012']);
  });

  it('are refused once it is over, so that none runs by itself', async () => {
    let later: Promise<unknown> = Promise.resolve();
    const failing = inTransaction(db.pool, async (transaction) => {
      // A step after another, which is not waited for by whoever fails first.
      later = note(transaction, 'five').then(async () => {
        await db.pool.query('SELECT pg_sleep(0.2)');
        await note(transaction, 'six');
      });
      later.catch(() => {});
      throw new RangeError('given up');
    });
    await expect(failing).rejects.toThrow('given up');
    await expect(later).rejects.toThrow('the transaction is over');
    expect(await noted()).toEqual(['one', 'two']);
  });

  it('are not executed where it could not begin', async () => {
    const client = await db.pool.connect();
    const query = client.query;
    // As a cancel from elsewhere leaves it: BEGIN fails, the connection goes on.
    client.query = ((text: unknown, ...rest: unknown[]) =>
      Reflect.apply(query, client, [text === 'BEGIN' ? 'BEGIN nothing' : text, ...rest])) as typeof query;
    const pool = { connect: async () => client } as unknown as typeof db.pool;
    let worked = false;
    const failing = inTransactionOpenedBy(
      pool,
      (transaction) => transaction.query('SELECT 7'),
      async (transaction) => {
        worked = true;
        await note(transaction, 'seven');
      },
    );
    await expect(failing).rejects.toMatchObject({ code: '42601' });
    client.query = query;
    expect(worked).toBe(false);
    expect(await noted()).toEqual(['one', 'two']);
  });

  it('may open it, and give the work what they were answered', async () => {
    const locked = await inTransactionOpenedBy(
      db.pool,
      async (transaction) => (await transaction.query("SELECT word FROM noted WHERE word = 'two' FOR UPDATE")).rows,
      async (transaction, rows) => {
        const rival = db.pool.query("SELECT FROM noted WHERE word = 'two' FOR UPDATE NOWAIT");
        await expect(rival).rejects.toMatchObject({ code: '55P03' });
        await transaction.query('SELECT 1');
        return rows;
      },
    );
    expect(locked).toEqual([{ word: 'two' }]);
  });

  it('whose failure nobody met fail it at its end', async () => {
    const failing = inTransaction(db.pool, async (transaction) => {
      note(transaction, 'one').catch(() => {});
      return 'done';
    });
    await expect(failing).rejects.toThrow('was not waited for');
    expect(await noted()).toEqual(['one', 'two']);
  });
});
