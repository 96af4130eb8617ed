import { describe, expect, it } from 'vitest';
import { requireOrSkip } from '../support/services.ts';
import { type FreshStage, halfStored } from './fresh-stage.ts';
import { TOPIC } from './price-series.ts';
import { sound } from './stage.ts';

const SERIES = { seed: 1, records: 6_000 };
const HALF = SERIES.records / 2;

describe.skipIf(!requireOrSkip('redis'))('A batch that was read, by ingestors killed before they wrote', () => {
  /** Half of the records are stored, the other half was read by a process that is no more. */
  async function killed(): Promise<FreshStage> {
    const { stage, network, ingestors } = await halfStored(SERIES);
    const beforeWrite = network.store.holdAt('lock-partition');
    await stage.produce(HALF);
    await beforeWrite.reached;
    await ingestors.kill();
    network.store.cut();
    expect(await stage.storedRows()).toBe(HALF);
    return stage;
  }

  it('is read again by the next process and has its effect once', { timeout: 120_000 }, async () => {
    const stage = await killed();
    await stage.finish();
    expect(await stage.verdict()).toMatchObject(sound(SERIES));
  });

  it('would be lost had they moved the position first: the checks show it', { timeout: 120_000 }, async () => {
    const stage = await killed();
    for (const { partition, end } of await stage.eventLog.partitions(TOPIC)) {
      const move = 'UPDATE feed_position SET position = $3 WHERE feed_id = $1 AND partition = $2';
      await stage.pool.query(move, [TOPIC, String(partition), end]);
    }
    await stage.finish();
    expect(await stage.verdict()).toMatchObject({ wrongRows: HALF, ledgerFaults: HALF });
  });
});
