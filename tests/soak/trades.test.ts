import { describe, expect, it } from 'vitest';
import { freshTradesStage } from '../faults/fresh-stage.ts';
import { soundTrades } from '../faults/trades-stage.ts';
import { requireOrSkip } from '../support/services.ts';
import { runRandomFaults, soundRun } from './random-faults.ts';

const SERIES = { seed: 12, records: 20_000 };
const TRADES = { seed: 12, versions: 8_000, accounts: 10, nodes: 12, moved: 0.2 };

const redis = requireOrSkip('redis');
const kafka = requireOrSkip('kafka');

/** The short version of `npm run soak -- trades`. */
describe.skipIf(!redis)('Two ingestors, killed, leaving and joined by a third at random moments', () => {
  const log = kafka ? 'Kafka' : 'the embedded log';

  it(`count each trade once, in positions by either method and for whoever listens: ${log}`, {
    timeout: 240_000,
  }, async () => {
    const { broker, pool, ...stage } = await freshTradesStage(SERIES, TRADES, { kafka });
    const cast = { series: SERIES, ingestors: 2, gateway: false, sabotage: undefined };
    const faults = { kills: 2, cuts: 0, rebalances: 1, gapMsMax: 2_500 };
    const verdict = await runRandomFaults({ ...cast, ...faults, stage, broker });
    expect(verdict).toMatchObject({ ...soundRun(cast), ...soundTrades(TRADES) });
    expect(verdict.inTheMiddle).toBeGreaterThan(0);

    // The negative control: one position off by less than anybody would notice, one trade whose older version counts.
    await pool.query(
      `UPDATE position SET realized = realized + 1e-10 WHERE ctid = (SELECT ctid FROM position WHERE trades > 0 LIMIT 1)`,
    );
    await pool.query(
      `UPDATE trade_head SET version = version - 1 WHERE trade_id = (SELECT max(trade_id) FROM trade WHERE version > 1)`,
    );
    expect((await stage.verdict()).trades).toMatchObject({
      wrongPositions: 1,
      wrongHeads: 1,
      livePositions: { stale: 1 },
    });
  });
});
