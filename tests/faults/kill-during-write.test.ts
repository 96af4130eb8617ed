import { describe, expect, it } from 'vitest';
import { requireOrSkip } from '../support/services.ts';
import { type FreshStage, halfStored } from './fresh-stage.ts';
import type { SabotageName } from './sabotage/sabotages.ts';
import { sound } from './stage.ts';

const SERIES = { seed: 2, records: 6_000 };
const HALF = SERIES.records / 2;

describe.skipIf(!requireOrSkip('redis'))('A transaction whose ingestors are killed in the middle of it', () => {
  /** A process dies where it sends these bytes, with half of the records stored before. Another goes on. */
  async function killedAt(bytes: string, sabotage?: SabotageName): Promise<FreshStage> {
    const { stage, network, ingestors } = await halfStored(SERIES, sabotage);
    const place = network.store.holdAt(bytes);
    await stage.produce(HALF);
    await place.reached;
    if (!sabotage) await expect.poll(() => openTransactions(stage)).toBeGreaterThan(0);
    await ingestors.kill();
    network.store.cut();
    await stage.finish();
    return stage;
  }

  /** Those that have written prices. */
  async function openTransactions({ pool }: FreshStage): Promise<number> {
    const { rows } = await pool.query<{ open: number }>(
      `SELECT count(*)::int AS open FROM pg_stat_activity AS session
       WHERE datname = current_database() AND state = 'idle in transaction' AND EXISTS (
         SELECT FROM pg_locks WHERE pid = session.pid AND relation = 'lmp'::regclass AND mode = 'RowExclusiveLock')`,
    );
    return rows[0]?.open ?? 0;
  }

  it('leaves nothing where prices were written and the ledger was not', { timeout: 120_000 }, async () => {
    const stage = await killedAt('write-ledger');
    expect(await stage.verdict()).toMatchObject(sound(SERIES));
  });

  it('leaves nothing where all was written and COMMIT did not arrive', { timeout: 120_000 }, async () => {
    const stage = await killedAt('COMMIT');
    expect(await stage.verdict()).toMatchObject(sound(SERIES));
  });

  it('would leave prices that no entry accounts for and nobody announces, were it none: the checks show it', {
    timeout: 120_000,
  }, async () => {
    const stage = await killedAt('write-ledger', 'no-transaction');
    const { ledgerRowsWritten, lineageFaults, live } = await stage.verdict();
    expect(ledgerRowsWritten).toBeLessThan(SERIES.records);
    expect(lineageFaults).toBeGreaterThan(0);
    expect(live.missing).toBeGreaterThan(0);
  });
});
