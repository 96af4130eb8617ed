/**
 * The `feeds` command as an operator calls it, on a store of its own: in this process, and as the real program where what
 * a process is for its caller matters.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { HOUR_MS } from '../domain/instant.ts';
import { callFeeds, spawnFeeds } from '../tests/support/feeds-cli.ts';
import { storeLmps, storeNodes } from '../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import { startProgram } from '../tests/support/processes.ts';
import { RECORDED_DATA, requireOrSkip } from '../tests/support/services.ts';
import { type Oasis, startOasis } from './stand-ins/oasis.ts';

// A call that is a process loads all of the program.
vi.setConfig({ testTimeout: 90_000 });

const NP15 = 'CAISO:TH_NP15_GEN-APND';
const SP15 = 'CAISO:TH_SP15_GEN-APND';

let db: TestDatabase;
let folder: string;
beforeAll(async () => {
  db = await freshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'busbar-cli-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await db.drop();
});
beforeEach(() =>
  db.pool.query(
    'TRUNCATE lmp, lmp_revision, dead_letter, ledger_entry, job, raw_payload, feed, feed_expectation, feed_position, source_pace CASCADE',
  ),
);

// The live bus is not the command's concern: nothing listens there.
const environment = () => ({ DATABASE_URL: db.url, REDIS_URL: 'redis://127.0.0.1:1' });
const feeds = (...arguments_: readonly string[]) => callFeeds(environment(), ...arguments_);
/** The same as a process of its own. */
const program = (...arguments_: readonly string[]) => spawnFeeds(environment(), ...arguments_);
const audit = async () =>
  (await db.pool.query('SELECT actor, via, action, outcome, job_id AS job FROM audit_entry ORDER BY id')).rows;

/** A report of two hours of a node, by hand; `prices` in the order of the hours. */
async function report(name: string, prices: readonly [string, string]): Promise<string> {
  const header =
    'INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,OPR_INTERVAL,NODE_ID_XML,NODE_ID,NODE,MARKET_RUN_ID,LMP_TYPE,XML_DATA_ITEM,PNODE_RESMRID,GRP_TYPE,POS,MW,GROUP';
  const rows = prices.map((price, hour) => {
    const times = `2024-07-01T1${4 + hour}:00:00-00:00,2024-07-01T1${5 + hour}:00:00-00:00,2024-07-01,${8 + hour},0`;
    return `${times},TH_NP15_GEN-APND,TH_NP15_GEN-APND,TH_NP15_GEN-APND,DAM,LMP,LMP_PRC,TH_NP15_GEN-APND,ALL,0,${price},1`;
  });
  const path = join(folder, name);
  await writeFile(path, [header, ...rows, ''].join('\n'));
  return path;
}

/** A record of an unknown hub, as the ingestors keep it. */
async function keepDeadLetter(hub: string, raw: Buffer | string = priceOf(hub)): Promise<number> {
  const { rows } = await db.pool.query<{ id: number }>(
    `WITH entry AS (
       INSERT INTO ledger_entry (feed_id, partition, kind, state, rows_in, rows_rejected, finished_at)
       VALUES ('realtime_prices', '0', 'BATCH', 'COMPLETED', 1, 1, now()) RETURNING id
     )
     INSERT INTO dead_letter (feed_id, partition, position, ledger_id, code, reason, raw, name, published_at, received_at)
     SELECT 'realtime_prices', '0', 7, id, 'UNKNOWN_NODE', $1, $2, 'realtime_prices', now(), now() FROM entry
     RETURNING id`,
    [`${hub} is not in the reference data`, Buffer.from(raw)],
  );
  return rows[0]?.id ?? 0;
}

const priceOf = (hub: string) =>
  JSON.stringify({ ts: '2024-07-01T14:00:00Z', hub, lmp_rt: 30, energy_rt: 30, congestion_rt: 0, loss_rt: 0 });

