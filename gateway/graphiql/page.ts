import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import type { GraphiQLOptions } from 'graphql-yoga';
import { examples } from './examples.ts';

/** What makes a page, with the mark by which a browser knows its script. */
interface PageOptions extends GraphiQLOptions {
  readonly nonce: string;
}

/** GraphiQL's options of one page load. */
export function graphiqlOptions(now: number, nonce: string): PageOptions {
  return {
    nonce,
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
export function renderPage({ nonce = '', ...options }: GraphiQLOptions & { readonly nonce?: string }): string {
  // What the open tab begins with; without it the page puts its own welcome over the first example.
  const opened = { ...options, query: options.defaultTabs?.[0]?.query ?? '' };
  // Its one script is the first in the page; what follows are texts within it.
  return renderGraphiQL(opened).replace('<script>', `<script nonce="${nonce}">`);
}
