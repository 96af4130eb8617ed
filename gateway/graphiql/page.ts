import { createHash } from 'node:crypto';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import type { GraphiQLOptions } from 'graphql-yoga';
import { Answer } from '../cache/answer.ts';
import { examples } from './examples.ts';

export interface Page {
  readonly answer: Answer;
  /** By which a policy knows its one script: `sha256-…`. */
  readonly scriptHash: string;
}

/**
 * The page with all its scripts and styles inside (9 MB): the stock page of the server fetches them from a content
 * delivery network, and where Busbar runs there often is none. Takes a tenth of a second.
 * @param now milliseconds UTC, of which its examples are.
 * @param asksForCredential whether it opens where one is entered.
 */
export function createPage(now: number, asksForCredential: boolean): Page {
  const html = renderPage({ ...optionsAt(now), ...(asksForCredential && ASK_FOR_CREDENTIAL) });
  return { answer: new Answer(Buffer.from(html)), scriptHash: scriptHashOf(html) };
}

function optionsAt(now: number): GraphiQLOptions {
  return {
    title: 'Busbar',
    subscriptionsProtocol: 'WS',
    defaultTabs: examples(now).map(({ query, variables }) => ({ query, variables: variables ?? null })),
    shouldPersistHeaders: false,
  };
}

/** The page asks by what is entered here; it is not kept when it is closed. */
const ASK_FOR_CREDENTIAL = {
  headers: JSON.stringify({ authorization: 'Bearer ' }),
  defaultEditorToolsVisibility: 'headers',
} as const;

function renderPage(options: GraphiQLOptions): string {
  // What the open tab begins with; without it the page puts its own welcome over the first example.
  const opened = { ...options, query: options.defaultTabs?.[0]?.query ?? '' };
  // Browsers read every end of a line as this one, before they look at the script's hash.
  return renderGraphiQL(opened).replace(/\r\n?/g, '\n');
}

/** Its one script is the first in the page; what follows are texts within it. */
function scriptHashOf(html: string): string {
  const script = html.slice(html.indexOf('<script>') + '<script>'.length, html.lastIndexOf('</script>'));
  return `sha256-${createHash('sha256').update(script).digest('base64')}`;
}