/** The day-ahead report owes the hours of a morning for two nodes; three of them are missing. */
async function storeMorning(): Promise<void> {
  await db.pool.query(
    `INSERT INTO feed (id, title, kind) VALUES ('caiso-lmp', 'CAISO', 'poll');
     INSERT INTO feed_expectation (feed_id, partition, run, market_id, nodes, interval_ms, due_ms)
     VALUES ('caiso-lmp', 'PRC_LMP', 'DAY_AHEAD_HOURLY', 'CAISO', '{${NP15},${SP15}}', ${HOUR_MS}, 0)`,
  );
  const hour = (node: string, start: string) => ({
    node,
    run: 'DAY_AHEAD_HOURLY' as const,
    start,
    minutes: 60,
    lmp: 1,
  });
  await storeLmps(db.pool, [
    hour(NP15, '2024-07-01T07:00Z'),
    hour(NP15, '2024-07-01T09:00Z'),
    hour(SP15, '2024-07-01T07:00Z'),
  ]);
}
const MORNING = ['--from', '2024-07-01T07:00Z', '--to', '2024-07-01T10:00Z'];

describe('a call', () => {
  it.each([
    [['gaps', '--feed', 'nope'], /there is no feed "nope"; there are prices, .*iso\.rt\.lmp\.caiso/],
    [['lst'], /unknown command 'lst' \(Did you mean list\?\)/],
    [['replay', '--to', 'now'], /required option '--feed <name>' not specified/],
    [['replay', '--feed', 'caiso-lmp'], /say from when on/],
    [['gaps', '--from', '2025-07-02', '--to', '2025-07-01'], /the range .* is empty/],
    [['replay', '--feed', 'caiso-lmp', '--offsets', '0:1-2'], /caiso-lmp is not a topic: it has no offsets/],
    [['gaps', '--feed', 'iso.rt.lmp.caiso', '--partition', 'PRC_LMP'], /no partition "PRC_LMP"; there are PRC_INTVL/],
    [['gaps', '--feed', 'caiso-lmp', '--partition', 'PRC_LPM'], /no partition "PRC_LPM"; there are .*PRC_LMP/],
    [['dead-letters', 'show', '99'], /there is no dead letter 99/],
  ])('that is wrong is told in a line, with exit code 2: %j', async (arguments_, message) => {
    const call = await feeds(...arguments_);
    expect(call.err).toMatch(new RegExp(`^feeds: .*${message.source}.*\n$`));
    expect(call).toMatchObject({ code: 2, out: '' });
  });

  it.each([
    [['gaps', '--feed', 'nope'], /^feeds: there is no feed "nope"; .*\n$/],
    [['lst'], /^feeds: unknown command 'lst' \(Did you mean list\?\)\n$/],
    [['dead-letters', 'show', '99'], /^feeds: there is no dead letter 99\n$/],
  ])(
    'that is wrong ends the program with exit code 2, and its line on standard error: %j',
    async (arguments_, line) => {
      const call = await program(...arguments_);
      expect(call).toMatchObject({ code: 2, out: '', err: expect.stringMatching(line) });
    },
  );

  it('with a wrong configuration lists its problems, with exit code 2', async () => {
    const call = await spawnFeeds({ ...environment(), PORT: 'x', CAISO_REPORTS: 'y' }, 'status');
    expect(call.err).toMatch(/the configuration has 2 problem\(s\):\n {2}PORT: .*\n {2}CAISO_REPORTS: .*\n$/);
    expect(call.code).toBe(2);
  });

  it('on a store that is away says so in a line, with exit code 1', async () => {
    const call = await spawnFeeds({ DATABASE_URL: 'postgres://127.0.0.1:1/busbar' }, 'status', '--json');
    expect(call).toMatchObject({ code: 1, out: '' });
    expect(call.err).toMatch(/^feeds: the store is not available: .*ECONNREFUSED.*\n$/);
  });

  it('on a store that lacks a migration says what to do, with exit code 1', async () => {
    const other = await freshDatabase();
    try {
      await other.pool.query(`DELETE FROM _prisma_migrations WHERE migration_name LIKE '%_ledger'`);
      const behind = await callFeeds({ DATABASE_URL: other.url }, 'status');
      expect(behind.err).toMatch(/^feeds: the store lacks \d+_ledger: bring it up to date by npm run migrate\n$/);
      await other.pool.query('DROP TABLE _prisma_migrations');
      const empty = await callFeeds({ DATABASE_URL: other.url }, 'jobs');
      expect(empty.err).toBe('feeds: the store is not migrated: do it by npm run migrate\n');
      expect([behind.code, empty.code]).toEqual([1, 1]);
    } finally {
      await other.drop();
    }
  });

  it.each([
    [['dead-letters', 'retry', '9999'], 'retryDeadLetters', /there is no dead letter 9999/],
    [['dead-letters', 'discard', '9999', '--reason', 'x'], 'discardDeadLetters', /there is no dead letter 9999/],
    [['backfill', '--feed', 'caiso-lmp', '--from', '-1d', '--partition', 'X'], 'backfill', /no partition "X"/],
    [['replay', '--feed', 'caiso-lmp', '--from', '-1d', '--partition', 'X'], 'replay', /no partition "X"/],
    [['repair', '--feed', 'caiso-lmp', '--partition', 'X'], 'repair', /no partition "X"/],
  ])('that is refused is in the audit log: %j', async (arguments_, action, message) => {
    const before = (await audit()).length;
    const call = await feeds(...arguments_);
    expect(call.err).toMatch(message);
    expect(call.code).toBe(2);
    expect((await audit()).slice(before)).toMatchObject([{ via: 'cli', action, outcome: 'REFUSED', job: null }]);
  });

  it.each([
    [['replay', '--feed', 'prices', '--from', '-1d'], /: the log has no topic prices/],
    [['replay', '--feed', 'realtime_prices', '--offsets', '999:0-1'], /: realtime_prices has no partition 999/],
    [['backfill', '--feed', 'iso.da.lmp.caiso', '--from', '-3d', '--to', '-2d'], /BAD_USER_INPUT: no nodes to ask for/],
  ])('that only planning finds wrong has exit code 2 too: %j', async (arguments_, message) => {
    await db.pool.query(
      `INSERT INTO log_topic VALUES ('realtime_prices', 1, 1000, 1000) ON CONFLICT DO NOTHING;
       INSERT INTO log_partition (topic, partition) VALUES ('realtime_prices', 0) ON CONFLICT DO NOTHING`,
    );
    const call = await feeds(...arguments_);
    expect(call.out).toMatch(message);
    expect(call.code).toBe(2);
  });

  it('for help gets an example', async () => {
    const [all, letters] = await Promise.all([program('--help'), feeds('dead-letters', '--help')]);
    expect(all.out).toMatch(/2025-07-01 is its midnight in UTC[\s\S]*Exit codes[\s\S]*Examples:\n {2}feeds status/);
    expect(letters.out).toContain('feeds dead-letters show 7\n');
    expect([all.code, letters.code]).toEqual([0, 0]);
  });
});

