import { isOnPeak } from '../../domain/blocks.ts';
import { hourEndingOf } from '../../domain/hour-ending.ts';
import { type Market, marketOf, type NodeName } from '../../domain/market.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import { qualityFlags } from '../../domain/quality.ts';
import { instantJson } from './instant-json.ts';
import type { LmpColumn, LmpRows } from './lmp-rows.ts';
import { constant, type FieldTemplates, objectTemplate, type Template, type Write } from './object-template.ts';
import { pricingNodeTemplate } from './pricing-node-template.ts';
import type { Selected, Selections } from './selection.ts';

/** Prices of one run, as rows of columns. */
export interface LmpSource {
  readonly run: MarketRun;
  /** What `place` counts, from 1. */
  readonly nodes: readonly NodeName[];
  readonly rows: LmpRows;
}

/**
 * A price of the schema, all of it but what needs further reads: versions and ledger entry.
 * @param wants takes the columns that the selection needs.
 */
export function lmpTemplate(
  selected: Selected,
  selections: Selections,
  wants: Set<LmpColumn>,
): Template<LmpSource> | undefined {
  const reading = (columns: readonly LmpColumn[], template: Template<LmpSource>) => () => {
    for (const column of columns) wants.add(column);
    return template;
  };
  const asStored = (column: LmpColumn) => reading([column], ({ rows }) => rows.jsonOf(column));
  const instant = (column: LmpColumn) => reading([column], ({ rows }) => instantsOf(rows, column));
  const fields: FieldTemplates<LmpSource> = {
    node: (below) => {
      const template = pricingNodeTemplate(below, selections);
      return template && reading(['place'], atNode(template))();
    },
    run: reading([], ({ run }) => constant(JSON.stringify(run))(run)),
    start: instant('startAt'),
    end: instant('endAt'),
    hourEnding: reading(['place', 'startAt'], ofHour(hourEndingOf)),
    onPeak: reading(['place', 'startAt'], ofHour(isOnPeak)),
    lmp: asStored('lmp'),
    energy: asStored('energy'),
    congestion: asStored('congestion'),
    loss: asStored('loss'),
    ghg: asStored('ghg'),
    revision: asStored('revision'),
    quality: reading(['quality'], qualityOf),
    publishedAt: instant('publishedAt'),
  };
  return objectTemplate('Lmp', selections.of(selected.sets, 'Lmp'), fields);
}

function instantsOf(rows: LmpRows, column: LmpColumn): Write {
  const instants = rows.numbersOf(column);
  return (row) => instantJson(instants[row] ?? Number.NaN);
}

/** Each node is written once, however many rows it has. */
function atNode(template: Template<readonly NodeName[]>): Template<LmpSource> {
  return ({ nodes, rows }) => {
    const write = template(nodes);
    const places = rows.numbersOf('place');
    const written: string[] = [];
    return (row) => {
      const place = (places[row] ?? 0) - 1;
      written[place] ??= write(place);
      return written[place];
    };
  };
}

function ofHour(value: (market: Market, startAt: number) => string | boolean): Template<LmpSource> {
  return ({ nodes, rows }) => {
    const markets = nodes.map(marketOf);
    const places = rows.numbersOf('place');
    const starts = rows.numbersOf('startAt');
    return (row) => {
      const market = markets[(places[row] ?? 0) - 1];
      return market ? JSON.stringify(value(market, starts[row] ?? Number.NaN)) : 'null';
    };
  };
}

function qualityOf({ rows }: LmpSource): Write {
  const bits = rows.numbersOf('quality');
  const written = new Map<number, string>();
  return (row) => {
    const set = bits[row] ?? 0;
    const known = written.get(set) ?? JSON.stringify(qualityFlags(set));
    written.set(set, known);
    return known;
  };
}
