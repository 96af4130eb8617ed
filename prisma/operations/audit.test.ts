import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import type { Queryable } from '../queryable.ts';
import { audited, auditedChange, auditedWork, noteFailure } from './audit.ts';
import { requestBackfill } from './jobs.ts';

const ASKED = {
  actor: { name: 'alice', via: 'cli' },
  action: 'backfill',
  input: { feed: 'caiso-lmp', from: '2024-07-04T07:00:00.000Z', nodes: ['CAISO:TH_NP15_GEN-APND'] },
} as const;

let db: TestDatabase;
beforeEach(async () => {
  db = await freshDatabase();
  await db.pool.query(`INSERT INTO feed (id, title, kind) VALUES ('caiso-lmp', 'CAISO', 'poll')`);
});
afterEach(() => db.drop());

/** A change that can be seen. */
async function retitle(client: Queryable): Promise<{ feeds: number | null }> {
  const { rowCount } = await client.query(`UPDATE feed SET title = 'changed'`);
  return { feeds: rowCount };
}

async function title(): Promise<string | undefined> {
  const { rows } = await db.pool.query<{ title: string }>('SELECT title FROM feed');
  return rows[0]?.title;
}

async function log() {
  const { rows } = await db.pool.query(
    'SELECT actor, via, action, input, outcome, error, job_id AS "jobId" FROM audit_entry ORDER BY id',
  );
  return rows;
}

const entry = (outcome: string, error: string | null = null) => ({
  actor: 'alice',
  via: 'cli',
  action: 'backfill',
  input: ASKED.input,
  outcome,
  error,
  jobId: null,
});

describe('an audited change', () => {
  it('is in the log as DONE, with who, how, what, and when', async () => {
    expect(await audited(db.pool, ASKED, retitle)).toEqual({ feeds: 1 });
    expect(await title()).toBe('changed');
    expect(await log()).toEqual([entry('DONE')]);
    const { rows } = await db.pool.query(`SELECT now() - at < INTERVAL '1 minute' AS recent FROM audit_entry`);
    expect(rows).toEqual([{ recent: true }]);
  });

  it('is in the log with the job that it made', async () => {
    const windows = [{ from: 0, to: 1 }];
    const { jobId } = await audited(db.pool, ASKED, async (client) => ({
      jobId: await requestBackfill(client, { feed: 'caiso-lmp', windows, by: 'alice' }),
    }));
    expect(await log()).toEqual([{ ...entry('DONE'), jobId }]);
  });

  it('that is refused is undone and in the log as REFUSED, and its error goes on', async () => {
    const error = new BusbarError('BAD_USER_INPUT', 'the range is empty');
    const change = audited(db.pool, ASKED, async (client) => {
      await retitle(client);
      throw error;
    });
    await expect(change).rejects.toBe(error);
    expect(await title()).toBe('CAISO');
    expect(await log()).toEqual([entry('REFUSED', 'the range is empty')]);
  });

  it.each([
    ['a mistake of ours', new TypeError('no such column')],
    ['a store that goes away', new BusbarError('UNAVAILABLE', 'the store is not available')],
    ['an error that is not shown to clients', new BusbarError('MALFORMED', 'not the format')],
  ])('that fails is undone and in the log as FAILED: %s', async (_, error) => {
    const change = audited(db.pool, ASKED, async (client) => {
      await retitle(client);
      throw error;
    });
    await expect(change).rejects.toThrow(error.message);
    expect(await title()).toBe('CAISO');
    expect(await log()).toEqual([entry('FAILED', expect.stringContaining(error.message))]);
  });

  it('that cannot be written into the log does not happen', async () => {
    await db.pool.query(`ALTER TABLE audit_entry ADD CHECK (outcome <> 'DONE')`);
    await expect(audited(db.pool, ASKED, retitle)).rejects.toThrow('audit_entry');
    expect(await title()).toBe('CAISO');
    expect(await log()).toMatchObject([{ outcome: 'FAILED' }]);
  });

  it('is in the log though it was asked for with text that Postgres cannot hold', async () => {
    const asked = {
      ...ASKED,
      actor: { name: 'al\0ice', via: 'graphql' },
      input: { feed: 'a\0b', nodes: ['\ud800'] },
    } as const;
    const refused = audited(db.pool, asked, async () => {
      throw new BusbarError('NOT_FOUND', 'there is no feed "a\0b"');
    });
    await expect(refused).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await audited(db.pool, asked, retitle);
    const said = { actor: 'al\u2400ice', via: 'graphql', input: { feed: 'a\u2400b', nodes: ['\ufffd'] } };
    expect(await log()).toMatchObject([
      { ...said, outcome: 'REFUSED', error: 'there is no feed "a\u2400b"' },
      { ...said, outcome: 'DONE' },
    ]);
  });

  it('that does not survive its commit is not in the log as DONE', async () => {
    await db.pool.query(
      `CREATE CONSTRAINT TRIGGER fail_at_commit AFTER UPDATE ON feed DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW EXECUTE FUNCTION audit_entry_is_final()`,
    );
    await expect(audited(db.pool, ASKED, retitle)).rejects.toThrow('append-only');
    expect(await title()).toBe('CAISO');
    expect(await log()).toMatchObject([{ outcome: 'FAILED' }]);
  });

  it('that is refused is so with its own error, though it could not be noted', async () => {
    await db.pool.query(`ALTER TABLE audit_entry ADD CHECK (outcome = 'DONE')`);
    const error = new BusbarError('NOT_FOUND', 'there is no job 99');
    const refused = audited(db.pool, ASKED, async () => {
      throw error;
    });
    await expect(refused).rejects.toBe(error);
  });
});

