import { describe, expect, it } from 'vitest';
import { requireOrSkip } from '../support/services.ts';
import { type FreshStage, freshStage } from './fresh-stage.ts';
import type { SabotageName } from './sabotage/sabotages.ts';
import { sound } from './stage.ts';

const SERIES = { seed: 2, records: 6_000 };
const HALF = SERIES.records / 2;

describe.skipIf(!requireOrSkip('redis'))(
  'Ingestors killed in the middle of a transaction',
  { timeout: 120_000 },
  () => {
    let stage: FreshStage;

    /** A process dies when it sends these bytes; half of the records were stored before. Another goes on. */
    async function killedAt(bytes: string, sabotage?: SabotageName): Promise<void> {
      stage = await freshStage(SERIES);
      const network = await stage.network();
      const ingestors = stage.startIngestors(network, sabotage);
      await stage.produce(HALF);
      await stage.stands(HALF);
      const place = network.store.holdAt(bytes);
      await stage.produce(HALF);
      await place.reached;
      await ingestors.kill();
      network.store.cut();
      await stage.finish();
    }

    it('leave nothing where the prices were written and the ledger was not', async () => {
      await killedAt('write-ledger');
      expect(await stage.verdict()).toMatchObject(sound(SERIES));
    });

    it('leave nothing where all was written and COMMIT did not arrive', async () => {
      await killedAt('COMMIT');
      expect(await stage.verdict()).toMatchObject(sound(SERIES));
    });

    it('would leave prices that no entry accounts for, and nobody announces, without the transaction', async () => {
      await killedAt('write-ledger', 'no-transaction');
      const { ledgerRowsWritten, lineageFaults, live } = await stage.verdict();
      expect(ledgerRowsWritten).toBeLessThan(SERIES.records);
      expect(lineageFaults).toBeGreaterThan(0);
      expect(live.missing).toBeGreaterThan(0);
    });
  },
);
