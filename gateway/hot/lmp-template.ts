import { isOnPeak } from '../../domain/blocks.ts';
import { hourEndingOf } from '../../domain/hour-ending.ts';
import { type Market, marketOf, type NodeName } from '../../domain/market.ts';
import type { MarketRun } from '../../domain/market-run.ts';
import { qualityFlags } from '../../domain/quality.ts';
import { instantJson } from './instant-json.ts';
import type { LmpColumn, LmpRows } from './lmp-rows.ts';
import { type FieldTemplates, objectTemplate, type Template } from './object-template.ts';
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
  const instant = (column: LmpColumn) => reading([column], ({ rows }) => rows.numbersOf(column).map(instantJson));
  const fields: FieldTemplates<LmpSource> = {
    node: (below) => {
      const template = pricingNodeTemplate(below, selections);
      return template && reading(['place'], atNode(template))();
    },
    run: reading([], ({ run }) => JSON.stringify(run)),
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

/** Each node is written once, however many rows it has. */
function atNode(template: Template<readonly NodeName[]>): Template<LmpSource> {
  return ({ nodes, rows }) => {
    const written = template(nodes);
    if (typeof written === 'string') return written;
    return rows.numbersOf('place').map((place) => written[place - 1] ?? 'null');
  };
}

function ofHour(value: (market: Market, startAt: number) => string | boolean): Template<LmpSource> {
  return ({ nodes, rows }) => {
    const markets = nodes.map(marketOf);
    const places = rows.numbersOf('place');
    return rows.numbersOf('startAt').map((startAt, row) => {
      const market = markets[(places[row] ?? 0) - 1];
      return market ? JSON.stringify(value(market, startAt)) : 'null';
    });
  };
}

function qualityOf({ rows }: LmpSource): readonly string[] {
  const written = new Map<number, string>();
  return rows.numbersOf('quality').map((bits) => {
    const known = written.get(bits) ?? JSON.stringify(qualityFlags(bits));
    written.set(bits, known);
    return known;
  });
}
