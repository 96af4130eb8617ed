import { describe, expect, it } from 'vitest';
import { requireOrSkip } from '../support/services.ts';
import { type FreshStage, freshStage } from './fresh-stage.ts';
import { TOPIC } from './price-series.ts';
import { sound } from './stage.ts';

const SERIES = { seed: 1, records: 6_000 };
const HALF = SERIES.records / 2;

describe.skipIf(!requireOrSkip('redis'))(
  'Ingestors killed when a batch is read and nothing of it is written',
  { timeout: 120_000 },
  () => {
    let stage: FreshStage;

    /** Half of the records stored, the other half read by a process that is no more. */
    async function killed(): Promise<void> {
      stage = await freshStage(SERIES);
      const network = await stage.network();
      const ingestors = stage.startIngestors(network);
      await stage.produce(HALF);
      await stage.stands(HALF);
      const beforeWrite = network.store.holdAt('lock-partition');
      await stage.produce(HALF);
      await beforeWrite.reached;
      await ingestors.kill();
      network.store.cut();
      expect(await stage.storedRows()).toBe(HALF);
    }

    it('leave the batch to the next process: each record has its effect once', async () => {
      await killed();
      await stage.finish();
      expect(await stage.verdict()).toMatchObject(sound(SERIES));
    });

    it('would lose it had they moved the position first: the check shows it', async () => {
      await killed();
      for (const { partition, end } of await stage.eventLog.partitions(TOPIC)) {
        const move = 'UPDATE feed_position SET position = $3 WHERE feed_id = $1 AND partition = $2';
        await stage.pool.query(move, [TOPIC, String(partition), end]);
      }
      await stage.finish();
      const { wrongRows, ledgerFaults } = await stage.verdict();
      expect({ wrongRows, ledgerFaults }).toEqual({ wrongRows: HALF, ledgerFaults: HALF });
    });
  },
);
