import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setCostMethod } from '../../../prisma/operations/accounts.ts';
import { inTransaction } from '../../../prisma/transaction.ts';
import type { LiveBus, PositionEvent } from '../../../runtime/live-bus/live-bus.ts';
import { createRingBus } from '../../../runtime/live-bus/ring-bus.ts';
import { createMetrics } from '../../../runtime/metrics.ts';
import { freshDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { randomTrades } from '../../../tests/support/random-trades.ts';
import { ingestTrades, TRADES_FEED } from '../../../tests/support/silent-pipeline.ts';
import { STORED_VERSIONS, sqlPositions, storeVersions } from '../../../tests/support/sql-positions.ts';
import { addNodesOf, storedPositions } from '../../../tests/support/stored-positions.ts';
import { createAnnouncer } from '../../pipeline/announcer.ts';
import { archivesOf } from '../../pipeline/families/families.ts';
import { createReworkTask } from './rework-account.ts';
import { snapshotAll } from './snapshot-positions.ts';

const log = pino({ level: 'silent' });
const VERSIONS = [...randomTrades({ seed: 31, versions: 3_000, accounts: 2, nodes: 3 })];

describe('positions beside their trades', () => {
  let db: TestDatabase;
  let bus: LiveBus;
  beforeEach(async () => {
    db = await freshDatabase();
    bus = createRingBus({ window: { entriesMax: 1_000, ageMsMax: 3_600_000 }, clock: Date.now });
    await addNodesOf(db.pool, VERSIONS);
    await ingestTrades(db.pool, VERSIONS);
  });
  afterEach(async () => {
    await bus.close();
    await db.drop();
  });

  const announcer = () =>
    createAnnouncer({ bus, pool: db.pool, archiveOf: archivesOf([TRADES_FEED]), metrics: createMetrics(), log });
  const rework = (account: string) =>
    createReworkTask({ pool: db.pool, announcer: announcer(), clock: Date.now, markRuns: ['SPOT'] })(
      { account },
      { signal: new AbortController().signal, tries: 1 },
    );
  const methods = async () =>
    (await db.pool.query('SELECT account, method FROM position GROUP BY 1, 2 ORDER BY 1')).rows;

  it('an account that changes its method has its positions worked out anew, and told', async () => {
    const after = await bus.tail('positions');
    expect(await inTransaction(db.pool, (client) => setCostMethod(client, { account: 'desk 1', method: 'FIFO' }))).toBe(
      true,
    );
    const { rows: queued } = await db.pool.query('SELECT task_identifier AS task FROM graphile_worker.jobs');
    expect(queued).toEqual([{ task: 'rework-account' }]);
    await rework('desk 1');
    expect(await methods()).toEqual([
      { account: 'desk 0', method: 'AVERAGE_COST' },
      { account: 'desk 1', method: 'FIFO' },
    ]);
    const client = await db.pool.connect();
    await storeVersions(client, VERSIONS);
    const average = await sqlPositions(client, 'AVERAGE_COST', STORED_VERSIONS);
    const fifo = await sqlPositions(client, 'FIFO', STORED_VERSIONS);
    client.release(true);
    expect(await storedPositions(db.pool)).toEqual([
      ...average.filter(({ account }) => account === 'desk 0'),
      ...fifo.filter(({ account }) => account === 'desk 1'),
    ]);
    const told: PositionEvent[] = [];
    for await (const entries of bus.read('positions', after, AbortSignal.timeout(200))) {
      told.push(...entries.flatMap(({ events }) => events));
    }
    expect(told.map(({ account, position }) => [account, position.method])).toEqual(Array(3).fill(['desk 1', 'FIFO']));
  });

  it('the same method again asks for nothing, and an account that never traded is not there', async () => {
    const set = (account: string, method: 'FIFO' | 'AVERAGE_COST') =>
      inTransaction(db.pool, (client) => setCostMethod(client, { account, method }));
    expect(await set('desk 0', 'AVERAGE_COST')).toBe(false);
    await expect(set('nobody', 'FIFO')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await db.pool.query('SELECT FROM graphile_worker.jobs')).rowCount).toBe(0);
    await rework('desk 0');
    expect((await db.pool.query(`SELECT FROM ledger_entry WHERE partition = 'accounts'`)).rowCount).toBe(0);
  });

  it('every position is kept at the cadence, with what it is worth then', async () => {
    const before = await db.pool.query('SELECT FROM positions_pnl');
    expect(await snapshotAll(db.pool, { markRuns: ['SPOT'], now: Date.now() }, new AbortController().signal)).toBe(6);
    const { rows } = await db.pool.query(
      `SELECT count(*)::int AS snapshots, count(DISTINCT (p.account, p.node_id))::int AS positions
       FROM positions_pnl s JOIN position p USING (account, node_id, seq) WHERE cause = 'CADENCE'`,
    );
    expect(rows).toEqual([{ snapshots: 6, positions: 6 }]);
    expect((await db.pool.query('SELECT FROM price_exposure')).rowCount).toBe((before.rowCount ?? 0) + 6);
  });
});
