import { localNameOf, type Market, marketOf, type NodeName } from '../../domain/market.ts';
import { type FieldTemplates, objectTemplate, type Template } from './object-template.ts';
import type { Selected, Selections } from './selection.ts';

/** Nodes by their places. What they are called, and their markets, their names tell; metadata does not come this way. */
export function pricingNodeTemplate(
  selected: Selected,
  selections: Selections,
): Template<readonly NodeName[]> | undefined {
  const market = (below: Selected) => objectTemplate('Market', selections.of(below.sets, 'Market'), MARKET_FIELDS);
  const fields: FieldTemplates<readonly NodeName[]> = {
    id: () => textOf((node) => node),
    name: () => textOf(localNameOf),
    market: (below) => {
      const template = market(below);
      return template && ((nodes) => template(nodes.map(marketOf)));
    },
  };
  return objectTemplate('PricingNode', selections.of(selected.sets, 'PricingNode'), fields);
}

function textOf(text: (node: NodeName) => string): Template<readonly NodeName[]> {
  return (nodes) => nodes.map((node) => JSON.stringify(text(node)));
}

const MARKET_FIELDS: FieldTemplates<readonly Market[]> = {
  id: () => marketText('id'),
  name: () => marketText('name'),
  operator: () => marketText('operator'),
  timeZone: () => marketText('timeZone'),
  currency: () => marketText('currency'),
};

function marketText(name: 'id' | 'name' | 'operator' | 'timeZone' | 'currency'): Template<readonly Market[]> {
  return (markets) => markets.map((market) => JSON.stringify(market[name]));
}
