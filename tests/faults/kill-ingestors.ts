/**
 * The fault: ingestors, as a process of their own, are killed with SIGKILL at random moments while records arrive.
 *
 * The oracle is the source: what was produced is made again from the seed and compared, price by price, with the table; the
 * ledger's batches must tile each partition without gap or overlap; the live stream must carry each price once.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { pino } from 'pino';
import { HOUR_MS } from '../../domain/instant.ts';
import { createNodeDirectory } from '../../ingestors/pipeline/store/nodes.ts';
import { nodesFor } from '../../ingestors/simulator/market-model.ts';
import { type SimulatedRecord, simulatedRecords } from '../../ingestors/simulator/simulated-records.ts';
import type { EventLog } from '../../ingestors/sources/event-log.ts';
import type { LiveBus } from '../../runtime/live-bus/live-bus.ts';
import { createRedisBus } from '../../runtime/live-bus/redis-bus.ts';
import { TOPICS } from '../../schema/events/topics.ts';
import { startProgram } from '../support/processes.ts';

export interface KillFault {
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** What the ingestors are to read; the environment that makes them read it. */
  readonly eventLog: EventLog;
  readonly logEnvironment: Readonly<Record<string, string>>;
  readonly records: number;
  readonly kills: number;
  readonly seed: number;
}

export interface KillFaultResult {
  readonly produced: number;
  readonly kills: number;
  /** Kills that came while records were waiting or under way. */
  readonly killsInTheMiddle: number;
  readonly rows: number;
  readonly wrongRows: number;
  readonly ledgerEntries: number;
  /** Offsets that no ledger entry covers, or that two cover. */
  readonly ledgerFaults: number;
  readonly ledgerRowsWritten: number;
  readonly liveTicks: number;
  readonly liveTwice: number;
  readonly liveMissing: number;
}

const TOPIC = 'realtime_prices';
const NODES = nodesFor(100);
const APPEND_RECORDS = 500;

export async function runKillFault(fault: KillFault): Promise<KillFaultResult> {
  const { pool, eventLog, redisUrl, records, seed } = fault;
  await createNodeDirectory(pool).register(new Set(NODES));
  await eventLog.ensureTopics(TOPICS);
  const bus = createRedisBus({
    url: redisUrl,
    window: { entriesMax: 1_000_000, ageMsMax: HOUR_MS },
    log: pino({ level: 'silent' }),
  });
  const live = await collectLive(bus);
  const series = {
    seed,
    nodes: NODES,
    count: records,
    topic: TOPIC,
    from: Date.UTC(2026, 0, 1),
    stepMs: 1_000,
  } as const;
  const killsInTheMiddle = await killAgainAndAgain(fault, [...simulatedRecords(series)]);
  await finish(fault);
  const liveSeen = await live.finish(records);
  await bus.close();
  const ledger = await checkLedger(pool, eventLog);
  return {
    produced: records,
    kills: fault.kills,
    killsInTheMiddle,
    ...(await checkTable(pool, series)),
    ...ledger,
    ...liveSeen,
  };
}

async function produce(eventLog: EventLog, records: readonly SimulatedRecord[]): Promise<void> {
  for (let from = 0; from < records.length; from += APPEND_RECORDS) {
    await eventLog.append(TOPIC, records.slice(from, from + APPEND_RECORDS));
  }
}

/**
 * Each life gets its share of the records while it runs, and ends at a random moment meanwhile; every fifth process dies
 * while it is starting. What it left is the next one's.
 */
async function killAgainAndAgain(fault: KillFault, records: readonly SimulatedRecord[]): Promise<number> {
  const share = Math.ceil(records.length / fault.kills);
  let inTheMiddle = 0;
  for (let kill = 0; kill < fault.kills; kill++) {
    const ingestors = startIngestors(fault);
    const claimed = ingestors.sees(/partition claimed/);
    if (kill % 5 === 4) await Promise.race([claimed.catch(() => {}), pause(Math.random() * START_MS_MAX)]);
    else await claimed;
    claimed.catch(() => {});
    const producing = produce(fault.eventLog, records.slice(kill * share, (kill + 1) * share));
    await pause(Math.random() * LIFE_MS_MAX);
    await ingestors.kill();
    if ((await unread(fault)) > 0) inTheMiddle += 1;
    await producing;
  }
  return inTheMiddle;
}

