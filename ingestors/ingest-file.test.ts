import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createJobBench, type JobBench } from '../tests/support/job-bench.ts';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import { caisoLmp } from './feeds/caiso/feed.ts';
import { ingestFile } from './ingest-file.ts';
import { zipOf } from './stand-ins/zip-writer.ts';

const WHOLE = zipOf([{ name: '20240101_PRC_LMP_DAM.csv', bytes: Buffer.from('a,b\n1,2\n') }]);

describe('a file that is broken', () => {
  let db: TestDatabase;
  let bench: JobBench;
  let folder: string;
  beforeAll(async () => {
    db = await freshDatabase();
    bench = await createJobBench(db, [caisoLmp]);
    folder = await mkdtemp(join(tmpdir(), 'busbar-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await bench.close();
    await db.drop();
  });

  it.each([
    ['half a zip', WHOLE.subarray(0, WHOLE.length / 2)],
    ['a CSV of something else', Buffer.from('a,b\n1,2\n')],
    ['a page that throttles', Buffer.from('<html><body>Too many requests</body></html>')],
  ])('(%s) leaves a ledger entry and a dead letter of its bytes', async (name, bytes) => {
    const path = join(folder, `${name}.zip`);
    await writeFile(path, bytes);
    const outcome = await ingestFile(caisoLmp, { path, now: Date.now() }, bench.parts.pipeline);
    expect(outcome).toMatchObject({ rowsIn: 1, rejected: 1, written: 0 });
    const { rows } = await db.pool.query(
      `SELECT e.kind, e.request, d.code, d.state, d.raw FROM ledger_entry e JOIN dead_letter d ON d.ledger_id = e.id
       WHERE e.id = $1`,
      [outcome.ledgerId],
    );
    const letter = { code: 'NOT_THE_FORMAT', state: 'OPEN', raw: Buffer.from(bytes) };
    expect(rows).toEqual([{ kind: 'FILE', request: `${name}.zip`, ...letter }]);
  });
});
