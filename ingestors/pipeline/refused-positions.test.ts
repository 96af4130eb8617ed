import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { randomTrades } from '../../tests/support/random-trades.ts';
import { ingestTrades } from '../../tests/support/silent-pipeline.ts';
import { addNodesOf } from '../../tests/support/stored-positions.ts';

const VERSIONS = [...randomTrades({ seed: 31, versions: 60, accounts: 2, nodes: 3 })];
const FIRST_VERSIONS = VERSIONS.filter(({ version }) => version === 1);
const UNLUCKY = 'desk 1';

let db: TestDatabase;
beforeEach(async () => {
  db = await freshDatabase();
  await addNodesOf(db.pool, VERSIONS);
});
afterEach(() => db.drop());

const ingest = (versions: typeof VERSIONS) => ingestTrades(db.pool, versions);

describe.each(['position', 'positions_pnl', 'price_exposure'])('a store that refuses rows of %s', (table) => {
  const refuse = () =>
    db.pool.query(`ALTER TABLE ${table} ADD CONSTRAINT no_unlucky CHECK (account <> '${UNLUCKY}') NOT VALID`);

  it('costs the trades that are to blame, and no other', async () => {
    await refuse();
    const unlucky = FIRST_VERSIONS.filter(({ account }) => account === UNLUCKY).length;
    const outcome = await ingest(FIRST_VERSIONS);
    expect(outcome).toMatchObject({ written: FIRST_VERSIONS.length - unlucky, rejected: unlucky });
  });

  it('costs no other beside a version that came late, which is looked up while positions are kept', async () => {
    await refuse();
    const first = FIRST_VERSIONS.find(({ account }) => account !== UNLUCKY);
    if (!first) throw new TypeError('an account that is not unlucky');
    await ingest([{ ...first, version: 2 }]);
    const others = FIRST_VERSIONS.filter(({ tradeId }) => tradeId !== first.tradeId);
    const unlucky = others.filter(({ account }) => account === UNLUCKY).length;
    expect(await ingest([first, ...others])).toMatchObject({ rejected: unlucky });
  });
});

it.each([
  ['position', '57014'],
  ['position', '40P01'],
  ['positions_pnl', '57014'],
  ['trade', '40P01'],
])('a passing failure at %s (%s) says that another try may succeed', async (table, code) => {
  await db.pool.query(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '${code}'; END $$`);
  const when = table === 'position' ? 'UPDATE' : 'INSERT';
  await db.pool.query(`CREATE TRIGGER fail BEFORE ${when} ON ${table} FOR EACH ROW EXECUTE FUNCTION fail()`);
  await expect(ingest(FIRST_VERSIONS)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
