import { z } from 'zod';
import { EXPORT_PERMISSIONS } from '../../domain/rights.ts';
import { rangeFrom } from '../../schema/range.ts';
import { positionFilterFrom } from '../../schema/trade.ts';
import type { TradeFilter } from '../../schema/trading-rows.ts';
import { TRADE_ORDER } from '../reads/trade-row.ts';
import { tradeConditions } from '../reads/trades.ts';
import { withinDesk } from '../rights/desk-filter.ts';
import { type Batch, selectList, TRADE_COLUMNS } from './columns.ts';
import type { ExportKind } from './export-kind.ts';
import { fileInstant, fileName, format, instant, parametersFrom } from './parameters.ts';
import type { Snapshot } from './snapshot.ts';

const PARAMETERS = z.strictObject({
  account: z.string().optional(),
  node: z.string().optional(),
  from: instant.optional(),
  to: instant.optional(),
  status: z.enum(['ACTIVE', 'CANCELLED', 'ALL']).default('ACTIVE'),
  format,
});

const COLUMNS = selectList(TRADE_COLUMNS);

/** Trades as they stand, newest first, as the field `trades` has them; by any of its filters. */
export const TRADES_EXPORT: ExportKind = {
  needs: EXPORT_PERMISSIONS.trades,
  plan(query, scopes) {
    const { account, node, from, to, status } = parametersFrom(PARAMETERS, query);
    if (from !== undefined && to !== undefined) rangeFrom({ from, to });
    const asked: TradeFilter = {
      ...positionFilterFrom({ account, node }),
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(status !== 'ALL' && { status }),
    };
    const filter = scopes ? withinDesk(asked, scopes) : asked;
    const when = [from, to].map((at) => (at === undefined ? undefined : fileInstant(at)));
    return {
      file: fileName(['trades', account, node, status === 'ACTIVE' ? undefined : status, ...when]),
      columns: TRADE_COLUMNS,
      batches: (snapshot) => batchesOf(snapshot, filter),
    };
  },
};

async function* batchesOf(snapshot: Snapshot, filter: TradeFilter): AsyncGenerator<Batch> {
  const { where, values } = tradeConditions(filter);
  const text = `SELECT ${COLUMNS} FROM trade AS t JOIN pricing_node AS n ON n.id = t.node_id ${where} ORDER BY ${TRADE_ORDER}`;
  for await (const rows of snapshot.pages(text, values)) yield { lead: [], rows };
}
