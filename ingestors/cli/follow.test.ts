/** Who works on the job that a shell follows, and what it says of it, beside ingestors or without. */
import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../runtime/config.ts';
import { callFeeds } from '../../tests/support/feeds-cli.ts';
import { createJobBench, type JobBench } from '../../tests/support/job-bench.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { startProgram } from '../../tests/support/processes.ts';
import { FEED_SETTINGS, FEEDS } from '../feeds/index.ts';
import { type Oasis, startOasis } from '../stand-ins/oasis.ts';

// A call that is a process loads all of the program.
vi.setConfig({ testTimeout: 90_000 });

const NODE = 'TH_NP15_GEN-APND';
const DAY = ['--from', '2024-07-01T07:00Z', '--to', '2024-07-02T07:00Z'];
const BACKFILL = ['backfill', '--feed', 'iso.da.lmp.caiso', ...DAY];
const OF_NODE = [...BACKFILL, '--node', `CAISO:${NODE}`];

let db: TestDatabase;
let bench: JobBench;
let oasis: Oasis;
let silent: SilentServer;
beforeAll(async () => {
  silent = await startSilentServer();
  oasis = await startOasis({ now: () => Date.parse('2024-07-10T00:00Z'), nodes: [NODE], limits: { spacingMs: 0 } });
});
afterAll(async () => {
  await oasis.close();
  silent.close();
});
beforeEach(async () => {
  db = await freshDatabase();
  bench = await createJobBench(db, FEEDS);
});
afterEach(async () => {
  await bench.close();
  await db.drop();
});

// The live bus is not the command's concern: nothing listens there.
const shell = (url?: string) => ({
  DATABASE_URL: db.url,
  REDIS_URL: 'redis://127.0.0.1:1',
  CAISO_REQUEST_SPACING_MS: '0',
  ...(url !== undefined && { CAISO_OASIS_URL: url }),
});
const startIngestors = (more: Readonly<Record<string, string>>) =>
  bench.startWorkers({ config: readConfig({ CAISO_REQUEST_SPACING_MS: '0', ...more }, FEED_SETTINGS) });
const isHeld = () => expect.poll(() => silent.requests(), { timeout: 60_000 }).toBeGreaterThan(0);

describe('a job that is asked for at a shell', () => {
  it('is left to the ingestors where any run, and to what they are configured for', async () => {
    await startIngestors({ CAISO_NODES: NODE, CAISO_REPORTS: 'PRC_LMP', CAISO_OASIS_URL: oasis.url });
    const call = await callFeeds(shell('http://127.0.0.1:1'), ...BACKFILL);
    expect(call.err).toBe('feeds: ingestors run: they work on it, and this shell follows\n');
    expect(call.out).toMatch(/completed after .*, 1 of 1 chunks done/);
    expect(call.code).toBe(0);
  });

  it('is taken over where they go away', async () => {
    const ingestors = await startIngestors({ CAISO_OASIS_URL: silent.url });
    const program = startProgram('ingestors/cli.ts', shell(oasis.url), OF_NODE);
    await program.sees(/ingestors run: they work on it/);
    await isHeld();
    await ingestors.stop();
    await program.sees(/^feeds: no ingestors run any more: this shell goes on with it$/);
    await program.sees(/completed after .*, 1 of 1 chunks done/);
    await program.ended;
  });

  it('is handed over where they come', async () => {
    const program = startProgram('ingestors/cli.ts', shell(silent.url), OF_NODE);
    await isHeld();
    await startIngestors({ CAISO_OASIS_URL: oasis.url });
    await program.sees(/^feeds: ingestors run now: they go on with it$/);
    await program.sees(/completed after .*, 1 of 1 chunks done/);
    await program.ended;
  });

  it('says clearly what is missing where no ingestors run and the feed is not configured', async () => {
    const call = await callFeeds(shell(oasis.url), ...BACKFILL);
    expect(call.out).toMatch(/failed after .*, before it was planned\.\n {2}BAD_USER_INPUT: no nodes to ask for/);
    expect(call.err).toMatch(
      /^feeds: no ingestors run, so this shell planned it, and caiso-lmp is not configured here: /,
    );
    expect(call.code).toBe(2);
  });

  it('tells how to go on with it where nobody works on it', async () => {
    const asked = await callFeeds(shell(), ...OF_NODE, '--detach');
    expect(asked.out).toMatch(/No ingestors run: it waits for them\. Do it here: feeds jobs watch (\d+) --work\n$/);
    const [, id = ''] = asked.out.match(/watch (\d+)/) ?? [];
    const program = startProgram('ingestors/cli.ts', shell(), ['jobs', 'watch', id]);
    await program.sees(
      new RegExp(`no ingestors run: nobody works on it \\(feeds jobs watch ${id} --work does it here\\)`),
    );
    expect(await program.stop('SIGINT')).toBe(130);
    const cancelled = await callFeeds(shell(), 'jobs', 'cancel', id);
    expect(cancelled.out).toMatch(/is asked to end\. No ingestors run/);
    await startIngestors({});
    const watched = await callFeeds(shell(), 'jobs', 'watch', id);
    expect(watched).toMatchObject({ code: 1, err: '' });
    expect(watched.out).toMatch(/cancelled after/);
  });
});

describe('what came of a job', () => {
  it('is also for how much of it the source had nothing', async () => {
    oasis.failNext({ oasisCode: 1000 });
    const call = await callFeeds(shell(oasis.url), ...OF_NODE);
    expect(call.out).toMatch(/1 of 1 chunks done\.\n {2}The source had no data for 1 chunk\.\n$/);
    expect(call.code).toBe(0);
    oasis.failNext({ oasisCode: 1000 });
    const json = await callFeeds(shell(oasis.url), ...OF_NODE, '--json');
    expect(json.json()).toMatchObject({ state: 'COMPLETED', noDataChunks: 1 });
  });

  it('is a failure where none of the dead letters became a fact', async () => {
    await db.pool.query(
      `WITH entry AS (
         INSERT INTO ledger_entry (feed_id, partition, kind, state, rows_in, rows_rejected, finished_at)
         VALUES ('realtime_prices', '0', 'BATCH', 'COMPLETED', 2, 2, now()) RETURNING id
       )
       INSERT INTO dead_letter (feed_id, partition, position, ledger_id, code, reason, raw, name, published_at, received_at)
       SELECT 'realtime_prices', '0', at, id, 'NOT_JSON', 'no JSON', '', 'realtime_prices', now(), now()
       FROM entry, generate_series(1, 2) AS at`,
    );
    const retry = ['dead-letters', 'retry', '--feed', 'realtime_prices'];
    const call = await callFeeds(shell(), ...retry);
    expect(call.out).toMatch(/\n {2}2 of 2 dead letters failed again and are open still\.\n/);
    expect(call.code).toBe(1);
    const json = await callFeeds(shell(), ...retry, '--json');
    expect(json.json()).toMatchObject({ state: 'COMPLETED', lettersTried: 2, lettersOpen: 2 });
    expect(json.code).toBe(1);
  });
});

interface SilentServer {
  readonly url: string;
  /** How many came since it was asked last. */
  requests(): number;
  close(): void;
}

/** A server that takes requests and never answers. */
async function startSilentServer(): Promise<SilentServer> {
  let requests = 0;
  const server: Server = createServer(() => {
    requests += 1;
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => {
      const count = requests;
      requests = 0;
      return count;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
