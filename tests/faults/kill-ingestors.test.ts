import { describe, expect, it } from 'vitest';
import { runRandomFaults, soundRun } from '../soak/random-faults.ts';
import { requireOrSkip } from '../support/services.ts';
import { freshStage } from './fresh-stage.ts';

const SERIES = { seed: 9, records: 40_000 };

describe.skipIf(!requireOrSkip('redis'))('Ingestors on the embedded log, killed with SIGKILL at random moments', () => {
  it('have each record’s effect exactly once: in the table, in the ledger, in the live stream', {
    timeout: 180_000,
  }, async () => {
    const stage = await freshStage(SERIES);
    const cast = { series: SERIES, ingestors: 1, gateway: false, sabotage: undefined };
    const verdict = await runRandomFaults({ ...cast, stage, broker: undefined, kills: 6, cuts: 0, gapMsMax: 2_500 });
    expect(verdict).toMatchObject(soundRun(cast));
    expect(verdict.inTheMiddle).toBeGreaterThan(0);

    // The negative control: a batch read again by a process that forgot its position shows in the ledger.
    await stage.pool.query(
      `INSERT INTO ledger_entry (feed_id, partition, kind, state, commit_id, position_from, position_to, rows_in, rows_unchanged)
       SELECT feed_id, partition, kind, state, nextval('ledger_entry_id_seq'), position_from, position_to, rows_in, rows_in
       FROM ledger_entry WHERE kind = 'BATCH' AND rows_in > 0 LIMIT 1`,
    );
    expect((await stage.verdict()).ledgerFaults).toBeGreaterThan(0);
  });
});
