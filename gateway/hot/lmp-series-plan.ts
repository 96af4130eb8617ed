import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import type { NodeName } from '../../domain/market.ts';
import { intervalMinutesOf, type MarketRun } from '../../domain/market-run.ts';
import type { Resolution } from '../../schema/context.ts';
import { lmpSeriesQuestion } from '../../schema/lmp-series.ts';
import { isOffGrid, planSeries, type Question } from '../reads/lmp-series.ts';
import { readsRollups, SERIES_COLUMNS, type SeriesColumn } from '../reads/lmp-series-statement.ts';
import { type Axis, layOut } from '../reads/series-axis.ts';
import { itemsOf, numbersJson, numbersOfJson } from './column-json.ts';
import { createColumnSets } from './column-sets.ts';
import { instantJson } from './instant-json.ts';
import { type FieldTemplates, listJson, objectTemplate, type Template } from './object-template.ts';
import { pricingNodeTemplate } from './pricing-node-template.ts';
import type { PlanRoot, ReadSet } from './root-plan.ts';
import type { Selected, Selections } from './selection.ts';

type Arguments = Parameters<typeof lmpSeriesQuestion>[0];

/** The arrays' texts of a node; null: the column is none at this resolution. */
type StoredTexts = Readonly<Record<SeriesColumn, string | null>> & { readonly node: NodeName; readonly start: string };

/** A series laid out: its columns as JSON. */
interface SeriesTexts {
  readonly start: string;
  columnOf(column: SeriesColumn): string;
}

interface SeriesSource {
  readonly question: Question;
  readonly nodes: readonly NodeName[];
  readonly series: readonly SeriesTexts[];
}

const sets = createColumnSets<SeriesColumn>(SERIES_COLUMNS);

export const planLmpSeries: PlanRoot = (selected, selections) => {
  const wants = new Set<SeriesColumn>();
  const template = seriesTemplate(selected, selections, wants);
  if (!template) return undefined;
  const { columns, name } = sets.setFor(wants);
  return {
    bind(args) {
      // The schema has made them of what the field declares.
      const question = lmpSeriesQuestion(args as unknown as Arguments);
      return {
        reads: readSetOf(question),
        json: async ({ db, rollups, clock }) => {
          const { statement, axisOf, requireFew } = planSeries(question, await rollups(), { columns, name });
          const { rows } = await db.query<StoredTexts>(statement);
          const now = clock();
          const series = rows.map((stored) => {
            const starts = numbersOfJson(stored.start);
            requireFew(stored.node, starts.length);
            return laidOut(stored, starts, question, axisOf(stored.node), now);
          });
          return listJson(series.length, template({ question, nodes: rows.map(({ node }) => node), series }));
        },
      };
    },
  };
};

function readSetOf(question: ReturnType<typeof lmpSeriesQuestion>): ReadSet {
  const { nodes, run, range, resolution, asOf } = question;
  const read = { from: range.from, to: range.to + pointMsMax(run, resolution) };
  return {
    nodes,
    run,
    range: read,
    moves: true,
    ...(asOf !== undefined && { earlier: true }),
    ...(readsRollups(question) && { fromRollups: true }),
  };
}

/** A point that starts in the range is read whole: so far it may reach behind the range's end. */
function pointMsMax(run: MarketRun, resolution: Resolution): number {
  return resolution === 'RAW' ? (intervalMinutesOf(run) ?? 0) * MINUTE_MS : BUCKET_MS_MAX[resolution];
}

const BUCKET_MS_MAX: Readonly<Record<Exclude<Resolution, 'RAW'>, number>> = {
  FIFTEEN_MINUTES: 15 * MINUTE_MS,
  HOUR: HOUR_MS,
  DAY: 25 * HOUR_MS,
  MONTH: 31 * DAY_MS + HOUR_MS,
};

function seriesTemplate(
  selected: Selected,
  selections: Selections,
  wants: Set<SeriesColumn>,
): Template<SeriesSource> | undefined {
  const columns = SERIES_COLUMNS.map((column) => {
    const template = (): Template<SeriesSource> => {
      wants.add(column);
      return ({ series }) => series.map((each) => each.columnOf(column));
    };
    return [column, template] as const;
  });
  const fields: FieldTemplates<SeriesSource> = {
    ...Object.fromEntries(columns),
    node: (below) => {
      const template = pricingNodeTemplate(below, selections);
      return template && (({ nodes }) => template(nodes));
    },
    run: () => (source) => JSON.stringify(source.question.run),
    resolution: () => (source) => JSON.stringify(source.question.resolution),
    start: () => (source) => source.series.map(({ start }) => start),
  };
  return objectTemplate('LmpSeries', selections.of(selected.sets, 'LmpSeries'), fields);
}

/** As the ordinary way lays out numbers, with their texts: they are only taken apart where something is missing. */
function laidOut(
  stored: StoredTexts,
  starts: readonly number[],
  { run, resolution }: Question,
  axis: Axis,
  now: number,
): SeriesTexts {
  const points = isOffGrid(run, resolution, starts) ? starts : axis.starts(now, starts.at(-1));
  return {
    start: `[${points.map(instantJson).join()}]`,
    columnOf: (column) => {
      const text = stored[column];
      if (text === null) return 'null';
      const json = numbersJson(text);
      if (points.length === starts.length) return json;
      const { items } = layOut({ items: itemsOf(json) }, starts, points);
      return `[${items.map((item) => item ?? 'null').join()}]`;
    },
  };
}
