import type pg from 'pg';
import type { EventLog } from '../../ingestors/sources/event-log.ts';

export interface LedgerVerdict {
  readonly ledgerEntries: number;
  /** Offsets that no entry covers, or that two cover. */
  readonly ledgerFaults: number;
  readonly ledgerRowsWritten: number;
  /** Entries that say to have written another number of prices than name them as their origin. */
  readonly lineageFaults: number;
}

/** Whether the entries of each partition, in the order of their commits, cover `[0, end)` once, and wrote what they say. */
export async function checkLedger(pool: pg.Pool, eventLog: EventLog, topic: string): Promise<LedgerVerdict> {
  const { ledgerEntries, ledgerFaults, rows } = await checkCover(pool, eventLog, topic);
  return {
    ledgerEntries,
    ledgerFaults,
    ledgerRowsWritten: rows.written,
    lineageFaults: await lineageFaults(pool, topic),
  };
}

export interface Cover {
  readonly ledgerEntries: number;
  readonly ledgerFaults: number;
  /** What the entries say of their records. */
  readonly rows: Readonly<Record<Count, number>>;
  /** From reading to committing, all entries together; partitions have theirs at the same time. */
  readonly busySeconds: number;
}

type Count = 'written' | 'revised' | 'unchanged' | 'rejected';

/** The feed of a topic is named after it, and so are its partitions; what a processor commits stands in others. */
export async function checkCover(pool: pg.Pool, eventLog: EventLog, topic: string): Promise<Cover> {
  const bounds = await eventLog.partitions(topic);
  const { rows: entries } = await pool.query<Entry>(
    `SELECT partition, position_from AS from, position_to AS to, rows_written AS written, rows_revised AS revised,
            rows_unchanged AS unchanged, rows_rejected AS rejected,
            extract(epoch FROM finished_at - started_at)::float8 AS seconds
     FROM ledger_entry WHERE feed_id = $1 AND kind = 'BATCH' AND partition = ANY($2)
     ORDER BY partition, commit_id`,
    [topic, bounds.map(({ partition }) => String(partition))],
  );
  let ledgerFaults = 0;
  for (const { partition, end } of bounds) {
    ledgerFaults += faultsOf(
      entries.filter((entry) => entry.partition === String(partition)),
      end,
    );
  }
  const sum = (count: Count | 'seconds') => entries.reduce((total, entry) => total + entry[count], 0);
  return {
    ledgerEntries: entries.length,
    ledgerFaults,
    rows: {
      written: sum('written'),
      revised: sum('revised'),
      unchanged: sum('unchanged'),
      rejected: sum('rejected'),
    },
    busySeconds: Math.round(sum('seconds')),
  };
}

interface Entry extends Readonly<Record<Count, number>> {
  readonly partition: string;
  readonly from: number | null;
  readonly to: number;
  readonly seconds: number;
}

function faultsOf(entries: readonly Entry[], end: number): number {
  let faults = 0;
  let covered = 0;
  for (const { from, to } of entries) {
    faults += Math.abs((from ?? 0) - covered);
    covered = to;
  }
  return faults + Math.abs(end - covered);
}

/** Where nothing was revised: a price names the entry that wrote it. */
async function lineageFaults(pool: pg.Pool, topic: string): Promise<number> {
  const { rows } = await pool.query<{ faults: number }>(
    `SELECT count(*)::int AS faults
     FROM (SELECT ledger_id AS id, count(*) AS prices FROM lmp GROUP BY ledger_id) AS named
     FULL JOIN (SELECT id, rows_written FROM ledger_entry WHERE rows_written > 0 AND feed_id = $1) AS said USING (id)
     WHERE prices IS DISTINCT FROM rows_written`,
    [topic],
  );
  return rows[0]?.faults ?? 0;
}
