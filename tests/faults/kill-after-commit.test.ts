import { describe, expect, it } from 'vitest';
import { requireOrSkip } from '../support/services.ts';
import { type FreshStage, freshStage } from './fresh-stage.ts';
import { sound } from './stage.ts';

const SERIES = { seed: 3, records: 6_000 };
const HALF = SERIES.records / 2;

describe.skipIf(!requireOrSkip('redis'))(
  'Ingestors killed when a batch is committed and not announced',
  { timeout: 120_000 },
  () => {
    let stage: FreshStage;

    /** All records stored, and only half of them on the bus, by a process that is no more. */
    async function killed(): Promise<void> {
      stage = await freshStage(SERIES);
      const network = await stage.network();
      const ingestors = stage.startIngestors(network);
      await stage.produce(HALF);
      await stage.stands(HALF);
      const beforeAnnouncing = network.bus.holdAt('EVALSHA');
      await stage.produce(HALF);
      await beforeAnnouncing.reached;
      await expect.poll(() => stage.storedRows()).toBe(SERIES.records);
      await ingestors.kill();
      network.bus.cut();
      await stage.live.caughtUp();
      expect(stage.live.record.ticks).toBe(HALF);
    }

    it('have it announced by the next process, once', async () => {
      await killed();
      await stage.finish();
      expect(await stage.verdict()).toMatchObject(sound(SERIES));
    });

    it('would never have it announced had they noted it before: the check shows it', async () => {
      await killed();
      await stage.pool.query('UPDATE feed_position SET announced_ledger_id = last_ledger_id');
      await stage.finish();
      const { wrongRows, live } = await stage.verdict();
      expect(wrongRows).toBe(0);
      expect(live).toMatchObject({ ticks: HALF, missing: HALF });
    });
  },
);
