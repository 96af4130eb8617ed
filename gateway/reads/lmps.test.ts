import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../domain/instant.ts';
import { countingDb } from '../../tests/support/counting-db.ts';
import { storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type LmpPosition, readLmps } from './lmps.ts';

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
});
