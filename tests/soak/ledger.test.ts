import { describe, expect, it } from 'vitest';
import { freshStage } from '../faults/fresh-stage.ts';
import { requireOrSkip } from '../support/services.ts';
import { runRandomFaults, soundRun } from './random-faults.ts';

const SERIES = { seed: 10, records: 30_000 };

const here = [requireOrSkip('redis'), requireOrSkip('kafka')].every(Boolean);

/** The short version of `npm run soak -- ledger`. */
describe.skipIf(!here)('Two ingestors, a gateway and a Kafka broker, killed and cut off at random moments', () => {
  it('bring each record to the table, the ledger, the bus and the subscriber exactly once', {
    timeout: 240_000,
  }, async () => {
    const { broker, ...stage } = await freshStage(SERIES, { kafka: true });
    const cast = { series: SERIES, ingestors: 2, gateway: true, sabotage: undefined };
    const verdict = await runRandomFaults({ ...cast, stage, broker, kills: 3, cuts: 2, gapMsMax: 2_500 });
    expect(verdict).toMatchObject(soundRun(cast));
    expect(verdict.inTheMiddle).toBeGreaterThan(0);
    expect(verdict.interruptions).toBeGreaterThan(0);
  });
});
