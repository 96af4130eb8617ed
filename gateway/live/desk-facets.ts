import type { PositionFilter } from '../../schema/trading-rows.ts';
import type { Facet } from './interest-index.ts';
import { marketIn } from './market-in.ts';

/** How trades and positions are asked for. */
export const DESK_FACETS: readonly Facet<PositionFilter, { readonly account: string; readonly node: string }>[] = [
  { asked: ({ account, accounts }) => (account === undefined ? accounts : [account]), of: ({ account }) => account },
  { asked: ({ node }) => (node === undefined ? undefined : [node]), of: ({ node }) => node },
  { asked: ({ markets }) => markets, of: ({ node }) => marketIn(node) },
];
