import { describe, expect, it } from 'vitest';
import { requireOrSkip } from '../support/services.ts';
import { type FreshStage, halfStored } from './fresh-stage.ts';
import { sound } from './stage.ts';

const SERIES = { seed: 3, records: 6_000 };
const HALF = SERIES.records / 2;

describe.skipIf(!requireOrSkip('redis'))('A committed batch, by ingestors killed before they announced it', () => {
  /** All records are stored, and half of them live, by a process that is no more. */
  async function killed(): Promise<FreshStage> {
    const { stage, network, ingestors } = await halfStored(SERIES);
    const beforeAnnouncing = network.bus.holdAt('EVALSHA');
    await stage.produce(HALF);
    await beforeAnnouncing.reached;
    await expect.poll(() => stage.storedRows()).toBe(SERIES.records);
    await ingestors.kill();
    network.bus.cut();
    await stage.live.caughtUp();
    expect(stage.live.record.ticks).toBe(HALF);
    return stage;
  }

  it('is announced by the next process, once', { timeout: 120_000 }, async () => {
    const stage = await killed();
    await stage.finish();
    expect(await stage.verdict()).toMatchObject(sound(SERIES));
  });

  it('is missing and told to whoever follows, had they noted it before: the check shows it', {
    timeout: 120_000,
  }, async () => {
    const stage = await killed();
    await stage.pool.query('UPDATE feed_position SET announced_ledger_id = last_ledger_id');
    await stage.finish();
    await expect(stage.verdict()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
    expect(stage.live.record.ticks).toBe(HALF);
  });
});
