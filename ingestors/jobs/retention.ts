/** Keeps the ledger, what hangs on it and the calls to sources to their time, in batches that nobody has to wait for. */
import type pg from 'pg';
import type { Logger } from 'pino';
import { DAY_MS, isoFromInstant } from '../../domain/instant.ts';
import { inTransaction, reachable } from '../../prisma/transaction.ts';
import type { CoreConfig } from '../../runtime/config.ts';
import { IS_POLL } from './poll.ts';
import type { QueueTask } from './queue-runner.ts';

export interface RetentionParts {
  readonly pool: pg.Pool;
  readonly core: Pick<CoreConfig, 'RAW_PAYLOAD_DAYS' | 'LEDGER_DAYS' | 'API_HEALTH_DAYS' | 'AUDIT_DAYS'>;
  readonly log: Logger;
  readonly clock: () => number;
}

export const RETENTION_TASK = 'retention';

/** Every hour at seven past; a second one is not queued while one waits, and what it missed the next one does. */
export const RETENTION_CRONTAB = `7 * * * * ${RETENTION_TASK} ?jobKey=${RETENTION_TASK}&max=1`;

const PAYLOADS_MAX = 100;
const ENTRIES_MAX = 2_000;
const JOBS_MAX = 1_000;
const CALLS_MAX = 5_000;

/** What a feed is polled for and owes is looked after every minute. For so long, an outage of those who do is lived through. */
const ABANDONED_DAYS = 1;

export function createRetentionTask({ pool, core, log, clock }: RetentionParts): QueueTask {
  return async (_, { signal }) => {
    const before = (days: number) => isoFromInstant(clock() - days * DAY_MS);
    const dropped = {
      payloads: await dropPayloads(pool, before(core.RAW_PAYLOAD_DAYS), signal),
      entries: await dropEntries(pool, before(core.LEDGER_DAYS), signal),
      jobs: await dropJobs(pool, before(core.LEDGER_DAYS), signal),
      calls: await dropCalls(pool, before(core.API_HEALTH_DAYS), signal),
      alerts: await dropAlerts(pool, before(core.API_HEALTH_DAYS)),
      audit: await dropAuditEntries(pool, before(core.AUDIT_DAYS), signal),
      polls: await dropPolls(pool, before(ABANDONED_DAYS)),
      expectations: await dropExpectations(pool, before(ABANDONED_DAYS)),
    };
    await dropSpentTasks(pool);
    log.info(dropped, 'retention done');
  };
}

async function dropPayloads(pool: pg.Pool, before: string, signal: AbortSignal): Promise<number> {
  return inBatches(pool, DROP_PAYLOADS, [before, PAYLOADS_MAX], PAYLOADS_MAX, signal);
}

const DROP_PAYLOADS = `
  DELETE FROM raw_payload WHERE (feed_id, checksum) IN (
    SELECT feed_id, checksum FROM raw_payload WHERE received_at < $1 ORDER BY received_at LIMIT $2)`;

async function dropJobs(pool: pg.Pool, before: string, signal: AbortSignal): Promise<number> {
  return inBatches(pool, DROP_JOBS, [before, JOBS_MAX], JOBS_MAX, signal);
}

const DROP_JOBS = `
  DELETE FROM job WHERE id IN (
    SELECT id FROM job WHERE finished_at < $1 AND NOT EXISTS (SELECT FROM ledger_entry e WHERE e.job_id = job.id)
    ORDER BY id LIMIT $2)`;

async function inBatches(
  pool: pg.Pool,
  statement: string,
  values: readonly unknown[],
  max: number,
  signal: AbortSignal,
): Promise<number> {
  for (let dropped = 0; ; ) {
    signal.throwIfAborted();
    const { rowCount } = await reachable(() => pool.query(statement, [...values]));
    dropped += rowCount ?? 0;
    if ((rowCount ?? 0) < max) return dropped;
  }
}

/**
 * Walks the ledger from its beginning, since its order is that of time, up to the first page on which nothing is old
 * enough: it needs no index for this, which each commit would have to keep.
 */
async function dropEntries(pool: pg.Pool, before: string, signal: AbortSignal): Promise<number> {
  let dropped = 0;
  for (let page: Page | undefined = { last: 0, old: 0, ended: 0, drop: [] }; page; ) {
    signal.throwIfAborted();
    page = await readPage(pool, page.last, before);
    if (!page || (page.ended > 0 && page.old === 0)) break;
    dropped += await dropPage(pool, page.drop);
  }
  return dropped;
}

interface Page {
  readonly last: number;
  readonly ended: number;
  readonly old: number;
  /** Those that nothing keeps. */
  readonly drop: readonly number[];
}

