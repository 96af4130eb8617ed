import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import type { GraphiQLOptions } from 'graphql-yoga';
import { examples } from './examples.ts';

/** GraphiQL's options of one page load. */
export function graphiqlOptions(now: number): GraphiQLOptions {
  return {
    title: 'Busbar',
    subscriptionsProtocol: 'WS',
    defaultTabs: examples(now).map(({ query, variables }) => ({ query, variables: variables ?? null })),
    shouldPersistHeaders: false,
  };
}

/**
 * The page with all its scripts and styles inside (9 MB): the stock page of the server fetches them from a content
 * delivery network, and where Busbar runs there often is none.
 */
export function renderPage(options: GraphiQLOptions): string {
  // What the open tab begins with; without it the page puts its own welcome over the first example.
  const opened = { ...options, query: options.defaultTabs?.[0]?.query ?? '' };
  return renderGraphiQL(opened);
}
