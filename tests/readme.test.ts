import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { getOperationAST, type OperationTypeNode, parse, validate } from 'graphql';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addPrice, type ForecastState } from '../domain/forecast.ts';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../domain/instant.ts';
import { MARK_RUNS } from '../domain/mark-price.ts';
import { type NodeName, parseNodeName } from '../domain/market.ts';
import { decimalFrom } from '../domain/money.ts';
import type { Trade } from '../domain/trade.ts';
import { FEED_SETTINGS } from '../ingestors/feeds/index.ts';
import { decodeTrades } from '../ingestors/feeds/json-topics/decode-trades.ts';
import { writeTrades } from '../ingestors/pipeline/store/write-trades.ts';
import { saveStates } from '../ingestors/processors/forecasts/stored-forecast.ts';
import { SIMULATOR_ENV } from '../ingestors/simulator/settings.ts';
import type { Queryable } from '../prisma/queryable.ts';
import { inTransaction } from '../prisma/transaction.ts';
import { variables } from '../runtime/config.ts';
import { schema } from '../schema/schema.ts';
import { storeLmps } from './support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from './support/postgres.ts';
import { type CodeBlock, type Readme, readReadme } from './support/readme.ts';
import { type StoreGateway, startStoreGateway } from './support/store-gateway.ts';

const ROOT = new URL('../', import.meta.url);
const NODES = ['CAISO:CAISO-NP15', 'PJM:PJM-WEST'];
const FROM = Date.UTC(2026, 0, 9, 12);
const NOW = FROM + 2 * HOUR_MS;
const RANGE = { from: isoFromInstant(FROM), to: isoFromInstant(NOW) };

let readme: Readme;
beforeAll(async () => {
  readme = await readReadme();
});

const blocksIn = (language: string) => readme.blocks.filter((block) => block.language === language);

describe('what README.md names', () => {
  it('as a query is sound', () => {
    expect(blocksIn('graphql').length).toBeGreaterThan(10);
    for (const { text } of blocksIn('graphql')) expect(validate(schema, parse(text)), text).toEqual([]);
  });

  it('as a trade is one that the topic takes', () => {
    const [record] = blocksIn('json');
    const { facts, rejects } = decodeTrades({ bytes: Buffer.from(record?.text ?? ''), name: 'trades' });
    expect(rejects).toEqual([]);
    expect(facts).toMatchObject([{ account: 'DESK-EAST', minutes: 60, price: decimalFrom('31.25') }]);
  });

  it('as a command is one of package.json', async () => {
    const { scripts } = JSON.parse(await readFile(new URL('package.json', ROOT), 'utf8'));
    const named = [...readme.text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, script]) => script);
    expect(named.length).toBeGreaterThan(5);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });

  it('as a variable in a table is one that Busbar reads', () => {
    const rows = [...readme.text.matchAll(/^\| (`[A-Z][A-Z_]+`.*?) +\|/gm)].map(([, first = '']) => first);
    const named = rows.flatMap((first) => first.match(/\b[A-Z][A-Z_]+\b/g) ?? []);
    expect(named).toEqual(expect.arrayContaining(['MARK_RUNS', 'SIMULATOR_TRADES']));
    expect(variables([...FEED_SETTINGS, SIMULATOR_ENV]).map(({ name }) => name)).toEqual(expect.arrayContaining(named));
  });

  it('as a file is there', () => {
    const links = [...readme.text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = '']) => path);
    expect(links.length).toBeGreaterThan(5);
    for (const path of links) expect(existsSync(new URL(path, ROOT)), path).toBe(true);
  });
});

