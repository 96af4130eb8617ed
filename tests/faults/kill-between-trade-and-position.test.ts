import { describe, expect, it } from 'vitest';
import { messageOf } from '../../domain/errors.ts';
import { requireOrSkip } from '../support/services.ts';
import { freshTradesStage } from './fresh-stage.ts';
import type { SabotageName } from './sabotage/sabotages.ts';
import { soundTrades } from './trades-stage.ts';

const PRICES = { seed: 13, records: 0 };
const TRADES = { seed: 13, versions: 4_000, accounts: 10, nodes: 12, moved: 0.2 };
const HALF = TRADES.versions / 2;
const POLL = { timeout: 60_000 };

describe.skipIf(!requireOrSkip('redis'))('Ingestors killed after they wrote trades and before their positions', () => {
  /** Half of the trades are stored; of the other half a batch is written as far as the statement, by a process that is no more. */
  async function killedAt(statement: string, sabotage?: SabotageName) {
    const stage = await freshTradesStage(PRICES, TRADES);
    const network = await stage.network();
    const ingestors = stage.startIngestors(network, sabotage);
    await stage.produce(HALF);
    await expect.poll(() => stage.unread(), POLL).toBe(0);
    const place = network.store.holdAt(statement);
    await stage.produce(HALF);
    await place.reached;
    await ingestors.kill();
    network.store.cut();
    await stage.finish();
    return stage.verdict();
  }

  it.each(['save-positions', 'save-snapshots'])(
    'leave positions that count each trade once, killed at %s',
    {
      timeout: 120_000,
    },
    async (statement) => {
      expect(await killedAt(statement)).toMatchObject(soundTrades(TRADES));
    },
  );

  it('would leave positions without those trades, were it no transaction: the checks show it', {
    timeout: 120_000,
  }, async () => {
    const isShown = await killedAt('save-positions', 'no-transaction').then(
      ({ trades }) => trades.wrongPositions > 0 && trades.live.missing > 0,
      // Or what is half there stops its partition for good.
      (error) => /still unread/.test(messageOf(error)),
    );
    expect(isShown).toBe(true);
  });
});
