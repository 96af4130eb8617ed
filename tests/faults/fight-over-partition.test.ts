import { describe, expect, it } from 'vitest';
import { requireOrSkip } from '../support/services.ts';
import { halfStored } from './fresh-stage.ts';
import type { SabotageName } from './sabotage/sabotages.ts';
import { sound } from './stage.ts';

const SERIES = { seed: 5, records: 6_000 };
const HALF = SERIES.records / 2;

describe.skipIf(!requireOrSkip('redis'))('Two ingestors that own the same partitions', () => {
  /**
   * The first has read the second half of the records when the server ends its session, and with it its hold of the
   * partitions; the second takes them over and stores the same half. Only then does the first get on to write.
   */
  async function fight(sabotage?: SabotageName) {
    const { stage, network, ingestors: loser } = await halfStored(SERIES, sabotage);
    const beforeWrite = network.store.holdAt('lock-partition');
    await stage.produce(HALF);
    await beforeWrite.reached;
    await stage.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'busbar log busbar'`,
    );
    await stage.finish();
    const before = await stage.verdict();
    expect(before).toMatchObject(sound(SERIES));
    beforeWrite.release();
    return { stage, loser, before };
  }

  it('write each record once: the loser cannot commit', { timeout: 120_000 }, async () => {
    const { stage, loser, before } = await fight();
    await loser.sees(/log partition fenced/);
    expect(await loser.stop()).toBe(0);
    expect(await stage.verdict()).toEqual(before);
  });

  it('would both commit with the fence off: the ledger covers records twice', { timeout: 120_000 }, async () => {
    const { stage, loser } = await fight('fence-off');
    await expect.poll(async () => (await stage.verdict()).ledgerFaults).toBeGreaterThan(0);
    expect(await loser.stop()).toBe(0);
  });
});
