import type pg from 'pg';
import type { EventLog } from '../../ingestors/sources/event-log.ts';
import { TOPIC } from './price-series.ts';

export interface LedgerVerdict {
  readonly ledgerEntries: number;
  /** Offsets that no entry covers, or that two cover. */
  readonly ledgerFaults: number;
  readonly ledgerRowsWritten: number;
  /** Entries that say to have written another number of prices than name them as their origin. */
  readonly lineageFaults: number;
}

/** Whether the entries of each partition, in the order of their commits, cover `[0, end)` once, and wrote what they say. */
export async function checkLedger(pool: pg.Pool, eventLog: EventLog): Promise<LedgerVerdict> {
  const { rows } = await pool.query<Entry>(
    `SELECT partition, position_from AS from, position_to AS to, rows_written AS written
     FROM ledger_entry WHERE feed_id = $1 AND kind = 'BATCH' ORDER BY partition, commit_id`,
    [TOPIC],
  );
  let ledgerFaults = 0;
  for (const { partition, end } of await eventLog.partitions(TOPIC)) {
    const entries = rows.filter((row) => row.partition === String(partition));
    ledgerFaults += faultsOf(entries, end);
  }
  return {
    ledgerEntries: rows.length,
    ledgerFaults,
    ledgerRowsWritten: rows.reduce((sum, { written }) => sum + written, 0),
    lineageFaults: await lineageFaults(pool),
  };
}

interface Entry {
  readonly partition: string;
  readonly from: number | null;
  readonly to: number;
  readonly written: number;
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
async function lineageFaults(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ faults: number }>(
    `SELECT count(*)::int AS faults
     FROM (SELECT ledger_id AS id, count(*) AS prices FROM lmp GROUP BY ledger_id) AS named
     FULL JOIN (SELECT id, rows_written FROM ledger_entry WHERE rows_written > 0) AS said USING (id)
     WHERE prices IS DISTINCT FROM rows_written`,
  );
  return rows[0]?.faults ?? 0;
}