describe('what there is', () => {
  it('list: the feeds and their streams, without any store', async () => {
    const nowhere = { DATABASE_URL: 'postgres://127.0.0.1:1/busbar' };
    const [table, json] = await Promise.all([callFeeds(nowhere, 'list'), spawnFeeds(nowhere, 'list', '--json')]);
    expect(table.out).toMatch(/caiso-lmp +poll +CAISO .* iso\.rt\.lmp\.caiso iso\.da\.lmp\.caiso\n/);
    expect(json.json()).toContainEqual(
      expect.objectContaining({ id: 'realtime_prices', kind: 'topic', title: expect.any(String), streams: {} }),
    );
  });

  it('status: counts of all that was committed, open dead letters and the jobs under way', async () => {
    await keepDeadLetter('NOWHERE');
    await db.pool.query(
      `INSERT INTO feed_position (feed_id, partition, position, watermark, lag, entries, rows_rejected) VALUES
         ('realtime_prices', '0', 8, '2024-07-01T14:05Z', 3, 41, 1),
         ('caiso-lmp', 'PRC_LMP', ${Date.parse('2024-07-02T07:00Z')}, '2024-07-02T07:00Z', NULL, 0, 0);
       INSERT INTO job (id, kind, state, feed_id, input, requested_by, planned_at)
       VALUES (501, 'REPLAY', 'RUNNING', 'realtime_prices', '{"from":0,"to":1}', 'ada', now());
       INSERT INTO ledger_entry (feed_id, partition, kind, state, job_id, attempt) VALUES
         ('realtime_prices', '0', 'REPLAY', 'PENDING', 501, 0), ('realtime_prices', '0', 'REPLAY', 'REPLAYING', 501, 1)`,
    );
    const [json, table] = await Promise.all([feeds('status', '--json'), program('status')]);
    expect(json.json()).toMatchObject([
      { feed: 'caiso-lmp', partition: 'PRC_LMP', entries: 0, openDeadLetters: 0, runningJobs: [] },
      {
        feed: 'realtime_prices',
        position: 8,
        lag: 3,
        entries: 41,
        rejected: 1,
        openDeadLetters: 1,
        runningJobs: [501],
      },
    ]);
    expect(table.out).toMatch(/caiso-lmp +PRC_LMP +2024-07-02T07:00:00\.000Z +2024-07-02T07:00:00\.000Z/);
    expect(table.out).toMatch(/Jobs under way:\n.*\n501 +REPLAY +realtime_prices +RUNNING +0\/2 /);
    expect(table.out).not.toContain('--all');
  });

  it('status: what jobs and files committed stands apart, where it is asked for', async () => {
    await keepDeadLetter('NOWHERE');
    await db.pool.query(
      `UPDATE dead_letter SET partition = 'file';
       INSERT INTO feed_position (feed_id, partition, entries, rows_written) VALUES
         ('realtime_prices', '0', 2, 10), ('realtime_prices', 'replay/0', 3, 11), ('realtime_prices', 'file', 1, 12)`,
    );
    const [table, all, json] = await Promise.all([
      feeds('status'),
      feeds('status', '--all'),
      feeds('status', '--json'),
    ]);
    expect(table.out).toMatch(
      /realtime_prices +0 .*\n\nPartitions of jobs and files: 2, open dead letters: 1; shown by feeds status --all\n$/,
    );
    expect(all.out).toMatch(
      /realtime_prices +0 .*\n\nCommitted by jobs and files:\n.*\nrealtime_prices +file +– +1 +12 .*\nrealtime_prices +replay\/0 +– +3 +11 /,
    );
    expect(json.json()).toMatchObject([{ partition: '0' }, { partition: 'file' }, { partition: 'replay/0' }]);
  });

  it('watermark: how far a stream has come, and how old that is', async () => {
    const now = Date.now();
    const at = (hours: number) => new Date(now + hours * HOUR_MS).toISOString();
    await db.pool.query(
      `INSERT INTO feed_position (feed_id, partition, position, watermark) VALUES
         ('caiso-lmp', 'PRC_INTVL_LMP', ${now}, '${at(-2)}'), ('caiso-lmp', 'backfill/PRC_LMP', NULL, '${at(-50)}'),
         ('caiso-lmp', 'PRC_LMP', ${now}, '${at(14)}'), ('prices', '0', 12, NULL)`,
    );
    const [stream, table, all] = await Promise.all([
      feeds('watermark', '--feed', 'iso.da.lmp.caiso', '--json'),
      feeds('watermark'),
      feeds('watermark', '--all'),
    ]);
    const [ahead, backfilled, ...others] = stream.json() as { ageMs: number }[];
    expect([ahead, backfilled]).toMatchObject([{ partition: 'PRC_LMP', watermark: at(14) }, { watermark: at(-50) }]);
    expect(Math.round((ahead?.ageMs ?? 0) / HOUR_MS)).toBe(-14);
    expect(others).toEqual([]);
    expect(table.out).toMatch(/caiso-lmp +PRC_LMP +\S+ +1[34] h( 5\d min)? ahead/);
    expect(table.out).toMatch(/caiso-lmp +PRC_INTVL_LMP +\S+ +2 h/);
    expect(table.out).toMatch(/prices +0 +– +– +12 +–/);
    expect(table.out).toContain('\n\nPartitions of jobs and files: 1; shown by feeds watermark --all\n');
    expect(all.out).toMatch(/caiso-lmp +backfill\/PRC_LMP +\S+ +2 d/);
  });

  it('gaps: a row each, and how complete a partition is', async () => {
    await storeMorning();
    const [table, json, node, silent] = await Promise.all([
      feeds('gaps', '--feed', 'caiso-lmp', ...MORNING),
      feeds('gaps', '--feed', 'iso.da.lmp.caiso', ...MORNING, '--json'),
      feeds('gaps', '--feed', 'caiso-lmp', ...MORNING, '--node', SP15, '--partition', 'PRC_LMP', '--json'),
      feeds('gaps', '--feed', 'prices', '--from', '-2h', '--json'),
    ]);
    expect(table.out).toContain(
      '  PRC_LMP DAY_AHEAD_HOURLY: 6 expected, 3 present (50.00 %), 3 missing, 0 late\n' +
        'partition  run               node                    from                      to                        intervals\n' +
        `PRC_LMP    DAY_AHEAD_HOURLY  ${NP15}  2024-07-01T08:00:00.000Z  2024-07-01T09:00:00.000Z  1\n` +
        `PRC_LMP    DAY_AHEAD_HOURLY  ${SP15}  2024-07-01T08:00:00.000Z  2024-07-01T10:00:00.000Z  2\n`,
    );
    expect(json.json()).toMatchObject([
      {
        feed: 'iso.da.lmp.caiso',
        from: '2024-07-01T07:00:00.000Z',
        completeness: [{ expected: 6, present: 3, missing: 3, watermark: '2024-07-01T10:00:00.000Z' }],
        gaps: [{ node: NP15, from: '2024-07-01T08:00:00.000Z', intervals: 1 }, { node: SP15 }],
      },
    ]);
    expect(node.json()).toMatchObject([{ gaps: [{ node: SP15, intervals: 2 }] }]);
    expect(silent.json()).toMatchObject([{ feed: 'prices', completeness: null, gaps: null }]);
  });

  it('gaps: a feed that owes nothing that could be told says so', async () => {
    const call = await feeds('gaps', '--from=-7d', '--to=-1d');
    expect(call.out).toMatch(/^caiso-lmp, delivery from .*\n {2}owes nothing that could be told$/m);
    expect(call.code).toBe(0);
  });
});

