import { z } from 'zod';
import { BusbarError } from '../../domain/errors.ts';
import { MINUTE_MS } from '../../domain/instant.ts';
import { marketOf, type NodeName } from '../../domain/market.ts';
import { intervalMinutesOf } from '../../domain/market-run.ts';
import { EXPORT_PERMISSIONS } from '../../domain/rights.ts';
import { nodesFrom } from '../../schema/node-names.ts';
import { rangeFrom } from '../../schema/range.ts';
import { requireCoarseEnough, requireFewPoints } from '../../schema/resolution.ts';
import { askedNodes } from '../reads/asked-nodes.ts';
import { type PartParameters, prices } from '../reads/lmp-parts.ts';
import { wholeAxesOf } from '../reads/lmp-series.ts';
import { bucketPoints, type SeriesQuestion } from '../reads/lmp-series-statement.ts';
import type { Rollups } from '../reads/rollups.ts';
import { requireNodes } from '../rights/scopes.ts';
import { type Batch, LMP_COLUMNS, LMP_POINT_COLUMNS, type Row, selectList } from './columns.ts';
import type { ExportKind, Surroundings } from './export-kind.ts';
import { withGaps } from './gaps.ts';
import { fileInstant, fileName, format, instant, parametersFrom, resolution, run } from './parameters.ts';
import type { Snapshot } from './snapshot.ts';

const PARAMETERS = z.strictObject({
  /** Separated by commas. */
  nodes: z.string().optional(),
  /** One more, whose name may have a comma. */
  node: z.string().optional(),
  run,
  from: instant,
  to: instant,
  resolution,
  asOf: instant.optional(),
  format,
});

/**
 * Prices, node after node in the order asked. At RAW those that there are, as `lmps` has them; of coarser resolutions every
 * point, as `lmpSeries` has them, and as many.
 */
export const LMP_EXPORT: ExportKind = {
  needs: EXPORT_PERMISSIONS.lmp,
  plan(query, scopes) {
    const { nodes, node, run, resolution, asOf, ...span } = parametersFrom(PARAMETERS, query);
    const names = nodesFrom([...(nodes?.split(',') ?? []), ...(node === undefined ? [] : [node])]);
    if (names.length === 0) throw new BusbarError('BAD_USER_INPUT', 'nodes: is required');
    if (scopes) requireNodes(scopes.markets, names);
    const range = rangeFrom(span);
    requireCoarseEnough(run, resolution);
    if (resolution !== 'RAW') requireFewPoints(names.length, run, range, resolution);
    const question: SeriesQuestion = { run, range, resolution, asOf, block: 'ATC' };
    const what = names.length === 1 ? names[0] : `${names.length}-nodes`;
    const when = [range.from, range.to, asOf].map((at) => (at === undefined ? undefined : fileInstant(at)));
    return {
      file: fileName(['lmp', what, run, resolution, ...when]),
      columns: resolution === 'RAW' ? LMP_COLUMNS : LMP_POINT_COLUMNS,
      rowsMax: resolution === 'RAW' ? rawRowsMax(names.length, question) : undefined,
      batches: (snapshot, around) => batchesOf(snapshot, around, names, question),
    };
  },
};

/** Ticks come as they like. Coarser points are few: they were counted. */
function rawRowsMax(nodes: number, { run, range }: SeriesQuestion): number | undefined {
  const minutes = intervalMinutesOf(run);
  return minutes === null ? undefined : nodes * Math.ceil((range.to - range.from) / (minutes * MINUTE_MS));
}

async function* batchesOf(
  snapshot: Snapshot,
  around: Surroundings,
  nodes: readonly NodeName[],
  question: SeriesQuestion,
): AsyncGenerator<Batch> {
  const ids = await nodeIds(snapshot, nodes);
  const rollups = await around.rollups();
  const pagesOf = question.resolution === 'RAW' ? rawPages : pointPages(around.now, rollups);
  for (const node of nodes) {
    for await (const rows of pagesOf(snapshot, node, ids.get(node), question))
      yield { lead: [node, question.run], rows };
  }
}

async function nodeIds(snapshot: Snapshot, nodes: readonly NodeName[]): Promise<Map<string, number>> {
  const { markets, names } = askedNodes(nodes);
  const rows = await snapshot.read(
    `SELECT n.market_id || ':' || n.name AS node, n.id
     FROM unnest($1::text[], $2::text[]) AS asked (market, name)
     JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name`,
    [markets, names],
  );
  return new Map(rows.map(([node, id]) => [String(node), Number(id)]));
}

/** One node as constants, so that its prices come by their key: joined to it, they would be sorted first. */
const ASKED = `(SELECT $1::int AS id) AS n
  CROSS JOIN (SELECT $3::timestamptz AS lo, $4::timestamptz AS hi, $5::text AS zone) AS asked`;

function valuesOf(id: number, node: NodeName, { run, asOf }: SeriesQuestion, bounds: { from: number; to: number }) {
  const values = [id, run, new Date(bounds.from), new Date(bounds.to), marketOf(node).timeZone];
  return asOf === undefined ? values : [...values, new Date(asOf)];
}

const partParameters = ({ asOf }: SeriesQuestion): PartParameters => ({
  run: '= $2::market_run',
  asOf: asOf === undefined ? undefined : '$6',
});

const RAW_COLUMNS = selectList(LMP_COLUMNS);

async function* rawPages(
  snapshot: Snapshot,
  node: NodeName,
  id: number | undefined,
  question: SeriesQuestion,
): AsyncGenerator<readonly Row[]> {
  if (id === undefined) return;
  const text = `SELECT ${RAW_COLUMNS} FROM ${ASKED} CROSS JOIN LATERAL (${prices(partParameters(question), 'ALL')}) AS price
    ORDER BY interval_start`;
  yield* snapshot.pages(text, valuesOf(id, node, question, question.range));
}

const POINT_COLUMNS = selectList(LMP_POINT_COLUMNS);

function pointPages(now: number, rollups: Rollups): typeof rawPages {
  return async function* (snapshot, node, id, question) {
    const { resolution, asOf } = question;
    if (resolution === 'RAW') throw new TypeError('raw prices are no points');
    const axis = wholeAxesOf(question)(marketOf(node));
    const source = asOf === undefined ? rollups : 'as-of';
    const points = bucketPoints({ resolution, source, parts: partParameters(question), hours: undefined });
    const text = `SELECT ${POINT_COLUMNS} FROM ${ASKED} CROSS JOIN LATERAL (${points}) AS point ORDER BY starts_at`;
    const stored = id === undefined ? nothing() : snapshot.pages(text, valuesOf(id, node, question, axis.bounds));
    yield* withGaps(stored, axis, LMP_POINT_COLUMNS.length - 2, now);
  };
}

/** Of a node that nobody knows. */
async function* nothing(): AsyncGenerator<readonly Row[]> {}