describe('an audited work that commits by itself', () => {
  it('is in the log as BEGUN before it starts, and as DONE after', async () => {
    const seen = await auditedWork(db.pool, ASKED, log);
    expect(seen).toEqual([entry('BEGUN')]);
    expect(await log()).toEqual([entry('BEGUN'), entry('DONE')]);
  });

  it.each([
    ['REFUSED', new BusbarError('NOT_FOUND', 'cannot read the file')],
    ['FAILED', new BusbarError('UNAVAILABLE', 'the store is not available')],
  ])('is in the log as BEGUN and %s where it did not succeed, and its error goes on', async (outcome, error) => {
    const work = auditedWork(db.pool, ASKED, () => Promise.reject(error));
    await expect(work).rejects.toBe(error);
    expect(await log()).toEqual([entry('BEGUN'), entry(outcome, error.message)]);
  });

  it('does not begin where that cannot be written into the log', async () => {
    await db.pool.query(`ALTER TABLE audit_entry ADD CHECK (outcome <> 'BEGUN')`);
    let begun = false;
    const work = auditedWork(db.pool, ASKED, async () => {
      begun = true;
    });
    await expect(work).rejects.toThrow('audit_entry');
    expect(begun).toBe(false);
  });
});

describe('a change whose failure is noted by the caller', () => {
  it('is in the log once, with all of what was done', async () => {
    const ids = Array.from({ length: 1_000 }, (_, id) => id);
    const asked = { ...ASKED, input: { ids } };
    await auditedChange(db.pool, asked, retitle);
    const refused = auditedChange(db.pool, asked, async () => {
      throw new BusbarError('NOT_FOUND', 'there is none');
    });
    await expect(refused).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await log()).toEqual([{ ...entry('DONE'), input: { ids } }]);
  });

  it('is noted in short where it was refused', async () => {
    const input = { ids: Array.from({ length: 1_000 }, (_, id) => id), reason: 'x'.repeat(5_000) };
    await noteFailure(db.pool, { ...ASKED, input }, new BusbarError('LIMIT_EXCEEDED', 'y'.repeat(5_000)));
    const short = { ids: [...input.ids.slice(0, 100), '… and 900 more'], reason: `${'x'.repeat(2_000)}…` };
    expect(await log()).toEqual([{ ...entry('REFUSED', `${'y'.repeat(2_000)}…`), input: short }]);
  });

  it('is noted in short where it failed, too', async () => {
    const failure = new BusbarError('UNAVAILABLE', 'y'.repeat(5_000));
    await noteFailure(db.pool, { ...ASKED, input: { query: 'x'.repeat(5_000) } }, failure);
    expect(await log()).toEqual([
      { ...entry('FAILED', `${'y'.repeat(2_000)}…`), input: { query: `${'x'.repeat(2_000)}…` } },
    ]);
  });

  it('is noted in short also where many of its texts are long', async () => {
    const ids = Array.from({ length: 100 }, (_, id) => `${id}`.padEnd(2_900, 'x'));
    const input = { name: 'desk', markets: ids, feeds: ids, accounts: ids };
    await noteFailure(db.pool, { ...ASKED, input }, new BusbarError('LIMIT_EXCEEDED', 'too much'));
    const noted = (await log())[0]?.input;
    expect(noted).toMatchObject({ name: 'desk', markets: expect.arrayContaining([expect.stringMatching(/^0x+…$/)]) });
    expect(JSON.stringify(noted).length).toBeLessThan(10_000);
  });
});

describe('the audit log', () => {
  it.each([
    [`UPDATE audit_entry SET actor = 'mallory'`],
    ['DELETE FROM audit_entry'],
    ['TRUNCATE audit_entry'],
    ['TRUNCATE audit_entry, job CASCADE'],
    [
      `INSERT INTO audit_entry (id, actor, via, action, input, outcome) SELECT id, 'mallory', via, action, input, outcome
      FROM audit_entry ON CONFLICT (id) DO UPDATE SET actor = excluded.actor`,
    ],
  ])('refuses %s', async (statement) => {
    await audited(db.pool, ASKED, retitle);
    await expect(db.pool.query(statement)).rejects.toMatchObject({
      code: '23000',
      message: 'the audit log is append-only',
    });
    expect(await log()).toEqual([entry('DONE')]);
  });
});
