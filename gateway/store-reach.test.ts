/** What is answered while the store is away, and what where a statement of ours is wrong. */
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BusbarError } from '../domain/errors.ts';
import { createPool } from '../prisma/pool.ts';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway } from '../tests/support/store-gateway.ts';
import { startTcpProxy, type TcpProxy } from '../tests/support/tcp-proxy.ts';
import { fromStore } from './store-reach.ts';

const RANGE = 'from: "2024-07-04T00:00Z", to: "2024-07-05T00:00Z"';
const NODE = 'nodes: ["PJM:A"], run: SPOT';
/** Some are asked by Prisma, some by SQL of our own. */
const QUESTIONS = [
  '{ markets { id } }',
  '{ pricingNodes { edges { cursor } } }',
  `{ latestLmp(${NODE}) { lmp } }`,
  `{ lmps(${NODE}, ${RANGE}) { edges { cursor } } }`,
  `{ lmpSeries(${NODE}, ${RANGE}) { lmp } }`,
  `{ dartSpread(nodes: ["PJM:A"], ${RANGE}) { spread } }`,
  '{ feeds { id } }',
  '{ feed(id: "prices") { id } }',
  '{ ledger(feed: "prices") { edges { cursor } } }',
  '{ deadLetters { edges { cursor } } }',
  '{ jobs { edges { cursor } } }',
  '{ job(id: "1") { id } }',
  '{ auditLog { edges { cursor } } }',
];

let db: TestDatabase;
let proxy: TcpProxy;
let pool: pg.Pool;
let gateway: StoreGateway;

beforeEach(async () => {
  db = await freshDatabase();
  const url = new URL(db.url);
  proxy = await startTcpProxy(Number(url.port));
  url.host = `127.0.0.1:${proxy.port}`;
  pool = createPool({ url: url.href, max: 4 });
  gateway = await startStoreGateway({ db: { ...db, pool, url: url.href } });
});
afterEach(async () => {
  await gateway.close();
  await pool.end();
  await proxy.close();
  await db.drop();
});

const failureOf = async (query: string) => (await gateway.ask(query)).errors?.[0];
const AWAY = { message: 'the store cannot be reached: try again', extensions: { code: 'UNAVAILABLE' } };

describe('a store that is away', () => {
  test('is told as UNAVAILABLE by every read, without its address', async () => {
    expect(await failureOf('{ markets { id } }')).toBeUndefined();
    await proxy.close();
    for (const question of QUESTIONS) expect([question, await failureOf(question)]).toMatchObject([question, AWAY]);
  });

  test('is asked again as soon as it is back', async () => {
    proxy.refuse(true);
    proxy.cut();
    for (const question of QUESTIONS) expect([question, await failureOf(question)]).toMatchObject([question, AWAY]);
    proxy.refuse(false);
    expect(await failureOf('{ feeds { id } }')).toBeUndefined();
  });

  test.each([
    ['{ feeds { id } }', 'feed'],
    ['{ jobs { edges { cursor } } }', 'job'],
  ])('in the middle of a statement is told alike: %s', async (question, table) => {
    const other = await db.pool.connect();
    await other.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    const failure = failureOf(question);
    const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await expect.poll(async () => (await db.pool.query(waiting)).rows.length).toBeGreaterThan(0);
    await db.pool.query(`SELECT pg_terminate_backend(pid) FROM (${waiting}) AS w`);
    expect(await failure).toMatchObject(AWAY);
    await other.query('ROLLBACK');
    other.release();
  });
});

test.each([
  ['a host of several addresses that refuse', new AggregateError([new Error('connect ECONNREFUSED ::1:5432')])],
  ['a pool that has no connection to give', new Error('timeout exceeded when trying to connect')],
  ['a transaction that found it away', new BusbarError('UNAVAILABLE', 'the store is not available: 10.0.0.1')],
])('the store is away: %s', async (_what, cause) => {
  const asked = fromStore(() => Promise.reject(cause));
  await expect(asked).rejects.toMatchObject({ message: AWAY.message, ...AWAY.extensions, cause });
});

test.each([
  ['a refusal', new BusbarError('RATE_LIMITED', 'ask again in a while')],
  ['a mistake of ours', new TypeError('not a function')],
])('the store is not away: %s', async (_what, error) => {
  await expect(fromStore(() => Promise.reject(error))).rejects.toBe(error);
});

describe('a mistake of ours', () => {
  test.each([
    ['a statement of Prisma’s', '{ feeds { id } }', 'ALTER TABLE feed RENAME COLUMN title TO heading'],
    ['a statement of our own', '{ auditLog { edges { cursor } } }', 'ALTER TABLE audit_entry RENAME action TO deed'],
    [
      'what a row holds',
      '{ feeds { id } }',
      `INSERT INTO feed (id, title, kind) VALUES ('a', 'A', 'poll'); ALTER TABLE feed DROP CONSTRAINT IF EXISTS feed_kind_check; UPDATE feed SET kind = 'odd'`,
    ],
  ])('is not blamed on the store: %s', async (_what, question, change) => {
    await db.pool.query(change);
    expect(await failureOf(question)).toMatchObject({ extensions: { code: 'INTERNAL_SERVER_ERROR' } });
  });
});