async function readPage(pool: pg.Pool, after: number, before: string): Promise<Page | undefined> {
  const { rows } = await reachable(() =>
    pool.query<Page & { last: number | null }>(PAGE, [after, before, ENTRIES_MAX]),
  );
  const page = rows[0];
  return page && page.last !== null ? page : undefined;
}

/** An entry stays as long as an open dead letter comes from it, or the job that it is a chunk of runs. */
const PAGE = `
  SELECT max(id) AS last, count(finished_at)::int AS ended, count(*) FILTER (WHERE finished_at < $2)::int AS old,
         coalesce(json_agg(id) FILTER (WHERE finished_at < $2
           AND state IN ('COMPLETED', 'FAILED')
           AND NOT EXISTS (SELECT FROM dead_letter d WHERE d.ledger_id = page.id AND d.state = 'OPEN')
           AND NOT EXISTS (SELECT FROM job j WHERE j.id = page.job_id AND j.state IN ('PENDING', 'RUNNING'))), '[]') AS drop
  FROM (SELECT id, state, finished_at, job_id FROM ledger_entry WHERE id > $1 ORDER BY id LIMIT $3) AS page`;

async function dropPage(pool: pg.Pool, entries: readonly number[]): Promise<number> {
  if (entries.length === 0) return 0;
  await inTransaction(pool, async (client) => {
    await client.query(`DELETE FROM dead_letter WHERE ledger_id = ANY($1::bigint[]) AND state <> 'OPEN'`, [entries]);
    await client.query('DELETE FROM ledger_entry WHERE id = ANY($1::bigint[])', [entries]);
  });
  return entries.length;
}

/** The store lets entries go only in a transaction that says up to when. */
async function dropAuditEntries(pool: pg.Pool, before: string, signal: AbortSignal): Promise<number> {
  for (let dropped = 0; ; ) {
    signal.throwIfAborted();
    const { rowCount } = await inTransaction(pool, async (client) => {
      await client.query(`SELECT set_config('busbar.audit_kept_from', $1, true)`, [before]);
      return client.query(DROP_AUDIT, [before, ENTRIES_MAX]);
    });
    dropped += rowCount ?? 0;
    if ((rowCount ?? 0) < ENTRIES_MAX) return dropped;
  }
}

const DROP_AUDIT = `
  DELETE FROM audit_entry WHERE id IN (SELECT id FROM audit_entry WHERE at < $1 ORDER BY id LIMIT $2)`;

/** What the queue keeps of tasks that were queued again while a process died in them; nobody would ever look at it. */
async function dropSpentTasks(pool: pg.Pool): Promise<void> {
  await reachable(() =>
    pool.query(
      `SELECT count(*) FROM graphile_worker.complete_jobs(ARRAY(
         SELECT id FROM graphile_worker.jobs WHERE key IS NULL AND locked_by IS NULL AND attempts >= max_attempts))`,
    ),
  );
}

/** Polls that are due and that nobody makes: none is configured for them any more. */
async function dropPolls(pool: pg.Pool, dueBefore: string): Promise<number> {
  const { rows } = await reachable(() => pool.query<{ dropped: number }>(DROP_POLLS, [dueBefore]));
  return rows[0]?.dropped ?? 0;
}

const DROP_POLLS = `
  SELECT count(*)::int AS dropped FROM graphile_worker.complete_jobs(ARRAY(
    SELECT id FROM graphile_worker.jobs WHERE ${IS_POLL} AND locked_by IS NULL AND run_at < $1))`;

async function dropCalls(pool: pg.Pool, before: string, signal: AbortSignal): Promise<number> {
  return inBatches(pool, DROP_CALLS, [before, CALLS_MAX], CALLS_MAX, signal);
}

const DROP_CALLS = `
  DELETE FROM api_health_logs WHERE (called_at, process, seq) IN (
    SELECT called_at, process, seq FROM api_health_logs WHERE called_at < $1 ORDER BY called_at LIMIT $2)`;

/** They are few. */
async function dropAlerts(pool: pg.Pool, closedBefore: string): Promise<number> {
  const { rowCount } = await reachable(() => pool.query('DELETE FROM api_alert WHERE closed_at < $1', [closedBefore]));
  return rowCount ?? 0;
}

/** What a feed owed as long as somebody was configured to poll it. */
async function dropExpectations(pool: pg.Pool, renewedBefore: string): Promise<number> {
  const { rowCount } = await reachable(() =>
    pool.query('DELETE FROM feed_expectation WHERE renewed_at < $1', [renewedBefore]),
  );
  return rowCount ?? 0;
}
