import { describe, expect, it } from 'vitest';
import { requireOrSkip } from '../support/services.ts';
import { halfStored } from './fresh-stage.ts';
import type { SabotageName } from './sabotage/sabotages.ts';
import { sound } from './stage.ts';
import { storedPrices } from './stored-prices.ts';

const SERIES = { seed: 4, records: 6_000 };
const HALF = SERIES.records / 2;

describe.skipIf(!requireOrSkip('redis'))('A live price', () => {
  /** A process dies with a COMMIT on the way, half of the records stored before. */
  async function killedAtCommit(sabotage?: SabotageName) {
    const { stage, network, ingestors } = await halfStored(SERIES, sabotage);
    const committing = network.store.holdAt('COMMIT');
    await stage.produce(HALF);
    await committing.reached;
    if (sabotage) await expect.poll(() => stage.live.record.ticks).toBeGreaterThan(HALF);
    await ingestors.kill();
    network.store.cut();
    await stage.live.caughtUp();
    return { stage, live: stage.live.record.compare(await storedPrices(stage.pool)) };
  }

  it('is in the store, also where the process died at its COMMIT', { timeout: 120_000 }, async () => {
    const { stage, live } = await killedAtCommit();
    expect(live).toMatchObject({ ticks: HALF, unfounded: 0 });
    await stage.finish();
    expect(await stage.verdict()).toMatchObject(sound(SERIES));
  });

  it('would not be, announced before the commit, and would come twice: the checks show both', {
    timeout: 120_000,
  }, async () => {
    const { stage, live } = await killedAtCommit('announce-before-commit');
    expect(live.unfounded).toBeGreaterThan(0);
    await stage.finish();
    expect((await stage.verdict()).live.twice).toBe(live.unfounded);
  });
});
