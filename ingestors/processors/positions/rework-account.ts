import { z } from 'zod';
import type { MarketRun } from '../../../domain/market-run.ts';
import type { CostMethod } from '../../../domain/position.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import type { QueueTask } from '../../jobs/queue-runner.ts';
import { positionEvent } from '../../pipeline/families/position-event.ts';
import { commitOwn, type ProcessorParts } from '../own-commit.ts';
import { changePositions } from './change-positions.ts';
import { positionsOfOtherMethod } from './stored-position.ts';

/** Where the positions of accounts are committed whose method was changed. */
const PARTITION = 'accounts';

const PAYLOAD = z.object({ account: z.string() });

/** Works the positions of an account out anew by the method it has now. */
export function createReworkTask(parts: ProcessorParts & { readonly markRuns: readonly MarketRun[] }): QueueTask {
  return async (payload) => {
    const { account } = PAYLOAD.parse(payload);
    const request = `the cost method of ${account}`;
    await commitOwn(parts, { feed: 'trades', partition: PARTITION, request }, async (client, ledgerId) => {
      const method = await methodOf(client, account);
      const ids = await positionsOfOtherMethod(client, account);
      if (!method || ids.length === 0) return undefined;
      const changes = ids.map((id) => ({ ...id, added: [], reworkFrom: undefined, method }));
      const now = parts.clock();
      const by = { ledgerId, markRuns: parts.markRuns, now };
      const { positions, saved } = await changePositions(client, changes, by);
      await saved;
      return {
        rowsIn: positions.reduce((sum, { position }) => sum + position.trades, 0),
        written: 0,
        revised: positions.length,
        range: { from: now, to: now },
        news: { positions: positions.map((each) => positionEvent(each, ledgerId, now)) },
      };
    });
  };
}

/** Locked as whoever counts trades locks it, so that none is counted by the other method meanwhile. */
async function methodOf(client: Queryable, account: string): Promise<CostMethod | undefined> {
  const { rows } = await client.query<{ method: CostMethod }>(
    'SELECT cost_method AS method FROM account WHERE id = $1 FOR SHARE',
    [account],
  );
  return rows[0]?.method;
}