describe('ingest', () => {
  it('loads a file once, knows it again, and decodes it again where it is told to', async () => {
    const file = await report('PRC_LMP.csv', ['31.5', '-4.25']);
    const first = await program('ingest', '--feed', 'caiso-lmp', '--file', file);
    expect(first.out).toMatch(/2 intervals read: 2 new, 0 revised, 0 unchanged, 0 rejected \(ledger entry \d+\)\.\n$/);
    const second = await feeds('ingest', '--feed', 'caiso-lmp', '--file', file);
    expect(second.out).toMatch(
      /2 unchanged.*The same bytes came before, as ledger entry \d+\. Nothing new was written\.\n$/,
    );
    const third = await feeds('ingest', '--feed', 'caiso-lmp', '--file', file, '--again', '--json');
    expect(third.json()).toMatchObject({ rowsIn: 2, written: 0, unchanged: 2 });
    expect(third.json()).not.toHaveProperty('duplicateOf');
    expect([first.code, second.code, third.code]).toEqual([0, 0, 0]);
    const { rows } = await db.pool.query('SELECT count(*)::int AS kept FROM raw_payload');
    expect(rows).toEqual([{ kept: 1 }]);
  });

  it('fails where nothing of the file can be read, and keeps it', async () => {
    const file = join(folder, 'nonsense.csv');
    await writeFile(file, 'neither,a report\nnor,a zip\n');
    const call = await program('ingest', '--feed', 'caiso-lmp', '--file', file);
    expect(call.code).toBe(1);
    expect(call.out).toMatch(/ 1 rejected /);
  });

  it('says where the rejected rows are', async () => {
    const file = await report('PRC_LMP_damaged.csv', ['31.5', 'much']);
    const call = await feeds('ingest', '--feed', 'caiso-lmp', '--file', file);
    expect(call.out).toMatch(
      /1 new, .* 1 rejected .* 1 × .*much.*The rejected ones: feeds dead-letters --feed caiso-lmp\n$/,
    );
  });

  it('is in the audit log, done or not', async () => {
    const before = (await audit()).length;
    const file = await report('PRC_LMP_audited.csv', ['1', '2']);
    await feeds('ingest', '--feed', 'caiso-lmp', '--file', file);
    await feeds('ingest', '--feed', 'caiso-lmp', '--file', '/nowhere');
    const by = { actor: expect.stringMatching(new RegExp(`^.+@${hostname()}$`)), via: 'cli', action: 'ingest' };
    expect((await audit()).slice(before)).toMatchObject([
      { ...by, outcome: 'BEGUN' },
      { ...by, outcome: 'DONE' },
      { ...by, outcome: 'BEGUN' },
      { ...by, outcome: 'REFUSED' },
    ]);
  });

  describe.skipIf(!requireOrSkip('recorded-data'))('a recorded answer of OASIS', () => {
    it('is loaded, and replayed from what is kept of it', async () => {
      const file = join(RECORDED_DATA, 'caiso/oasis_PRC_HASP_LMP_PALOVRDE_20240101_20240115.zip');
      const loaded = await feeds('ingest', '--feed', 'caiso-lmp', '--file', file, '--json');
      expect(loaded.json()).toMatchObject({ rowsIn: 1344, written: 1344, rejected: 0 });
      await db.pool.query(`DELETE FROM lmp WHERE interval_start < '2024-01-03'`);
      const replayed = await feeds('replay', '--feed', 'caiso-lmp', '--from', '2024-01-01', '--to', 'now');
      expect(replayed).toMatchObject({ code: 0, err: '' });
      const { rows } = await db.pool.query('SELECT count(*)::int AS prices FROM lmp');
      expect(rows).toEqual([{ prices: 1344 }]);
    });
  });
});

