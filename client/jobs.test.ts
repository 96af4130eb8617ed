import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway } from '../tests/support/store-gateway.ts';
import { type Client, createClient } from './client.ts';
import {
  AuditLogDocument,
  BackfillDocument,
  CancelJobDocument,
  FeedHealthDocument,
  FeedsDocument,
  JobDocument,
  JobProgressDocument,
  type JobStandingFragment,
  JobsDocument,
} from './generated/graphql.ts';

let db: TestDatabase;
let gateway: StoreGateway;
let client: Client;
beforeAll(async () => {
  db = await freshDatabase();
  gateway = await startStoreGateway({ db, jobEveryMs: 10 });
  await gateway.prisma.feed.create({ data: { id: 'caiso-lmp', title: 'CAISO', kind: 'poll' } });
  client = createClient({ url: gateway.url, webSocketImpl: WebSocket });
});
afterAll(async () => {
  client.close();
  await gateway.close();
  await db.drop();
});

it('A job is asked for, followed to its end and found again, typed throughout', async () => {
  const input = { feed: 'caiso-lmp', from: '2024-07-04T00:00:00.000Z', to: '2024-07-05T00:00:00.000Z' };
  const { job } = (await client.query(BackfillDocument, { input })).backfill;
  const { id } = job satisfies JobStandingFragment;
  const states: string[] = [];
  for await (const { jobProgress } of client.subscribe(JobProgressDocument, { id })) {
    states.push(`${jobProgress.state}${jobProgress.cancelRequested ? ', to be cancelled' : ''}`);
    if (states.length === 1) await client.query(CancelJobDocument, { id });
    // As the ingestors end it.
    if (states.length === 2) {
      await gateway.prisma.job.update({
        where: { id: BigInt(id) },
        data: { state: 'CANCELLED', finishedAt: new Date() },
      });
    }
  }
  expect(states).toEqual(['PENDING', 'PENDING, to be cancelled', 'CANCELLED, to be cancelled']);
  expect((await client.query(JobDocument, { id })).job).toMatchObject({
    id,
    state: 'CANCELLED',
    entries: { edges: [] },
  });
  const { jobs } = await client.query(JobsDocument, { feed: 'caiso-lmp', state: 'CANCELLED' });
  expect(jobs.edges.map(({ node }) => node.id)).toEqual([id]);
  const { auditLog } = await client.query(AuditLogDocument, { first: 2 });
  expect(auditLog.edges.map(({ node }) => [node.action, node.job?.id])).toEqual([
    ['cancelJob', id],
    ['backfill', id],
  ]);
});

it('The health of the feeds begins with all of them, as a query shows them', async () => {
  const { feeds } = await client.query(FeedsDocument);
  for await (const { feedHealth } of client.subscribe(FeedHealthDocument)) {
    expect(feedHealth).toEqual(feeds);
    break;
  }
});
