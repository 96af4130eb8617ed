/** `feeds health` as an operator calls it. */

import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { callFeeds } from '../../tests/support/feeds-cli.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { storeCalls } from '../../tests/support/source-calls.ts';
import { startOasis } from '../stand-ins/oasis.ts';

// A shell that works on a job loads all that ingests.
vi.setConfig({ testTimeout: 90_000 });

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

const feeds = (...arguments_: readonly string[]) => callFeeds({ DATABASE_URL: db.url }, 'health', ...arguments_);

it('shows how the sources answer, and what is wrong with them', async () => {
  expect(await feeds()).toMatchObject({ code: 0, out: 'No call to a source is kept.\n', err: '' });
  const at = Date.now() - 5_000;
  await storeCalls(db.pool, [
    { at, latencyMs: 120 },
    { at, latencyMs: 240 },
    { at, outcome: 'SERVER_ERROR', status: 503, error: 'status 503 \u001b[2J' },
    { at: at - 2 * 3_600_000, source: 'ERCOT', endpoint: 'login' },
  ]);
  await db.pool.query(
    `INSERT INTO api_alert (source, kind, opened_at, detail) VALUES ('PJM', 'AUTH', '2025-07-08T12:00Z', 'refused')`,
  );
  const [table, json, wrong, nobody, silent] = await Promise.all([
    feeds(),
    feeds('--window', '180', '--source', 'ercot', '--json'),
    feeds('--window', '10081'),
    feeds('--source', 'NOPE'),
    feeds('--source', 'spp'),
  ]);
  expect(table).toMatchObject({ code: 0, err: '' });
  expect(table.out).toMatch(/\nERCOT +up +– +0 +2 h ago\nERCOT +login +– +0 +– +– +–/);
  expect(table.out).toMatch(/\nPJM +DOWN +66\.66 % +3 +\d+ s ago\n/);
  expect(table.out).toMatch(/\nPJM +da_hrl_lmps +66\.66 % +3 +180 +234 +239 +status 503 \u241b\[2J\n/);
  expect(table.out).toMatch(/\nOpen alerts:\n.*\nPJM +AUTH +2025-07-08T12:00:00\.000Z +refused\n$/);
  expect(json.json()).toMatchObject([
    { source: 'ERCOT', up: true, score: 1, calls: 1, lastCallAt: expect.stringMatching(/Z$/), alerts: [] },
  ]);
  const there = 'CAISO, CKW, ERCOT, ISO-NE, MISO, NYISO, PJM, SPP';
  expect(nobody).toMatchObject({ code: 2, out: '', err: `feeds: there is no source "NOPE"; there are ${there}\n` });
  expect(silent).toMatchObject({ code: 0, out: 'No call to spp is kept.\n' });
  expect(wrong).toMatchObject({ code: 2, err: 'feeds: 10081 is too much: at most 10080\n' });
});

it('tells of the calls that a job made in a shell', async () => {
  const now = () => Date.parse('2024-07-10T00:00Z');
  const oasis = await startOasis({ now, nodes: ['TH_NP15_GEN-APND'], limits: { spacingMs: 0 } });
  const environment = { DATABASE_URL: db.url, CAISO_OASIS_URL: oasis.url, CAISO_REQUEST_SPACING_MS: '0' };
  const range = ['--from', '2024-07-01T07:00Z', '--to', '2024-07-02T07:00Z', '--node', 'CAISO:TH_NP15_GEN-APND'];
  const job = await callFeeds(environment, 'backfill', '--feed', 'iso.da.lmp.caiso', ...range);
  await oasis.close();
  expect(job).toMatchObject({ code: 0, err: '' });
  const health = await feeds('--source', 'CAISO', '--json');
  expect(health.json()).toMatchObject([{ source: 'CAISO', up: true, calls: 1, score: 1, endpoints: [{ calls: 1 }] }]);
});