/** Records in the log that no commit covers yet. */
async function unread({ pool, eventLog }: KillFault): Promise<number> {
  const { rows } = await pool.query<{ read: number }>(
    'SELECT coalesce(sum(position), 0)::float8 AS read FROM feed_position WHERE feed_id = $1',
    [TOPIC],
  );
  const bounds = await eventLog.partitions(TOPIC);
  return bounds.reduce((sum, { end }) => sum + end, 0) - (rows[0]?.read ?? 0);
}

const LIFE_MS_MAX = 600;
const START_MS_MAX = 1_500;

async function finish(fault: KillFault): Promise<void> {
  const ingestors = startIngestors(fault);
  const bounds = await fault.eventLog.partitions(TOPIC);
  for (const deadline = Date.now() + 180_000; ; ) {
    const { rows } = await fault.pool.query<{ partition: string; position: number | null; announced: boolean }>(
      `SELECT partition, position, announced_ledger_id >= last_ledger_id AS announced FROM feed_position WHERE feed_id = $1`,
      [TOPIC],
    );
    const done = bounds.every(
      ({ partition, end }) =>
        end === 0 || rows.some((row) => row.partition === String(partition) && row.position === end && row.announced),
    );
    if (done) break;
    if (Date.now() > deadline) throw new Error(`not caught up: ${JSON.stringify({ bounds, rows })}`);
    await pause(100);
  }
  const code = await ingestors.stop();
  if (code !== 0) throw new Error(`the ingestors ended with ${code} instead of clean`);
}

function startIngestors({ databaseUrl, redisUrl, logEnvironment }: KillFault) {
  return startProgram('ingestors/main.ts', {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    INGESTORS_PORT: '0',
    LIVE_WINDOW_ENTRIES: '1000000',
    ...logEnvironment,
  });
}

async function collectLive(bus: LiveBus) {
  const seen = new Map<string, number>();
  const stopped = new AbortController();
  const cursor = await bus.tail('lmp');
  const reading = (async () => {
    for await (const entries of bus.read('lmp', cursor, stopped.signal)) {
      for (const { ticks } of entries) {
        for (const { node, startAt, revision } of ticks) {
          const key = `${node}@${startAt}#${revision}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
        }
      }
    }
  })();
  return {
    finish: async (expected: number) => {
      for (const deadline = Date.now() + 20_000; seen.size < expected && Date.now() < deadline; ) {
        await pause(50);
      }
      stopped.abort();
      await reading;
      const twice = [...seen.values()].filter((count) => count > 1).length;
      return { liveTicks: seen.size, liveTwice: twice, liveMissing: expected - seen.size };
    },
  };
}

async function checkTable(pool: pg.Pool, series: Parameters<typeof simulatedRecords>[0]) {
  const { rows } = await pool.query<{ hub: string; ts: number; lmp: number }>(
    `SELECT n.name AS hub, (extract(epoch FROM interval_start) * 1000)::float8 AS ts, lmp FROM lmp JOIN pricing_node n ON n.id = node_id`,
  );
  const stored = new Map(rows.map(({ hub, ts, lmp }) => [`${hub}@${ts}`, lmp]));
  let wrongRows = 0;
  for (const { value } of simulatedRecords(series)) {
    const record = JSON.parse(value) as { ts: string; hub: string; lmp_rt: number };
    if (stored.get(`${record.hub}@${Date.parse(record.ts)}`) !== record.lmp_rt) wrongRows += 1;
  }
  return { rows: rows.length, wrongRows };
}

/** Whether the entries of each partition, in order, cover `[0, end)` once. */
export async function checkLedger(pool: pg.Pool, eventLog: EventLog) {
  const { rows } = await pool.query<{ partition: string; from: number | null; to: number; written: number }>(
    `SELECT partition, position_from AS from, position_to AS to, rows_written AS written
     FROM ledger_entry WHERE feed_id = $1 ORDER BY partition, id`,
    [TOPIC],
  );
  let ledgerFaults = 0;
  for (const { partition, end } of await eventLog.partitions(TOPIC)) {
    let expected = 0;
    for (const entry of rows.filter((row) => row.partition === String(partition))) {
      ledgerFaults += Math.abs((entry.from ?? 0) - expected);
      expected = entry.to;
    }
    ledgerFaults += Math.abs(end - expected);
  }
  const ledgerRowsWritten = rows.reduce((sum, { written }) => sum + written, 0);
  return { ledgerEntries: rows.length, ledgerFaults, ledgerRowsWritten };
}
