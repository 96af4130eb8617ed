import { z } from 'zod';
import { localNameOf, marketOf, type NodeName } from '../../domain/market.ts';
import { EXPORT_PERMISSIONS } from '../../domain/rights.ts';
import { rangeFrom } from '../../schema/range.ts';
import { requireFewPoints } from '../../schema/resolution.ts';
import { positionFilterFrom } from '../../schema/trade.ts';
import { nodeName, nodeNames } from '../reads/asked-nodes.ts';
import { axesOf, NODES_OF_ACCOUNT, type PnlQuestion, pnlPoints } from '../reads/pnl-series.ts';
import type { Rollups } from '../reads/rollups.ts';
import { withinDesk } from '../rights/desk-filter.ts';
import { type Batch, PNL_COLUMNS, PNL_POINT_COLUMNS, selectList } from './columns.ts';
import type { ExportKind, Surroundings } from './export-kind.ts';
import { withGaps } from './gaps.ts';
import { fileInstant, fileName, format, instant, parametersFrom, resolution } from './parameters.ts';
import type { Snapshot } from './snapshot.ts';

const PARAMETERS = z.strictObject({
  account: z.string(),
  node: z.string().optional(),
  from: instant,
  to: instant,
  resolution,
  format,
});

/**
 * What positions of an account were worth, one after the other by node, as the field `pnlSeries` has them: at RAW every
 * snapshot, of coarser resolutions every point, and as many.
 */
export const PNL_EXPORT: ExportKind = {
  needs: EXPORT_PERMISSIONS.pnl,
  plan(query, scopes) {
    const { account, node, resolution, ...span } = parametersFrom(PARAMETERS, query);
    const range = rangeFrom(span);
    const filter = { account, ...positionFilterFrom({ node }) };
    const question: PnlQuestion = { ...(scopes ? withinDesk(filter, scopes) : filter), range, resolution };
    if (resolution !== 'RAW') requireFewPoints(1, 'SPOT', range, resolution);
    return {
      file: fileName(['pnl', account, node, resolution, fileInstant(range.from), fileInstant(range.to)]),
      columns: columnsOf(question),
      batches: (snapshot, around) => batchesOf(snapshot, around, question),
    };
  },
};

function columnsOf({ resolution }: PnlQuestion) {
  return resolution === 'RAW' ? PNL_COLUMNS : PNL_POINT_COLUMNS;
}

async function* batchesOf(snapshot: Snapshot, around: Surroundings, question: PnlQuestion): AsyncGenerator<Batch> {
  const { account, node, range, resolution } = question;
  const nodes = node === undefined ? await nodesOf(snapshot, question) : [nodeName(node)];
  if (resolution !== 'RAW') requireFewPoints(nodes.length, 'SPOT', range, resolution);
  const text = textOf(question, await around.rollups());
  const axes = resolution === 'RAW' ? undefined : axesOf(range, resolution);
  for (const each of nodes) {
    const market = marketOf(each);
    const axis = axes?.(market);
    const { from, to } = axis?.bounds ?? range;
    const values = [market.id, localNameOf(each), account, new Date(from), new Date(to), market.timeZone];
    const stored = snapshot.pages(text, values);
    const pages = axis ? withGaps(stored, axis, PNL_POINT_COLUMNS.length - 2, around.now) : stored;
    for await (const rows of pages) yield { lead: [account, each], rows };
  }
}

async function nodesOf(snapshot: Snapshot, { account, markets }: PnlQuestion): Promise<NodeName[]> {
  const rows = await snapshot.read(NODES_OF_ACCOUNT, [account, markets]);
  return nodeNames(rows.map(([node]) => String(node)));
}

/** The node as a constant, so that its snapshots come by their key. */
function textOf(question: PnlQuestion, rollups: Rollups): string {
  return `
    SELECT ${selectList(columnsOf(question))}
    FROM (SELECT (SELECT id FROM pricing_node WHERE market_id = $1 AND name = $2) AS id) AS n
    CROSS JOIN (SELECT $4::timestamptz AS lo, $5::timestamptz AS hi, $6::text AS zone) AS asked
    CROSS JOIN LATERAL (${pnlPoints(question.resolution, rollups, '$3')}) AS point`;
}
