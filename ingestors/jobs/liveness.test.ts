import { afterEach, beforeEach, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { ingestorsLive, Liveness } from './liveness.ts';

let db: TestDatabase;
const open: Liveness[] = [];
beforeEach(async () => {
  db = await freshDatabase();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((liveness) => liveness.close()));
  await db.drop();
});

const begin = async (ingestors: boolean) => {
  const liveness = await Liveness.open(db.url, { ingestors });
  open.push(liveness);
  return liveness;
};
const live = () => ingestorsLive(db.pool);

it('ingestors live as long as one of them does', async () => {
  expect(await live()).toBe(false);
  const [one, other] = [await begin(true), await begin(true)];
  expect(await live()).toBe(true);
  await one.close();
  expect(await live()).toBe(true);
  await other.close();
  await expect.poll(live).toBe(false);
});

it('the workers of a shell are no ingestors', async () => {
  const shell = await begin(false);
  await shell.vouchFor('workers of a shell');
  expect(await live()).toBe(false);
});

it('ingestors of another store do not live on this one', async () => {
  const other = await freshDatabase();
  await begin(true);
  expect(await ingestorsLive(other.pool)).toBe(false);
  await other.drop();
});

it('looking does not make anybody seem to live', async () => {
  const looks = await Promise.all(Array.from({ length: 20 }, live));
  expect(looks).not.toContain(true);
});
