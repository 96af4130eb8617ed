import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway, statementsDuring } from '../../tests/support/store-gateway.ts';

let db: TestDatabase;
let gateway: StoreGateway;
beforeAll(async () => {
  db = await freshDatabase();
  gateway = await startStoreGateway({ db });
});
afterAll(async () => {
  await gateway.close();
  await db.drop();
});

const QUERY = '{ feeds { id kind streams { name partitions } partitions { partition } deadLettersOpen } }';

async function storeFeed(id: string, deadLetters: readonly ('OPEN' | 'RETRIED' | 'DISCARDED')[] = []): Promise<void> {
  const { prisma } = gateway;
  await prisma.feed.create({ data: { id, title: id, kind: 'topic' } });
  await prisma.feedPosition.create({ data: { feedId: id, partition: '0' } });
  const entry = { feedId: id, partition: '0', kind: 'BATCH', state: 'COMPLETED' } as const;
  const { id: ledgerId } = await prisma.ledgerEntry.create({ data: entry });
  const letter = { feedId: id, partition: '0', ledgerId, code: 'NOT_JSON', reason: 'no', receivedAt: new Date() };
  for (const state of deadLetters)
    await prisma.deadLetter.create({ data: { ...letter, state, raw: new Uint8Array() } });
}

it('feeds tell how facts come to them, by which names their parts go, and what waits for somebody', async () => {
  await storeFeed('prices', ['OPEN', 'OPEN', 'RETRIED', 'DISCARDED']);
  const streams = { 'iso.rt.lmp.caiso': ['PRC_INTVL_LMP', 'PRC_RTPD_LMP'], 'iso.da.lmp.caiso': ['PRC_LMP'] };
  await gateway.prisma.feed.create({ data: { id: 'caiso-lmp', title: 'CAISO', kind: 'poll', streams } });
  const { feeds } = await gateway.answer(QUERY);
  expect(feeds).toEqual([
    {
      id: 'caiso-lmp',
      kind: 'POLL',
      streams: expect.arrayContaining([
        { name: 'iso.da.lmp.caiso', partitions: ['PRC_LMP'] },
        { name: 'iso.rt.lmp.caiso', partitions: ['PRC_INTVL_LMP', 'PRC_RTPD_LMP'] },
      ]),
      partitions: [],
      deadLettersOpen: 0,
    },
    { id: 'prices', kind: 'TOPIC', streams: [], partitions: [{ partition: '0' }], deadLettersOpen: 2 },
  ]);
});

it('a feed is known by its id, not by a stream’s name', async () => {
  expect(await gateway.answer('{ feed(id: "iso.da.lmp.caiso") { id } }')).toEqual({ feed: null });
});

it('feeds are read in as many statements however many there are', async () => {
  const few = await statementsDuring(db, () => gateway.answer(QUERY));
  for (let each = 0; each < 30; each++) await storeFeed(`feed-${each}`, ['OPEN']);
  const many = await statementsDuring(db, () => gateway.answer(QUERY));
  expect(many).toBe(few);
  expect(few).toBeGreaterThan(1);
});
