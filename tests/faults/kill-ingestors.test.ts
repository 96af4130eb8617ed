import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPostgresLog } from '../../ingestors/sources/postgres-log.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { requireOrSkip } from '../support/services.ts';
import { checkLedger, runKillFault } from './kill-ingestors.ts';

const RECORDS = 40_000;
const KILLS = 5;

describe.skipIf(!requireOrSkip('redis'))('ingestors killed with SIGKILL at random moments', () => {
  let db: TestDatabase;
  let redis: RedisServer;
  beforeAll(async () => {
    [db, redis] = await Promise.all([freshDatabase(), startRedis()]);
  });
  afterAll(async () => {
    await redis.stop();
    await db.drop();
  });

  it('have each record’s effect exactly once: in the table, in the ledger, in the live stream', {
    timeout: 180_000,
  }, async () => {
    const eventLog = createPostgresLog({ pool: db.pool, connectionString: db.url, log: pino({ level: 'silent' }) });
    const result = await runKillFault({
      pool: db.pool,
      databaseUrl: db.url,
      redisUrl: redis.url,
      eventLog,
      logEnvironment: {},
      records: RECORDS,
      kills: KILLS,
      seed: 7,
    });
    expect(result.killsInTheMiddle).toBeGreaterThan(0);
    expect(result).toMatchObject({
      rows: RECORDS,
      wrongRows: 0,
      ledgerFaults: 0,
      ledgerRowsWritten: RECORDS,
      liveTicks: RECORDS,
      liveTwice: 0,
      liveMissing: 0,
    });

    // The negative control: a batch read again by a process that forgot its position shows in the ledger.
    await db.pool.query(
      `INSERT INTO ledger_entry (feed_id, partition, kind, state, position_from, position_to, checksum, bytes, rows_in,
         rows_written, rows_unchanged, rows_revised, rows_rejected, started_at)
       SELECT feed_id, partition, kind, state, position_from, position_to, checksum, bytes, rows_in,
         0, rows_in, 0, 0, now() FROM ledger_entry WHERE feed_id = 'realtime_prices' AND rows_in > 0 LIMIT 1`,
    );
    expect((await checkLedger(db.pool, eventLog)).ledgerFaults).toBeGreaterThan(0);
    await eventLog.close();
  });
});
