import { Client } from 'undici';
import type { Case } from './questions.ts';
import type { Shape } from './shape.ts';

export interface Asked {
  readonly url: string;
  readonly shape: Shape;
}

/**
 * One question at a time, each store in its turn, so that what the machine does beside falls on all.
 * @returns microseconds of every answer, a list a store.
 * @throws where an answer is an error or shows too few prices.
 */
export async function askInTurns(stores: readonly Asked[], asked: Case, questions: number): Promise<number[][]> {
  const clients = stores.map(({ url }) => new Client(new URL(url).origin));
  const latencies = stores.map((): number[] => []);
  for (let question = 0; question < questions; question++) {
    for (const [place, { shape }] of stores.entries()) {
      const client = clients[place];
      if (client) latencies[place]?.push(await latencyUsOf(client, asked, asked.variables(shape)));
    }
  }
  await Promise.all(clients.map((client) => client.close()));
  return latencies;
}

const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };

async function latencyUsOf(client: Client, { query, pricesMin }: Case, variables: object): Promise<number> {
  const body = JSON.stringify({ query, variables });
  const startedAt = performance.now();
  const response = await client.request({ path: '/graphql', method: 'POST', headers: HEADERS, body });
  const text = await response.body.text();
  const us = (performance.now() - startedAt) * 1_000;
  if (text.includes('"errors"') || text.split('Z"').length - 1 < pricesMin)
    throw new Error(`not an answer of ${pricesMin} prices to ${JSON.stringify(variables)}: ${text.slice(0, 500)}`);
  return us;
}
