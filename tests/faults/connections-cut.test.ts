import { describe, expect, it } from 'vitest';
import { runRandomFaults, soundRun } from '../soak/random-faults.ts';
import { requireOrSkip } from '../support/services.ts';
import { freshStage, halfStored } from './fresh-stage.ts';
import type { SabotageName } from './sabotage/sabotages.ts';
import { sound } from './stage.ts';

const redis = requireOrSkip('redis');
const kafka = requireOrSkip('kafka');

describe.skipIf(!redis)('Ingestors whose connection breaks between COMMIT and its answer', { timeout: 120_000 }, () => {
  const SERIES = { seed: 7, records: 6_000 };
  const HALF = SERIES.records / 2;

  async function answerLost(sabotage?: SabotageName) {
    const { stage, network, ingestors } = await halfStored(SERIES, sabotage);
    let answer = network.store.holdAt('COMMIT', 'server');
    await stage.produce(HALF);
    await answer.reached;
    // Others commit as well: the one that is meant has stored a batch.
    while ((await stage.storedRows()) <= HALF) {
      const next = network.store.holdAt('COMMIT', 'server');
      answer.release();
      await next.reached;
      answer = next;
    }
    network.store.cut();
    answer.release();
    return { stage, ingestors };
  }

  it('find out that the batch is stored, and announce it', async () => {
    const { stage, ingestors } = await answerLost();
    await stage.stands(SERIES.records);
    expect(await ingestors.stop()).toBe(0);
    expect(await stage.verdict()).toMatchObject(sound(SERIES));
  });

  it('would store it again with the fence off: the ledger covers records twice', async () => {
    const { stage, ingestors } = await answerLost('fence-off');
    await expect.poll(async () => (await stage.verdict()).ledgerFaults).toBeGreaterThan(0);
    expect(await ingestors.stop()).toBe(0);
  });
});

describe.skipIf(!redis)('Ingestors whose connections are cut, stall and go half-open at random moments', () => {
  const SERIES = { seed: 8, records: 20_000 };
  const where = kafka ? 'Postgres, Redis and Kafka' : 'Postgres and Redis';

  it(`have each record’s effect exactly once: ${where}`, { timeout: 240_000 }, async () => {
    const { broker, ...stage } = await freshStage(SERIES, { kafka });
    const cast = { series: SERIES, ingestors: 1, gateway: false, sabotage: undefined };
    const verdict = await runRandomFaults({ ...cast, stage, broker, kills: 0, cuts: 8, gapMsMax: 2_000 });
    expect(verdict).toMatchObject({ ...soundRun(cast), endedByThemselves: [] });
    expect(verdict.inTheMiddle).toBeGreaterThan(0);
  });
});
