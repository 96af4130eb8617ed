import { Client } from 'undici';
import { MINUTE_MS } from '../../domain/instant.ts';
import { type Question, WORDINGS, type WordingName } from './question.ts';
import { DAYS, NODES, START_AT } from './store.ts';

/** Requests under way at any time, each on a connection of its own. */
export const CONNECTIONS = 16;

export interface Target {
  readonly url: string;
  readonly wording: WordingName;
  /** An API key, where one has to be shown. */
  readonly credential?: string | undefined;
}

/**
 * Asks one server so many questions, as fast as it answers. Every question is another node and time, so that nobody's cache helps.
 * @returns answers a second. @throws where an answer is an error, or holds other than `points` prices.
 */
export async function rateOf(target: Target, points: number, answers: number): Promise<number> {
  const clients = Array.from({ length: CONNECTIONS }, () => new Client(new URL(target.url).origin));
  const startedAt = performance.now();
  let asked = 0;
  await Promise.all(
    clients.map(async (client) => {
      while (asked < answers) {
        asked++;
        const text = await ask(client, target, randomQuestion(points));
        if (asked % 97 === 0) requirePoints(text, points);
      }
    }),
  );
  const rate = answers / ((performance.now() - startedAt) / 1_000);
  await Promise.all(clients.map((client) => client.close()));
  return rate;
}

/** The answer to one question. */
export async function answerOf(target: Target, question: Question): Promise<string> {
  const client = new Client(new URL(target.url).origin);
  const text = await ask(client, target, question);
  await client.close();
  return text;
}

export function randomQuestion(points: number): Question {
  const node = Math.floor(Math.random() * NODES);
  const from = START_AT + Math.floor(Math.random() * (DAYS * 288 - points)) * 5 * MINUTE_MS;
  return { node: `PJM:NODE-${node}`, from, to: from + points * 5 * MINUTE_MS, points };
}

const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };

function ask(client: Client, { wording, credential }: Target, question: Question): Promise<string> {
  const { query, variables } = WORDINGS[wording];
  const body = JSON.stringify({ query, variables: variables(question) });
  const headers = credential === undefined ? HEADERS : { ...HEADERS, authorization: `Bearer ${credential}` };
  return new Promise((done, failed) => {
    const chunks: Buffer[] = [];
    client.dispatch(
      { path: '/graphql', method: 'POST', headers, body },
      {
        onRequestStart: () => {},
        onResponseData: (_controller, chunk) => void chunks.push(chunk),
        onResponseEnd: () => done(Buffer.concat(chunks).toString('latin1')),
        onResponseError: (_controller, error) => failed(error),
      },
    );
  });
}

function requirePoints(text: string, points: number): void {
  const found = text.split('"start"').length - 1;
  const inColumns = text.split('Z"').length - 1;
  if (text.includes('"errors"') || (found !== points && inColumns !== points))
    throw new Error(`not an answer of ${points} prices: ${text.slice(0, 500)}`);
}
