import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import { ALL_RIGHTS, type Rights } from '../../../domain/rights.ts';
import { schema } from '../../../schema/schema.ts';
import { authenticatorOf, identityWith } from '../auth.ts';
import type { TestDatabase } from '../postgres.ts';
import { type Answer, type StoreGateway, startStoreGateway } from '../store-gateway.ts';
import { FILLED, fillStore } from './filled-store.ts';
import { PEOPLE, type Person, peopleAuthenticator } from './people.ts';
import { type Random, randomFrom, randomQuery } from './random-query.ts';
import { leaveWithin } from './reduced-store.ts';

export interface Verdict {
  asked: number;
  /** Answered without an error. */
  whole: number;
  forbidden: number;
  /** Answers that were compared with those of a store that holds nothing beyond the rights. */
  compared: number;
  /** What should not have been: the query, who asked, and what is wrong. */
  readonly wrong: { readonly person: Person; readonly query: string; readonly why: string }[];
}

export interface Oracle {
  /** Asks random queries, each as these people. Ends early where too much is wrong. @param options.asked told of each query. */
  run(options: {
    queries: number;
    seed: number;
    people: readonly Person[];
    asked?: (queries: number, verdict: Verdict) => void;
  }): Promise<Verdict>;
  close(): Promise<void>;
}

const WRONG_MAX = 20;

/**
 * Asks a gateway over a whole store as people who may see a part of it, and compares with a gateway over a store that holds just that
 * part, which is asked by somebody of the same roles who may see everything there is. Besides, no name of what is beyond may be in
 * an answer, and no error may be a masked one.
 * @param isBound false, the negative control: everybody sees everything, as far as their roles go. It has to find that.
 */
export async function openOracle(fresh: () => Promise<TestDatabase>, { isBound = true } = {}): Promise<Oracle> {
  const clock = () => FILLED.now;
  const opened: { db: TestDatabase; gateway: StoreGateway }[] = [];
  const open = async (scopes: Rights, authenticator: ReturnType<typeof authenticatorOf>) => {
    const db = await fresh();
    await fillStore(db.pool);
    await leaveWithin(db.pool, scopes);
    const gateway = await startStoreGateway({ db, clock, authenticator });
    const store = { db, gateway, names: await namesIn(db.pool) };
    opened.push(store);
    return store;
  };
  const whole = await open(ALL_RIGHTS, isBound ? peopleAuthenticator() : unbound());
  const parts = new Map<string, typeof whole>();
  for (const rights of Object.values<Rights>(PEOPLE)) {
    const key = scopeKey(rights);
    if (!parts.has(key)) parts.set(key, await open(rights, everybody()));
  }

  const judge = async (person: Person, query: string, verdict: Verdict): Promise<string | undefined> => {
    const rights: Rights = PEOPLE[person];
    const part = parts.get(scopeKey(rights));
    if (!part) throw new TypeError('a store for each scope');
    const answer = await ask(whole.gateway.url, person, query);
    const errors = answer.errors ?? [];
    verdict.asked += 1;
    const codes = errors.map(({ extensions }) => String(extensions.code));
    const failed = errors.find((_, at) => !SOUND.has(codes[at] ?? ''));
    if (failed) return `failed: ${JSON.stringify(failed)}`;
    const beyond = [...whole.names].filter((name) => !part.names.has(name));
    const told = textsIn(answer.data).find((text) =>
      beyond.some((name) => text === name || text.startsWith(`${name}:`)),
    );
    if (told) return `told of ${told}`;
    if (errors.length === 0) verdict.whole += 1;
    if (codes.includes('FORBIDDEN')) {
      verdict.forbidden += 1;
      const pathless = errors.find((each, at) => codes[at] === 'FORBIDDEN' && !('path' in each));
      return pathless && `without a path: ${JSON.stringify(pathless)}`;
    }
    if (ABOUT_THE_ASKER.test(query)) return undefined;
    verdict.compared += 1;
    const expected = await ask(part.gateway.url, rights.roles.join(), query);
    return isDeepStrictEqual(comparable(answer), comparable(expected))
      ? undefined
      : `differs:\n${JSON.stringify(answer)}\n${JSON.stringify(expected)}`;
  };

  return {
    async run({ queries, seed, people, asked = () => {} }) {
      const random: Random = randomFrom(seed);
      const verdict: Verdict = { asked: 0, whole: 0, forbidden: 0, compared: 0, wrong: [] };
      for (let made = 0; made < queries && verdict.wrong.length < WRONG_MAX; made++) {
        const query = randomQuery(schema, random);
        for (const person of people) {
          const why = await judge(person, query, verdict);
          if (why) verdict.wrong.push({ person, query, why });
        }
        asked(made + 1, verdict);
      }
      return verdict;
    },
    async close() {
      for (const { db, gateway } of opened) {
        await gateway.close();
        await db.drop();
      }
    },
  };
}

/** Who asks differs from one to the other, and so does what they are told of themselves. */
const ABOUT_THE_ASKER = /: me\b/;

/** What a client may be told; anything else is a failure of ours. */
const SOUND: ReadonlySet<string> = new Set(['BAD_USER_INPUT', 'FORBIDDEN', 'NOT_FOUND', 'LIMIT_EXCEEDED']);

/** Comes by the names of their roles, and may see everything there is. */
function everybody() {
  const known = Object.values<Rights>(PEOPLE).map(({ roles }) => [roles.join(), identityWith({ roles })]);
  return authenticatorOf(Object.fromEntries(known));
}

/** The same people, over everything. */
function unbound() {
  const known = Object.entries<Rights>(PEOPLE).map(([name, { roles }]) => [name, identityWith({ roles })]);
  return authenticatorOf(Object.fromEntries(known));
}

async function ask(url: string, credential: string, query: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${credential}` };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  return response.json();
}

/** Fields that fail side by side fail in any order. */
function comparable({ data, errors = [] }: Answer): unknown {
  return { data, errors: errors.map((each) => JSON.stringify(each)).sort() };
}

function scopeKey({ markets, feeds, accounts }: Rights): string {
  return JSON.stringify([markets, feeds, accounts]);
}

/** Of markets, nodes, feeds, accounts, trades. */
async function namesIn(pool: pg.Pool): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ name: string }>(`
    SELECT id AS name FROM market UNION SELECT market_id || ':' || name FROM pricing_node UNION SELECT name FROM pricing_node
    UNION SELECT id FROM feed UNION SELECT id FROM account UNION SELECT trade_id FROM trade WHERE trade_id <> 'moved'`);
  return new Set(rows.map(({ name }) => name));
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
