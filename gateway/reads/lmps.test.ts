import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../domain/instant.ts';
import { countingDb } from '../../tests/support/counting-db.ts';
import { storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type LmpPosition, readLmps } from './lmps.ts';
import type { Statement } from './statement.ts';

const at = (iso: string) => Date.parse(iso);
const RUN = 'REAL_TIME_5_MIN';

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

const price = (node: string, start: string, lmp = 1) => ({ node, run: RUN, start, minutes: 5, lmp }) as const;
const brief = ({ node, startAt }: LmpPosition) => `${new Date(startAt).toISOString().slice(11, 16)} ${node}`;

describe('a list of prices', () => {
  it('is ordered by interval start and then node, whatever the order of the question', async () => {
    await storeLmps(db.pool, [
      price('PJM:B', '2024-07-04T17:05Z'),
      price('PJM:B', '2024-07-04T17:00Z'),
      price('CAISO:Z', '2024-07-04T17:05Z'),
      price('PJM:A', '2024-07-04T17:00Z'),
    ]);
    const range = { from: at('2024-07-04T17:00Z'), to: at('2024-07-04T18:00Z') };
    const page = { first: 10, after: undefined };
    const { rows, hasNextPage } = await readLmps(
      db.pool,
      ['PJM:B', 'PJM:A', 'CAISO:Z', 'PJM:NOBODY'],
      RUN,
      range,
      page,
    );
    expect(rows.map(brief)).toEqual(['17:00 PJM:A', '17:00 PJM:B', '17:05 CAISO:Z', '17:05 PJM:B']);
    expect(hasNextPage).toBe(false);
  });

  it('has every value of a price, and null where a component was not published', async () => {
    const node = 'CAISO:FULL';
    await storeLmps(db.pool, [
      {
        ...price(node, '2024-07-04T17:00Z', -5.25),
        energy: 10,
        congestion: -14.5,
        loss: -1,
        ghg: 0.25,
        flags: ['IDENTITY_BREACH', 'UNALIGNED_INTERVAL'],
        ledgerId: 4_000_000_000,
        recordedAt: '2024-07-04T17:06:00.123Z',
      },
      price(node, '2024-07-04T17:05Z'),
    ]);
    const range = { from: at('2024-07-04T17:00Z'), to: at('2024-07-04T18:00Z') };
    const { rows } = await readLmps(db.pool, [node], RUN, range, { first: 10, after: undefined });
    expect(rows[0]).toEqual({
      node,
      run: RUN,
      startAt: at('2024-07-04T17:00Z'),
      endAt: at('2024-07-04T17:05Z'),
      lmp: -5.25,
      energy: 10,
      congestion: -14.5,
      loss: -1,
      ghg: 0.25,
      revision: 1,
      flags: ['IDENTITY_BREACH', 'UNALIGNED_INTERVAL'],
      publishedAt: at('2024-07-04T17:06:00.123Z'),
      ledgerId: 4_000_000_000,
    });
    expect(rows[1]).toMatchObject({ energy: null, congestion: null, loss: null, ghg: null, flags: [] });
  });

  it('has pages that tile it without overlap while prices come in, each in one statement', async () => {
    const nodes = Array.from({ length: 5 }, (_, place) => `MISO:TILE-${place}`);
    const from = at('2024-07-04T00:00Z');
    const at5 = (place: number) => new Date(from + place * 5 * MINUTE_MS).toISOString();
    await storeLmps(
      db.pool,
      nodes.flatMap((node) => [0, 2, 4, 6].map((place) => price(node, at5(place)))),
    );
    const counting = countingDb(db.pool);
    const seen: LmpPosition[] = [];
    let after: LmpPosition | undefined;
    let pages = 0;
    for (let more = true; more; pages++) {
      const page = { first: 3, after };
      const slice = await readLmps(counting, nodes, RUN, { from, to: from + 35 * MINUTE_MS }, page);
      seen.push(...slice.rows);
      after = slice.rows.at(-1);
      more = slice.hasNextPage;
      // One price behind the page and one ahead of it, at the same interval start even.
      if (pages === 2) await storeLmps(db.pool, [price('MISO:TILE-0', at5(1)), price('MISO:TILE-4', at5(5))]);
    }
    const keys = seen.map(brief);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toEqual([...keys].sort());
    expect(keys.length).toBe(5 * 4 + 1);
    expect(keys).toContain('00:25 MISO:TILE-4');
    expect(counting.statements).toBe(pages);
  });

  it('goes on behind a cursor within one interval start', async () => {
    const nodes = ['SPP:A', 'SPP:B', 'SPP:C'];
    await storeLmps(
      db.pool,
      nodes.map((node) => price(node, '2024-07-04T17:00Z')),
    );
    const range = { from: at('2024-07-04T17:00Z'), to: at('2024-07-04T17:05Z') };
    const after = { startAt: range.from, node: 'SPP:B' };
    const { rows } = await readLmps(db.pool, nodes, RUN, range, { first: 10, after });
    expect(rows.map(({ node }) => node)).toEqual(['SPP:C']);
  });

  it('walks the key for a page, however many prices the range holds', async () => {
    const nodes = ['NYISO:LONG-1', 'NYISO:LONG-2', 'NYISO:LONG-3'];
    await storeLmps(
      db.pool,
      nodes.map((node) => price(node, '2024-01-01T00:00Z')),
    );
    // In the order of the intervals, as they are committed: the prices of a node are not beside each other.
    await db.pool.query(
      `INSERT INTO lmp (node_id, run, interval_start, interval_end, operating_day, lmp, published_at, published_seq, recorded_at, ledger_id)
       SELECT n.id, $1, starts_at, starts_at + INTERVAL '5 minutes', starts_at::date, 1, starts_at, 0, starts_at, 1
       FROM generate_series($2::timestamptz, $2 + INTERVAL '60 days', INTERVAL '5 minutes') AS starts_at, pricing_node AS n
       WHERE n.name LIKE 'LONG-%' ORDER BY 3, 1`,
      [RUN, new Date('2024-01-01T00:05Z')],
    );
    await db.pool.query('ANALYZE lmp');
    let plan = '';
    const explaining = {
      query: async ({ text, values }: Statement) => {
        const { rows } = await db.pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE) ${text}`, values);
        plan = rows.map((row) => row['QUERY PLAN']).join('\n');
        return { rows: [] };
      },
    };
    const range = { from: at('2024-01-01T00:00Z'), to: at('2024-03-01T00:00Z') };
    await readLmps(explaining, nodes.slice(0, 1), RUN, range, { first: 100, after: undefined });
    expect(plan).toMatch(/Index Scan using lmp_pkey on lmp .*actual .*rows=101\b/);
  });
});