describe('the queries of README.md, asked of a store', () => {
  let db: TestDatabase;
  let gateway: StoreGateway;
  let sql: pg.PoolClient;
  beforeAll(async () => {
    db = await freshDatabase();
    await storePrices(db.pool);
    await inTransaction(db.pool, (client) => storeBook(client));
    gateway = await startStoreGateway({ db, clock: () => NOW });
    sql = await db.pool.connect();
    await sql.query(EARLIER_TABLES);
  });
  afterAll(async () => {
    sql.release(true);
    await gateway.close();
    await db.drop();
  });

  it('are answered, each one', async () => {
    const queries = blocksIn('graphql').filter(({ text }) => operationOf(text) === 'query');
    expect(queries.length).toBeGreaterThan(10);
    for (const { text } of queries) expect((await gateway.ask(text, RANGE)).errors, text).toBeUndefined();
  });

  it('answer what the SQL above them answers', async () => {
    const pairs = pairsIn(readme.blocks);
    expect(pairs.length).toBe(6);
    for (const [select, query] of pairs) {
      const rows = cellsOf((await gateway.answer(query.text, RANGE)) as Answered);
      expect(rows.length, query.text).toBeGreaterThan(1);
      expect(rows, select.text).toEqual(await selected(sql, select.text));
    }
  });
});

function operationOf(text: string): OperationTypeNode | undefined {
  return getOperationAST(parse(text))?.operation;
}

/** Each SQL and the query after it. */
function pairsIn(blocks: readonly CodeBlock[]): [select: CodeBlock, query: CodeBlock][] {
  return blocks.flatMap((block, place): [CodeBlock, CodeBlock][] => {
    const next = blocks[place + 1];
    return block.language === 'sql' && next ? [[block, next]] : [];
  });
}

type Leaf = string | number | null;
type Answered = { readonly [field: string]: readonly Tree[] };
type Tree = Leaf | readonly Leaf[] | { readonly [field: string]: Tree };

/** An answer as a table has it: the leaves of each element in their order, and a row for each place in its columns. */
function cellsOf(answered: Answered): Cell[][] {
  return Object.values(answered)
    .flat()
    .flatMap((element) => {
      const leaves = leavesOf(element);
      const places = leaves.find(isColumn)?.keys() ?? [0];
      return [...places].map((place) => leaves.map((leaf) => cellOf(isColumn(leaf) ? (leaf[place] ?? null) : leaf)));
    });
}

function leavesOf(tree: Tree): (Leaf | readonly Leaf[])[] {
  if (tree === null || typeof tree !== 'object' || isColumn(tree)) return [tree];
  return Object.values(tree).flatMap(leavesOf);
}

function isColumn(tree: Tree): tree is readonly Leaf[] {
  return Array.isArray(tree);
}

type Cell = string | number | null;

/** Instants as milliseconds, decimals and doubles as numbers of ten digits. */
function cellOf(value: Leaf | Date): Cell {
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) return Date.parse(value);
  const number = value === null || value === '' ? Number.NaN : Number(value);
  return Number.isNaN(number) ? value : Number(number.toPrecision(10));
}

async function selected(client: Queryable, text: string): Promise<Cell[][]> {
  const statement = text.replace(/:from\b/g, '$1').replace(/:to\b/g, '$2');
  const { rows } = await client.query<(Leaf | Date)[]>({
    text: statement,
    values: statement.includes('$1') ? [RANGE.from, RANGE.to] : [],
    rowMode: 'array',
  });
  return rows.map((row) => row.map(cellOf));
}

/** Prices that differ by node, run and time. */
async function storePrices(pool: pg.Pool): Promise<void> {
  const minutes = Array.from({ length: 24 }, (_, place) => place * 5);
  const lmps = NODES.flatMap((node, place) =>
    minutes.flatMap((minute) => {
      const start = FROM + minute * MINUTE_MS;
      const lmp = spotPrice(place, minute);
      return [
        { node, run: 'SPOT', start, minutes: 0, lmp },
        { node, run: 'REAL_TIME_5_MIN', start, minutes: 5, lmp: lmp + 1.5 },
        ...(minute % 60 === 0 ? [{ node, run: 'DAY_AHEAD_HOURLY', start, minutes: 60, lmp: lmp - 2 } as const] : []),
      ] as const;
    }),
  );
  await storeLmps(pool, lmps);
}

function spotPrice(place: number, minute: number): number {
  return 30 + 10 * place + ((minute * 7) % 13) - minute / 10;
}