describe('a job', () => {
  let oasis: Oasis;
  beforeEach(async () => {
    const now = () => Date.parse('2024-07-10T00:00Z');
    oasis = await startOasis({ now, nodes: ['TH_NP15_GEN-APND', 'TH_SP15_GEN-APND'], limits: { spacingMs: 0 } });
  });
  afterEach(() => oasis.close());
  const oasisEnvironment = () => ({ ...environment(), CAISO_OASIS_URL: oasis.url, CAISO_REQUEST_SPACING_MS: '0' });
  const withOasis = (...arguments_: readonly string[]) => callFeeds(oasisEnvironment(), ...arguments_);

  it('is carried out here and followed to its end: a backfill', async () => {
    const range = ['--from', '2024-07-01T07:00Z', '--to', '2024-07-02T07:00Z'];
    const call = await spawnFeeds(
      oasisEnvironment(),
      'backfill',
      '--feed',
      'iso.da.lmp.caiso',
      ...range,
      '--node',
      NP15,
    );
    expect(call.out).toMatch(/^Asked for: backfill \d+ of caiso-lmp\.\n/);
    expect(call.out).toMatch(
      /Backfill \d+ of caiso-lmp: completed after .*, 1 of 1 chunks done\.\n {2}24 rows: 24 new, /,
    );
    expect(call).toMatchObject({ code: 0, err: '' });
    expect(oasis.requests).toHaveLength(1);
    const shown = await feeds('jobs');
    expect(shown.out).toMatch(/\n\d+ +BACKFILL +caiso-lmp +COMPLETED +1\/1 +24 +\S+@\S+ /);
    expect((await audit()).at(-1)).toMatchObject({ action: 'backfill', outcome: 'DONE', job: expect.any(Number) });
  });

  it('that fails says why, with exit code 1', async () => {
    oasis.failNext({ oasisCode: 1016 });
    const call = await withOasis(
      'backfill',
      '--feed',
      'iso.da.lmp.caiso',
      '--from',
      '2024-07-01',
      '--to',
      '2024-07-02',
      '--node',
      NP15,
      '--json',
    );
    expect(call.json()).toMatchObject({
      kind: 'BACKFILL',
      state: 'FAILED',
      total: 1,
      failed: 1,
      input: { windows: [{ from: '2024-07-01T00:00:00.000Z' }] },
    });
    expect(call).toMatchObject({ code: 1, err: '' });
    const { id } = call.json() as { id: number };
    const shown = await feeds('jobs', 'show', String(id));
    expect(shown.out).toMatch(/Backfill \d+ of caiso-lmp: failed .*\n {2}1 of 1 chunks failed: .*1016/);
    expect(shown.out).toMatch(/backfill\/PRC_LMP +FAILED +1 /);
  });

  it('repairs what is missing, and says where nothing is', async () => {
    await storeMorning();
    const call = await withOasis('repair', '--feed', 'iso.da.lmp.caiso', ...MORNING, '--json');
    expect(call).toMatchObject({ code: 0, err: '' });
    expect(call.json()).toMatchObject({ state: 'COMPLETED', rowsWritten: 3 });
    const again = await withOasis('repair', '--feed', 'iso.da.lmp.caiso', ...MORNING);
    expect(again).toMatchObject({
      code: 0,
      out: 'Nothing to repair: nothing is missing of iso.da.lmp.caiso there.\n',
    });
    const none = await withOasis('repair', '--feed', 'prices', '--json');
    expect(none.code).toBe(0);
    expect(none.json()).toEqual({
      job: null,
      reason: expect.stringMatching(/^prices owes nothing that could be told/),
    });
    expect((await audit()).slice(-3)).toMatchObject([
      { action: 'repair', outcome: 'DONE', job: expect.any(Number) },
      { action: 'repair', outcome: 'REFUSED', job: null },
      { action: 'repair', outcome: 'REFUSED', job: null },
    ]);
    expect((await db.pool.query('SELECT count(*)::int AS jobs FROM job')).rows).toEqual([{ jobs: 1 }]);
  });

  it('of many chunks shows some and counts the others; JSON has all', async () => {
    await db.pool.query(`INSERT INTO feed (id, title, kind) VALUES ('caiso-lmp', 'CAISO', 'poll')`);
    const { rows } = await db.pool.query<{ id: number }>(
      `WITH asked AS (
         INSERT INTO job (kind, feed_id, state, input, requested_by, planned_at, finished_at)
         VALUES ('REPLAY', 'caiso-lmp', 'COMPLETED', '{"from": 0, "to": 1}', 'a test', now(), now()) RETURNING id
       ), chunks AS (
         INSERT INTO ledger_entry (feed_id, partition, kind, state, job_id, finished_at)
         SELECT 'caiso-lmp', 'replay/PRC_LMP', 'REPLAY', 'COMPLETED', id, now() FROM asked, generate_series(1, 60)
       )
       SELECT id FROM asked`,
    );
    const id = String(rows[0]?.id);
    const [shown, json] = await Promise.all([feeds('jobs', 'show', id), feeds('jobs', 'show', id, '--json')]);
    expect(shown.out.match(/replay\/PRC_LMP/g)).toHaveLength(50);
    expect(shown.out).toMatch(/60 of 60 chunks done\.\n {2}Nothing was found in what was decoded again: not a row\.\n/);
    expect(shown.out).toMatch(/… and 10 more: --json has them all\.\n$/);
    expect(json.json()).toMatchObject({ nothingFound: true, chunks: { length: 60 } });
  });

  it('is only asked for where it is to be detached, and can be cancelled and watched', async () => {
    const asked = await feeds(
      'replay',
      '--feed',
      'iso.rt.lmp.caiso',
      '--from',
      '2025-07-01T00:00Z',
      '--to',
      'now',
      '--detach',
      '--json',
    );
    const { id, state } = asked.json() as { id: number; state: string };
    expect([asked.code, state]).toEqual([0, 'PENDING']);
    const cancelled = await feeds('jobs', 'cancel', String(id), '--json');
    expect(cancelled.json()).toMatchObject({ id, state: 'PENDING', cancelRequestedAt: expect.any(String) });
    expect((await audit()).at(-1)).toMatchObject({ action: 'cancelJob', outcome: 'DONE', job: id });
    const watched = await feeds('jobs', 'watch', String(id), '--work');
    expect(watched.out).toMatch(
      new RegExp(`Replay ${id} of caiso-lmp: cancelled after .*, before it was planned\\.\n$`),
    );
    expect(watched.code).toBe(1);
    const again = await feeds('jobs', 'cancel', String(id));
    expect(again).toMatchObject({ code: 2, err: `feeds: job ${id} has ended already: it is CANCELLED\n` });
  });

  it('is left to the ingestors on ctrl-C, and goes on elsewhere', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const address = silent.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const asked = new Promise((done) => silent.once('request', done));
    const program = startProgram(
      'ingestors/cli.ts',
      { ...environment(), CAISO_OASIS_URL: `http://127.0.0.1:${port}`, CAISO_REQUEST_SPACING_MS: '0' },
      ['backfill', '--feed', 'iso.da.lmp.caiso', '--from', '2024-07-01', '--to', '2024-07-02', '--node', NP15],
    );
    const [, id = ''] = await program.sees(/^Asked for: backfill (\d+) of caiso-lmp\.$/);
    await asked;
    expect(await program.stop('SIGINT')).toBe(130);
    await program.sees(new RegExp(`^Cancel it: feeds jobs cancel ${id}$`));
    silent.closeAllConnections();
    silent.close();
    const listed = await feeds('jobs', 'list', '--state', 'RUNNING', '--json');
    expect(listed.json()).toMatchObject([{ id: Number(id), done: 0, total: 1 }]);
    const watched = await withOasis('jobs', 'watch', id, '--work', '--json');
    expect(watched.json()).toMatchObject({ state: 'COMPLETED', rowsWritten: 24 });
  });
});

