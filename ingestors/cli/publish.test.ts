/** `feeds publish` as an operator calls it, on a store of its own, and on Kafka where there is one. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { callFeeds, pipeToFeeds, pipeToSpawnedFeeds, spawnFeeds } from '../../tests/support/feeds-cli.ts';
import { type KafkaBroker, startKafka } from '../../tests/support/kafka.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { requireOrSkip } from '../../tests/support/services.ts';
import type { EventLog } from '../sources/event-log.ts';
import { createKafkaLog } from '../sources/kafka-log.ts';
import { createPostgresLog } from '../sources/postgres-log.ts';

vi.setConfig({ testTimeout: 90_000 });

const trade = (id: string, account: string | number = 'DESK-EAST', changes = {}) =>
  JSON.stringify({
    trade_id: id,
    ts: '2026-11-21T14:03:11Z',
    account,
    hub: 'PJM-WEST',
    side: 'BUY',
    mw: 25,
    price_mwh: '31.25',
    ...changes,
  });

let db: TestDatabase;
let folder: string;
beforeAll(async () => {
  db = await freshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'busbar-publish-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await db.drop();
});

const environment = () => ({ DATABASE_URL: db.url });
const quiet = pino({ level: 'silent' });

async function fileOf(text: string): Promise<string> {
  const path = join(folder, 'records.ndjson');
  await writeFile(path, text);
  return path;
}

interface Told {
  readonly key: string | null;
  readonly partition: number;
  readonly offset: number;
  readonly records: number;
}

/** What lies where the command says that it put it. */
async function recordsAt(
  log: EventLog,
  topic: string,
  { partition, offset, records }: Told,
): Promise<(string | undefined)[][]> {
  const range = { topic, partition, from: offset, to: offset + records, batchRecordsMax: 100 };
  const found: (string | undefined)[][] = [];
  for await (const batch of log.read(range, AbortSignal.timeout(30_000)))
    found.push(...batch.records.map(({ key, value }) => [key?.toString(), value?.toString()]));
  return found;
}

async function publishesToLog(log: EventLog, settings: Readonly<Record<string, string>>): Promise<void> {
  const lines = [trade('T-1'), trade('T-2', 7), trade('T-3')];
  const call = await callFeeds(
    settings,
    'publish',
    '--topic',
    'trades',
    '--file',
    await fileOf(lines.join('\r\n')),
    '--json',
  );
  expect(call).toMatchObject({ code: 0, err: '' });
  const told = call.json() as Told[];
  expect(told).toMatchObject([
    { key: 'DESK-EAST', records: 2 },
    { key: '7', records: 1 },
  ]);
  expect(await Promise.all(told.map((each) => recordsAt(log, 'trades', each)))).toEqual([
    [
      ['DESK-EAST', lines[0]],
      ['DESK-EAST', lines[2]],
    ],
    [['7', lines[1]]],
  ]);
  await log.close();
}

describe('publish', () => {
  it('appends the records of a file under their keys, on a store that no ingestors ever ran on, and says where', async () => {
    await publishesToLog(createPostgresLog({ pool: db.pool, connectionString: db.url, log: quiet }), environment());
    const { rows } = await db.pool.query('SELECT action, outcome, input FROM audit_entry ORDER BY id');
    const input = { topic: 'trades', file: join(folder, 'records.ndjson'), raw: false };
    expect(rows).toEqual(['BEGUN', 'DONE'].map((outcome) => ({ action: 'publish', outcome, input })));
  });

  it('takes them from standard input as well, and shows a table', async () => {
    const price = JSON.stringify({ ts: '2026-11-21T14:00:00Z', hub: 'PJM-WEST', price_mwh: -3 });
    const call = await pipeToSpawnedFeeds(
      `\n${price}\n\n`,
      environment(),
      'publish',
      '--topic',
      'prices',
      '--file',
      '-',
    );
    expect(call).toMatchObject({ code: 0, err: '' });
    expect(call.out).toMatch(/^key +partition +offset +records\nPJM-WEST +\d +0 +1\n$/);
  });

  it.each([
    [
      'trades',
      `${trade('T-1')}\n\n${trade('T-2', 'x', { mw: 0 })}\n{`,
      /2 of 3 records break the contract of trades, and nothing was published:\n {2}line 3: mw: .*\n {2}line 4: .*JSON/,
    ],
    ['trades', '\n \n', /there are no records/],
    ['forecasts', trade('T-1'), /there is no topic "forecasts"; there are prices, .*trades/],
  ])('publishes nothing of what is wrong, and says what, with exit code 2: %s, %#', async (topic, text, message) => {
    const before = await counts();
    const call = await callFeeds(environment(), 'publish', '--topic', topic, '--file', await fileOf(text));
    expect(call).toMatchObject({ code: 2, out: '' });
    expect(call.err).toMatch(message);
    expect(await counts()).toEqual(before);
  });

  it('with a file that is not there ends with exit code 2, and on a store that is away with 1', async () => {
    const nowhere = await callFeeds(environment(), 'publish', '--topic', 'trades', '--file', join(folder, 'nowhere'));
    expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining('cannot be read') });
    const away = { DATABASE_URL: 'postgres://127.0.0.1:1/busbar' };
    const lost = await spawnFeeds(away, 'publish', '--topic', 'trades', '--file', await fileOf(trade('T-1')));
    expect(lost.code).toBe(1);
  });

  it('--raw appends whatever the lines are, with the key that a record names', async () => {
    const log = createPostgresLog({ pool: db.pool, connectionString: db.url, log: quiet });
    const text = 'no JSON\n{"hub":"NOWHERE-1"}\n';
    const call = await pipeToFeeds(
      text,
      environment(),
      'publish',
      '--topic',
      'prices',
      '--file',
      '-',
      '--raw',
      '--json',
    );
    const told = call.json() as Told[];
    expect(told.map(({ key }) => key)).toEqual([null, 'NOWHERE-1']);
    expect((await Promise.all(told.map((each) => recordsAt(log, 'prices', each)))).flat()).toEqual([
      [undefined, 'no JSON'],
      ['NOWHERE-1', '{"hub":"NOWHERE-1"}'],
    ]);
    await log.close();
  });

  const counts = async () =>
    (await db.pool.query('SELECT topic, next_offset FROM log_partition ORDER BY 1, partition')).rows;
});

describe.skipIf(!requireOrSkip('kafka'))('publish on Kafka', () => {
  let broker: KafkaBroker;
  beforeAll(async () => {
    broker = await startKafka();
  }, 180_000);
  afterAll(() => broker?.stop());

  it('appends there, and says where', async () => {
    const log = createKafkaLog({ brokers: broker.brokers, ssl: false, sasl: undefined, clientId: 'test', log: quiet });
    await publishesToLog(log, { ...environment(), KAFKA_BROKERS: broker.brokers.join(',') });
  });
});
