import type { NodeName } from '../../domain/market.ts';
import { lmpSeriesQuestion } from '../../schema/lmp-series.ts';
import { isOffGrid, planSeries, type Question } from '../reads/lmp-series.ts';
import { SERIES_COLUMNS, type SeriesColumn } from '../reads/lmp-series-statement.ts';
import { type Axis, layOut } from '../reads/series-axis.ts';
import { itemsOf, numbersJson } from './column-json.ts';
import { createColumnSets } from './column-sets.ts';
import { instantJson } from './instant-json.ts';
import { constant, type FieldTemplates, listJson, objectTemplate, type Template } from './object-template.ts';
import { pricingNodeTemplate } from './pricing-node-template.ts';
import type { PlanRoot } from './root-plan.ts';
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
      const { nodes, run, range } = question;
      return {
        reads: { nodes, run, range, moves: true },
        json: async ({ db, rollups, clock }) => {
          const { statement, axisOf, requireFew } = planSeries(question, await rollups(), { columns, name });
          const { rows } = await db.query<StoredTexts>(statement);
          const now = clock();
          const series = rows.map((stored) => {
            const starts = itemsOf(stored.start).map(Number);
            requireFew(stored.node, starts.length);
            return laidOut(stored, starts, question, axisOf(stored.node), now);
          });
          return listJson(series.length, template({ question, nodes: rows.map(({ node }) => node), series }));
        },
      };
    },
  };
};

function seriesTemplate(
  selected: Selected,
  selections: Selections,
  wants: Set<SeriesColumn>,
): Template<SeriesSource> | undefined {
  const columns = SERIES_COLUMNS.map((column) => {
    const template = (): Template<SeriesSource> => {
      wants.add(column);
      return ({ series }) =>
        (place) =>
          series[place]?.columnOf(column) ?? 'null';
    };
    return [column, template] as const;
  });
  const fields: FieldTemplates<SeriesSource> = {
    ...Object.fromEntries(columns),
    node: (below) => {
      const template = pricingNodeTemplate(below, selections);
      return template && (({ nodes }) => template(nodes));
    },
    run: () => (source) => constant(JSON.stringify(source.question.run))(source),
    resolution: () => (source) => constant(JSON.stringify(source.question.resolution))(source),
    start:
      () =>
      ({ series }) =>
      (place) =>
        series[place]?.start ?? 'null',
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
    start: listJson(points.length, (place) => instantJson(points[place] ?? Number.NaN)),
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
