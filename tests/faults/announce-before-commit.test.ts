import { describe, expect, it } from 'vitest';
import { requireOrSkip } from '../support/services.ts';
import { type FreshStage, freshStage } from './fresh-stage.ts';
import type { SabotageName } from './sabotage/sabotages.ts';
import { sound } from './stage.ts';
import { storedPrices } from './stored-prices.ts';

const SERIES = { seed: 4, records: 6_000 };
const HALF = SERIES.records / 2;

describe.skipIf(!requireOrSkip('redis'))('A price on the live bus', { timeout: 120_000 }, () => {
  let stage: FreshStage;

  /** A process dies with its COMMIT on the way. @returns what is live then, against the table. */
  async function liveAtCommit(sabotage?: SabotageName) {
    stage = await freshStage(SERIES);
    const network = await stage.network();
    const ingestors = stage.startIngestors(network, sabotage);
    await stage.produce(HALF);
    await stage.stands(HALF);
    const committing = network.store.holdAt('COMMIT');
    await stage.produce(HALF);
    await committing.reached;
    if (sabotage) await expect.poll(() => stage.live.record.ticks).toBeGreaterThan(HALF);
    await ingestors.kill();
    network.store.cut();
    await stage.live.caughtUp();
    return stage.live.record.compare(await storedPrices(stage.pool));
  }

  it('is in the store, also where the process died between the two', async () => {
    expect(await liveAtCommit()).toMatchObject({ ticks: HALF, unfounded: 0 });
    await stage.finish();
    expect(await stage.verdict()).toMatchObject(sound(SERIES));
  });

  it('would not be, announced before the commit; and would come twice: the checks show both', async () => {
    const { unfounded } = await liveAtCommit('announce-before-commit');
    expect(unfounded).toBeGreaterThan(0);
    await stage.finish();
    const { live } = await stage.verdict();
    expect(live.twice).toBe(unfounded);
  });
});
