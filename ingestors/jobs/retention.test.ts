import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../domain/instant.ts';
import { createJobBench } from '../../tests/support/job-bench.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { createRetentionTask } from './retention.ts';

const NOW = Date.UTC(2026, 5, 1);

describe('retention', () => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await freshDatabase();
  });
  afterEach(() => db.drop());

  const retain = (rawDays = 90, ledgerDays = 90) =>
    createRetentionTask({
      pool: db.pool,
      core: { RAW_PAYLOAD_DAYS: rawDays, LEDGER_DAYS: ledgerDays, API_HEALTH_DAYS: 30, AUDIT_DAYS: 400 },
      log: pino({ level: 'silent' }),
      clock: () => NOW,
    })({}, { signal: new AbortController().signal, tries: 1 });
  const ago = (days: number) => new Date(NOW - days * DAY_MS);

  const insertPayloads = (count: number, daysAgo: number) =>
    db.pool.query(
      `INSERT INTO raw_payload (feed_id, checksum, name, encoding, bytes, received_at)
       SELECT 'f', decode(md5($2::timestamptz::text || n), 'hex'), 'n', 'identity', '', $2::timestamptz FROM generate_series(1, $1) AS n`,
      [count, ago(daysAgo)],
    );
  const insertEntries = async (count: number, daysAgo: number, job: number | null = null, state = 'COMPLETED') =>
    (
      await db.pool.query<{ id: number }>(
        `INSERT INTO ledger_entry (feed_id, partition, kind, state, finished_at, job_id)
         SELECT 'f', '0', 'BATCH', $3::ledger_state, $2, $4 FROM generate_series(1, $1) RETURNING id`,
        [count, state === 'PENDING' ? null : ago(daysAgo), state, job],
      )
    ).rows.map(({ id }) => id);
  const insertJob = async (daysAgo: number, state: string) =>
    (
      await db.pool.query<{ id: number }>(
        `INSERT INTO job (kind, state, feed_id, input, requested_by, finished_at)
         VALUES ('BACKFILL', $2::job_state, 'f', '{}', 'test', $1) RETURNING id`,
        [state === 'RUNNING' ? null : ago(daysAgo), state],
      )
    ).rows[0]?.id ?? 0;
  const insertLetter = (entry: number | undefined, state: string) =>
    db.pool.query(
      `INSERT INTO dead_letter (feed_id, partition, ledger_id, code, reason, raw, state, received_at)
       VALUES ('f', '0', $1, 'NOT_JSON', 'r', '', $2::dead_letter_state, now())`,
      [entry, state],
    );
  const count = async (table: string) =>
    (await db.pool.query<{ count: number }>(`SELECT count(*)::int FROM ${table}`)).rows[0]?.count;
  const ids = async (table: string) =>
    (await db.pool.query<{ id: number }>(`SELECT id FROM ${table} ORDER BY id`)).rows.map(({ id }) => id);

  it('drops what was answered longer ago than it is to be kept, however much it is', async () => {
    await insertPayloads(250, 91);
    await insertPayloads(3, 89);
    await retain();
    expect(await count('raw_payload')).toBe(3);
  });

  it('keeps no answer where none is to be kept', async () => {
    await insertPayloads(3, 1);
    await retain(0);
    expect(await count('raw_payload')).toBe(0);
  });

  it('drops entries that ended longer ago than they are to be kept, page by page', async () => {
    await insertEntries(4_500, 91);
    const young = await insertEntries(2, 89);
    await retain();
    expect(await ids('ledger_entry')).toEqual(young);
  });

  it('finds old entries behind many that have not ended', async () => {
    const job = await insertJob(0, 'RUNNING');
    await insertEntries(2_500, 0, job, 'PENDING');
    await insertEntries(2, 91);
    await retain();
    expect(await count('ledger_entry')).toBe(2_500);
  });

  it('keeps entries that an open dead letter comes from; one that was dealt with goes with its entry', async () => {
    const [open, retried, discarded] = await insertEntries(3, 91);
    await insertLetter(open, 'OPEN');
    await insertLetter(retried, 'RETRIED');
    await insertLetter(discarded, 'DISCARDED');
    await retain();
    expect(await ids('ledger_entry')).toEqual([open]);
    expect(await count('dead_letter')).toBe(1);
  });

  it('keeps the chunks of a job that runs, and drops a job with the last of its chunks', async () => {
    const [running, ended, young] = [
      await insertJob(0, 'RUNNING'),
      await insertJob(91, 'COMPLETED'),
      await insertJob(89, 'FAILED'),
    ];
    const [kept] = await insertEntries(1, 91, running);
    await insertEntries(1, 91, ended);
    await retain();
    expect(await ids('ledger_entry')).toEqual([kept]);
    expect(await ids('job')).toEqual([running, young]);
  });

  it('drops tasks of the queue that nobody will look at again, and no other', async () => {
    await db.pool.query(
      `SELECT graphile_worker.add_job('t', job_key => 'waiting'), graphile_worker.add_job('t', job_key => 'spent')`,
    );
    await db.pool.query(
      `UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'a' WHERE key = 'spent'`,
    );
    // Queued again while it runs: the old one loses its key and its tries. Then its process dies.
    await db.pool.query(`SELECT graphile_worker.add_job('t', job_key => 'spent')`);
    await db.pool.query(`SELECT graphile_worker.force_unlock_workers('{a}')`);
    expect(await count('graphile_worker.jobs')).toBe(3);
    await retain();
    const { rows } = await db.pool.query('SELECT key FROM graphile_worker.jobs ORDER BY key');
    expect(rows.map(({ key }) => key)).toEqual(['spent', 'waiting']);
  });

  it('drops polls that nobody has made for a day, and leaves those that are under way or due', async () => {
    await db.pool.query(
      `SELECT graphile_worker.add_job(task, job_key => task, run_at => $1)
       FROM unnest('{poll/f/abandoned,poll/f/under way,poll,polls}'::text[]) AS task`,
      [ago(1.1)],
    );
    await db.pool.query(`SELECT graphile_worker.add_job('poll/f/due', job_key => 'poll/f/due', run_at => $1)`, [
      ago(0.9),
    ]);
    await db.pool.query(
      `UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'a' WHERE key = 'poll/f/under way'`,
    );
    await retain();
    const { rows } = await db.pool.query('SELECT key FROM graphile_worker.jobs ORDER BY key');
    expect(rows.map(({ key }) => key)).toEqual(['poll/f/due', 'poll/f/under way', 'polls']);
  });

  it('drops what a feed owed that nobody has been configured for since a day', async () => {
    await db.pool.query(`INSERT INTO feed (id, title, kind) VALUES ('f', 'F', 'poll')`);
    const renewed = [ago(1.1), ago(0.9)];
    await db.pool.query(
      `INSERT INTO feed_expectation (feed_id, partition, run, market_id, nodes, interval_ms, due_ms, renewed_at)
       SELECT 'f', place::text, 'DAY_AHEAD_HOURLY', 'CAISO', '{}', 3600000, 0, at
       FROM unnest($1::timestamptz[]) WITH ORDINALITY AS t(at, place)`,
      [renewed],
    );
    await retain();
    const { rows } = await db.pool.query('SELECT partition FROM feed_expectation');
    expect(rows).toEqual([{ partition: '2' }]);
  });

  it('drops calls to sources that are older than they are to be kept, however many', async () => {
    const insertCalls = (count: number, daysAgo: number) =>
      db.pool.query(
        `INSERT INTO api_health_logs (called_at, process, seq, source, endpoint, outcome, latency_ms, bytes)
         SELECT $2, 'p', n, 'PJM', 'e', 'OK', 1, 0 FROM generate_series(1, $1::int) AS n`,
        [count, ago(daysAgo)],
      );
    await insertCalls(5_003, 31);
    await insertCalls(4, 29);
    await retain();
    expect(await count('api_health_logs')).toBe(4);
  });

  it('drops alerts that were closed longer ago than that, never one that is open', async () => {
    await db.pool.query(
      `INSERT INTO api_alert (source, kind, opened_at, closed_at, detail)
       SELECT source, 'DOWN', $1, closed_at, '' FROM unnest($2::text[], $3::timestamptz[]) AS t(source, closed_at)`,
      [ago(90), ['old', 'young', 'open'], [ago(31), ago(29), null]],
    );
    await retain();
    const { rows } = await db.pool.query('SELECT source FROM api_alert ORDER BY source');
    expect(rows).toEqual([{ source: 'open' }, { source: 'young' }]);
  });

  const insertAudit = (daysAgo: readonly number[]) =>
    db.pool.query(
      `INSERT INTO audit_entry (at, actor, via, action, input, outcome)
       SELECT at, 'a', 'cli', 'x', '{}', 'DONE' FROM unnest($1::timestamptz[]) AS at`,
      [daysAgo.map(ago)],
    );

  it('drops audit entries that are older than they are to be kept, which nothing else can', async () => {
    await insertAudit([500, 401, 399]);
    await expect(db.pool.query('DELETE FROM audit_entry')).rejects.toThrow('append-only');
    await retain();
    expect(await count('audit_entry')).toBe(1);
    await expect(db.pool.query('TRUNCATE audit_entry')).rejects.toThrow('append-only');
    await expect(db.pool.query(`UPDATE audit_entry SET actor = 'b'`)).rejects.toThrow('append-only');
  });

  it('lets nothing of the last 30 days go, whatever it is told', async () => {
    await db.pool.query(
      `INSERT INTO audit_entry (actor, via, action, input, outcome) VALUES ('a', 'cli', 'x', '{}', 'DONE')`,
    );
    const all = `SELECT set_config('busbar.audit_kept_from', '2100-01-01', false); DELETE FROM audit_entry`;
    await expect(db.pool.query(all)).rejects.toThrow('append-only');
  });

  it('is queued by the clock of every process that takes part in all there is', async () => {
    const bench = await createJobBench(db, []);
    await bench.startWorkers();
    await expect
      .poll(async () => (await db.pool.query('SELECT identifier FROM graphile_worker._private_known_crontabs')).rows)
      .toEqual([{ identifier: 'retention' }]);
    await bench.close();
  });
});