describe('dead letters', () => {
  it('are listed, open ones first of all, with the reason', async () => {
    const open = await keepDeadLetter('NOWHERE');
    const given = await keepDeadLetter('ELSEWHERE');
    await db.pool.query(`UPDATE dead_letter SET state = 'DISCARDED' WHERE id = $1`, [given]);
    const [table, all, other] = await Promise.all([
      feeds('dead-letters'),
      feeds('dead-letters', '--state', 'ALL', '--json'),
      feeds('dead-letters', 'list', '--feed', 'caiso-lmp'),
    ]);
    expect(table.out).toMatch(
      new RegExp(`\n${open} +realtime_prices +0 +7 +.* OPEN +0 +UNKNOWN_NODE +NOWHERE is not in`),
    );
    expect(table.out).not.toContain('ELSEWHERE');
    expect(all.json()).toMatchObject([
      { id: given, state: 'DISCARDED' },
      { id: open, state: 'OPEN', bytes: priceOf('NOWHERE').length },
    ]);
    expect(other.out).toBe('There are none.\n');
  });

  it('are shown with what came, and to the byte where that is asked for', async () => {
    const bytes = Buffer.from([0x50, 0x4b, 0xff, 0x00, 0x0a]);
    const [hostile, binary] = [
      await keepDeadLetter('X', 'clear \u001b[2J the screen'),
      await keepDeadLetter('Y', bytes),
    ];
    const [text, none, json, raw] = await Promise.all([
      feeds('dead-letters', 'show', String(hostile)),
      feeds('dead-letters', 'show', String(binary)),
      feeds('dead-letters', 'show', String(binary), '--json'),
      program('dead-letters', 'show', String(binary), '--raw'),
    ]);
    expect(text.out).toMatch(/^dead letter +\d+\nfeed +realtime_prices\n[\s\S]*\n\nclear \u241b\[2J the screen\n$/);
    expect(none.out).toMatch(/5 bytes that are no text: feeds dead-letters show \d+ --raw\n$/);
    expect(json.json()).toMatchObject({
      id: binary,
      code: 'UNKNOWN_NODE',
      raw: null,
      rawBase64: bytes.toString('base64'),
    });
    expect(raw.bytes).toEqual(bytes);
  });

  it('are tried again', async () => {
    const [known, unknown] = [await keepDeadLetter('PJM-NEW'), await keepDeadLetter('NOWHERE')];
    await storeNodes(db.pool, ['PJM:PJM-NEW']);
    const call = await feeds('dead-letters', 'retry', String(known), String(unknown), '--json');
    expect(call).toMatchObject({ code: 0, err: '' });
    expect(call.json()).toMatchObject({ kind: 'RETRY', feed: 'realtime_prices', rowsWritten: 1, rowsRejected: 1 });
    expect((await audit()).at(-1)).toMatchObject({ action: 'retryDeadLetters', outcome: 'DONE' });
    const listed = await feeds('dead-letters', 'list', '--state', 'ALL', '--json');
    expect(listed.json()).toMatchObject([
      { id: unknown, state: 'OPEN', retries: 1 },
      { id: known, state: 'RETRIED', retries: 1 },
    ]);
  });

  it('are given up for good, with a reason; all of a feed only where that is meant', async () => {
    const one = await keepDeadLetter('A');
    await keepDeadLetter('B');
    await keepDeadLetter('C');
    const [unsaid, unnamed] = await Promise.all([
      feeds('dead-letters', 'discard', '--feed', 'realtime_prices', '--reason', 'tests'),
      feeds('dead-letters', 'discard', '--reason', 'tests'),
    ]);
    expect([unsaid.code, unnamed.code]).toEqual([2, 2]);
    expect(unsaid.err).toMatch(/every open dead letter of realtime_prices for good\? Say --yes\n$/);
    expect(unnamed.err).toMatch(/say which: their ids, or --feed/);
    const named = await feeds('dead-letters', 'discard', String(one), '--reason', 'tests');
    expect(named).toMatchObject({ code: 0, out: 'Discarded 1 of realtime_prices.\n' });
    const all = await feeds(
      'dead-letters',
      'discard',
      '--feed',
      'realtime_prices',
      '--reason',
      'tests',
      '--yes',
      '--json',
    );
    expect(all.json()).toEqual({ discarded: 2 });
    const again = await feeds('dead-letters', 'discard', String(one), '--reason', 'tests');
    expect(again).toMatchObject({ code: 2, err: `feeds: realtime_prices has no open dead letter ${one}\n` });
    expect((await audit()).slice(-3)).toMatchObject([
      { action: 'discardDeadLetters', outcome: 'DONE' },
      { action: 'discardDeadLetters', outcome: 'DONE' },
      { action: 'discardDeadLetters', outcome: 'REFUSED' },
    ]);
  });
});
