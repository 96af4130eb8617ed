import fc from 'fast-check';
import type { QueryResultRow } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../domain/instant.ts';
import { type CountingDb, countingDb } from '../../tests/support/counting-db.ts';
import { type LmpSpec, storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { randomQuestion } from '../../tests/support/random-questions.ts';
import { type StoreGateway, startStoreGateway } from '../../tests/support/store-gateway.ts';
import type { Queryable, Statement } from '../reads/statement.ts';

const NOW = Date.parse('2024-11-03T12:02:00Z');
const START = Date.parse('2024-11-03T00:00:00Z');
/** Numbers whose texts differ between Postgres and JavaScript, or are long. */
const NUMBERS = [0, -0, 1 / 3, 0.1 + 0.2, 1e-5, -1e-7, 1e15, 1e21, 1e-300, 1e100, 2 ** -44, 2 ** 53, -12.5];

/** Long enough to be compressed. */
const LONG = `{ lmpSeries(nodes: ["PJM:A"], run: REAL_TIME_5_MIN, from: "2024-11-03T00:00:00Z", to: "2024-11-03T12:00:00Z") { start lmp } }`;

let db: TestDatabase;
let store: CountingDb;
let hot: StoreGateway;
let ordinary: StoreGateway;
beforeAll(async () => {
  db = await freshDatabase();
  await storeLmps(db.pool, prices());
  store = countingDb(db.pool);
  const clock = () => NOW;
  hot = await startStoreGateway({ db, clock, hotDb: store });
  ordinary = await startStoreGateway({ db, clock, isHot: false });
});
afterAll(async () => {
  await hot.close();
  await ordinary.close();
  await db.drop();
});

describe('a query that has a plan', () => {
  test('is answered word for word as the ordinary way answers it, whatever it selects and asks', async () => {
    let planned = 0;
    await fc.assert(
      fc.asyncProperty(randomQuestion(), async (body) => {
        const before = store.statements;
        const [ours, theirs] = await Promise.all([post(hot, body), post(ordinary, body)]);
        planned += Number(store.statements > before);
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 300 },
    );
    expect(planned).toBeGreaterThan(100);
  }, 120_000);

  test('would be found out if it were answered otherwise in a blank', async () => {
    const blank = await startStoreGateway({ db, clock: () => NOW, hotDb: withBlanks(db.pool) });
    const found = await fc.check(
      fc.asyncProperty(randomQuestion(), async (body) => {
        expect((await post(blank, body)).text).toBe((await post(ordinary, body)).text);
      }),
      { numRuns: 200, endOnFailure: true },
    );
    await blank.close();
    expect(found.failed).toBe(true);
  }, 120_000);

  test('is asked again the ordinary way where its plan fails, and the failure is counted', async () => {
    const away = { query: () => Promise.reject(new Error('connect ECONNREFUSED postgres.internal:5432')) };
    const failing = await startStoreGateway({ db, clock: () => NOW, hotDb: away });
    const body = { query: '{ latestLmp(nodes: ["PJM:A"], run: REAL_TIME_5_MIN) { lmp } }' };
    expect(await post(failing, body)).toEqual(await post(ordinary, body));
    const { values } = await failing.metrics.hotHandedOver.get();
    await failing.close();
    expect(values).toMatchObject([{ value: 1 }]);
  });

  test('is answered in as many statements as it has hot fields', async () => {
    const nodes = '["PJM:A", "CAISO:B", "MISO:OFF"]';
    const range = 'from: "2024-11-03T00:00:00Z", to: "2024-11-03T06:00:00Z"';
    const before = store.statements;
    await hot.answer(`{
      lmps(nodes: ${nodes}, run: REAL_TIME_5_MIN, ${range}) { edges { node { node { market { name } } lmp } } }
      lmpSeries(nodes: ${nodes}, run: REAL_TIME_5_MIN, ${range}) { start lmp }
      latestLmp(nodes: ${nodes}, run: REAL_TIME_5_MIN) { start lmp }
    }`);
    // One more the first time: which rollups the store has.
    expect(store.statements - before).toBe(3);
  });
});

describe('the headers of an answer', () => {
  const query = '{ latestLmp(nodes: ["PJM:A"], run: REAL_TIME_5_MIN) { lmp } }';

  test.each([
    [undefined],
    ['*/*'],
    ['application/json'],
    ['application/*;q=0.1'],
    ['application/graphql-response+json, application/json;q=0.9'],
    ['application/json, application/graphql-response+json'],
    ['text/html, application/json'],
    ['application/json; charset=latin1, */*; charset=UTF-8'],
    ['text/event-stream'],
    ['text/plain'],
    [''],
  ])('are those of the ordinary way for accept %s', async (accept) => {
    const headers = { 'content-type': 'application/json', ...(accept !== undefined && { accept }) };
    const ask = (gateway: StoreGateway) => told(gateway, { method: 'POST', headers, body: JSON.stringify({ query }) });
    expect(await ask(hot)).toEqual(await ask(ordinary));
  });

  test.each([
    ['GET', `?query=${encodeURIComponent(query)}`],
    ['GET', `?query=${encodeURIComponent(`query A ${query} query B { __typename }`)}&operationName=A`],
    ['GET', `?query=${encodeURIComponent(query)}&variables=nothing`],
    ['GET', ''],
    ['GET', `?query=${encodeURIComponent(LONG)}`],
    ['HEAD', `?query=${encodeURIComponent(query)}`],
    ['PUT', `?query=${encodeURIComponent(query)}`],
  ])('are those of the ordinary way for %s %s', async (method, search) => {
    const ask = (gateway: StoreGateway) => told(gateway, { method }, search);
    expect(await ask(hot)).toEqual(await ask(ordinary));
  });

  test.each(['br', 'gzip', 'gzip;q=0', 'br;q=0.1, gzip', '*'])(
    'are those of the ordinary way for accept-encoding %s',
    async (coding) => {
      const headers = { 'accept-encoding': coding };
      for (const asked of [query, LONG]) {
        const ask = (gateway: StoreGateway) => told(gateway, { headers }, `?query=${encodeURIComponent(asked)}`);
        expect(await ask(hot)).toEqual(await ask(ordinary));
      }
    },
  );

  test.each([
    JSON.stringify({ query, variables: null, operationName: null, extensions: null }),
    JSON.stringify({ query, more: 1 }),
    JSON.stringify({ query, variables: [] }),
    JSON.stringify({ query, operationName: '' }),
    JSON.stringify({ query: `query A ${query}`, operationName: 'B' }),
    JSON.stringify({ query: `query A ${query} query B ${query}` }),
    JSON.stringify({ query: `mutation { __typename }` }),
    JSON.stringify([{ query }]),
    JSON.stringify({ query: `{ latestLmp(nodes: ["PJM:A"], run: REAL_TIME_5_MIN) { lmp nothing } }` }),
    JSON.stringify({ query: `${query} {` }),
    'null',
    '{',
    '',
  ])('and the answer are those of the ordinary way for the body %s', async (body) => {
    const headers = { 'content-type': 'application/json' };
    const ask = (gateway: StoreGateway) => told(gateway, { method: 'POST', headers, body });
    expect(await ask(hot)).toEqual(await ask(ordinary));
  });
});

/** A store that writes its arrays as `json_agg` does. */
function withBlanks(pool: Queryable): Queryable {
  return {
    async query<Row extends QueryResultRow>(statement: Statement) {
      const { rows } = await pool.query<Row>(statement);
      const spaced = ([name, value]: [string, unknown]) =>
        [name, typeof value === 'string' ? value.replaceAll(',', ', ') : value] as const;
      return { rows: rows.map((row) => Object.assign(row, Object.fromEntries(Object.entries(row).map(spaced)))) };
    },
  };
}

async function post(gateway: StoreGateway, body: object) {
  const headers = { 'content-type': 'application/json' };
  return told(gateway, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function told(gateway: StoreGateway, init: RequestInit, search = '') {
  const response = await fetch(gateway.url + search, init);
  const { date: _date, ...headers } = Object.fromEntries(response.headers);
  return { status: response.status, headers, text: await response.text() };
}

/** A day of prices in two markets with gaps and odd numbers, some off the grid, some in other runs. */
function prices(): LmpSpec[] {
  const specs: LmpSpec[] = [];
  for (let place = 0; place < 150; place++) {
    const number = (shift: number) => NUMBERS[(place * 7 + shift) % NUMBERS.length] ?? 0;
    const at = START + place * 5 * MINUTE_MS;
    const spec = { run: 'REAL_TIME_5_MIN', start: at, minutes: 5, lmp: number(0) } as const;
    if (place % 11 !== 3)
      specs.push({ node: 'PJM:A', ...spec, energy: number(1), congestion: number(2), loss: number(3) });
    if (place % 5 !== 4)
      specs.push({ node: 'CAISO:B', ...spec, ghg: number(4), flags: ['IDENTITY_BREACH', 'PRICE_OUTLIER'] });
    if (place % 3 === 0) specs.push({ node: 'MISO:OFF', ...spec, start: at + 61_003, lmp: 12.25 });
  }
  for (let hour = 0; hour < 30; hour++) {
    const start = START + hour * HOUR_MS;
    specs.push({
      node: 'PJM:Ü "quoted"',
      run: 'DAY_AHEAD_HOURLY',
      start,
      minutes: 60,
      lmp: hour / 7,
      recordedAt: isoFromInstant(start),
    });
    specs.push({
      node: 'PJM:A',
      run: 'DAY_AHEAD_HOURLY',
      start,
      minutes: 60,
      lmp: hour,
      energy: hour,
      recordedAt: isoFromInstant(start),
    });
  }
  return specs;
}