/** Trades as the ingestors write them, and forecasts. */
async function storeBook(client: Queryable): Promise<void> {
  const { rows } = await client.query<{ id: number; market: string; name: string }>(
    'SELECT id, market_id AS market, name FROM pricing_node WHERE name = ANY($1) ORDER BY name',
    [NODES.map((node) => node.slice(node.indexOf(':') + 1))],
  );
  const nodes = rows.map(({ id: nodeId, market, name }) => ({
    nodeId,
    node: `${market}:${name}`,
    run: 'SPOT' as const,
  }));
  await saveStates(
    client,
    nodes.map((series, place) => ({ ...series, state: stateOf(place) })),
    1,
  );
  const placed = nodes.flatMap(({ nodeId, node }, place) => tradesAt(node, place).map((trade) => ({ trade, nodeId })));
  await writeTrades(client, placed, { ledgerId: 1, markRuns: MARK_RUNS, now: NOW });
  // They are stamped by the store's own clock.
  await client.query(`UPDATE positions_pnl SET at = $1::timestamptz + seq * INTERVAL '1 minute'`, [RANGE.from]);
}

function tradesAt(text: string, place: number): Trade[] {
  const node = nodeFrom(text);
  return ['DESK-EAST', 'DESK-WEST'].flatMap((account, desk) =>
    ['25', '-10.5', '-40', '7.25'].map(
      (mw, turn): Trade => ({
        tradeId: `${account} ${node} ${turn}`,
        version: 1,
        ts: FROM + turn * MINUTE_MS,
        account,
        node,
        side: mw.startsWith('-') ? 'SELL' : 'BUY',
        mw: decimalFrom(mw.replace('-', '')),
        price: decimalFrom(31.13 + turn + 9 * place - desk),
        minutes: 60,
        status: 'ACTIVE',
      }),
    ),
  );
}

function nodeFrom(text: string): NodeName {
  const node = parseNodeName(text);
  if (!node) throw new TypeError(`no node: ${text}`);
  return node;
}

function stateOf(place: number): ForecastState {
  let state: ForecastState | undefined;
  for (let minute = 0; minute < 120; minute += 5) {
    const at = FROM + minute * MINUTE_MS;
    state = addPrice(state, { at, price: spotPrice(place, minute), publishedAt: at });
  }
  if (!state) throw new TypeError('there are prices');
  return state;
}

/** A table a topic with hubs in place of nodes, as the SQL was written for, over what Busbar stores. */
const EARLIER_TABLES = `
  CREATE SCHEMA earlier;
  SET search_path TO earlier, public;
  CREATE VIEW positions_pnl AS SELECT s.*, n.name AS hub, s.at AS ts
    FROM public.positions_pnl AS s JOIN pricing_node AS n ON n.id = s.node_id;
  CREATE VIEW price_exposure AS SELECT s.*, n.name AS hub, s.at AS ts
    FROM public.price_exposure AS s JOIN pricing_node AS n ON n.id = s.node_id;
  CREATE VIEW forecasts AS SELECT f.*, n.name AS hub, last_at AS ts, next_value AS next
    FROM forecast AS f JOIN pricing_node AS n ON n.id = f.node_id WHERE run = 'SPOT';
  CREATE VIEW prices AS SELECT n.name AS hub, interval_start AS ts, lmp AS price_mwh
    FROM lmp JOIN pricing_node AS n ON n.id = node_id WHERE run = 'SPOT';
  CREATE VIEW realtime_prices AS SELECT n.name AS hub, interval_start AS ts, lmp AS lmp_rt
    FROM lmp JOIN pricing_node AS n ON n.id = node_id WHERE run = 'REAL_TIME_5_MIN';
  CREATE VIEW dayahead_prices AS SELECT n.name AS hub, interval_start AS ts, lmp AS lmp_da
    FROM lmp JOIN pricing_node AS n ON n.id = node_id WHERE run = 'DAY_AHEAD_HOURLY';`;
