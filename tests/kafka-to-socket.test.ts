import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type KafkaBroker, startKafka } from './support/kafka.ts';
import { freshDatabase, type TestDatabase } from './support/postgres.ts';
import { type Running, startProgram } from './support/processes.ts';
import { type RedisServer, startRedis } from './support/redis.ts';
import { programPath, requireOrSkip } from './support/services.ts';

const here = [requireOrSkip('kafka'), requireOrSkip('redis'), programPath('kcat') !== undefined].every(Boolean);

describe.skipIf(!here)('a foreign producer’s price, with gateway and ingestors as separate processes', () => {
  let db: TestDatabase;
  let redis: RedisServer;
  let kafka: KafkaBroker;
  let gateway: Running;
  let ingestors: Running;
  let url: string;

  beforeAll(async () => {
    [db, redis, kafka] = await Promise.all([freshDatabase(), startRedis(), startKafka()]);
    const environment = {
      DATABASE_URL: db.url,
      REDIS_URL: redis.url,
      KAFKA_BROKERS: kafka.brokers.join(','),
      PORT: '0',
      INGESTORS_PORT: '0',
    };
    gateway = startProgram('gateway/main.ts', environment);
    ingestors = startProgram('ingestors/main.ts', environment);
    const [, found] = await gateway.sees(/"url":"(http:[^"]+\/graphql)"/);
    url = found ?? '';
    await ingestors.sees(/partition claimed.*|"msg":"partition claimed"/).catch(() => {});
  }, 120_000);
  afterAll(async () => {
    await Promise.all([gateway?.stop(), ingestors?.stop()]);
    await Promise.all([redis.stop(), kafka.stop(), db.drop()]);
  });

  it('is in latestLmp and at a subscriber’s socket', { timeout: 90_000 }, async () => {
    const socket = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket });
    const updates = socket.iterate<{
      lmp: { cursor: string; ticks: { lmp: number; start: string; node: { id: string } }[] };
    }>({
      query:
        'subscription { lmp(nodes: ["PJM:PJM-WEST"], run: REAL_TIME_5_MIN) { cursor ticks { lmp start node { id } } } }',
    });
    const first = updates.next();
    await connected(socket);
    const ts = new Date(Math.floor(Date.now() / 300_000) * 300_000).toISOString();
    await kcat(
      kafka,
      JSON.stringify({ ts, hub: 'PJM-WEST', lmp_rt: 41.25, energy_rt: 40, congestion_rt: 1, loss_rt: 0.25 }),
    );

    const frame = (await first).value?.data?.lmp;
    expect(frame?.ticks).toEqual([{ lmp: 41.25, start: ts, node: { id: 'PJM:PJM-WEST' } }]);
    expect(frame?.cursor).toEqual(expect.any(String));
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: '{ latestLmp(nodes: ["PJM:PJM-WEST"], run: REAL_TIME_5_MIN) { lmp energy congestion loss start } }',
      }),
    });
    expect(await answer.json()).toEqual({
      data: { latestLmp: [{ lmp: 41.25, energy: 40, congestion: 1, loss: 0.25, start: ts }] },
    });
    await updates.return?.();
    await socket.dispose();
  });
});

/** The subscription is acknowledged by nothing; a pong after it says that the server has read that far. */
async function connected(socket: ReturnType<typeof createClient>): Promise<void> {
  await new Promise<void>((done) => {
    socket.on('connected', () => done());
  });
  await new Promise((resume) => setTimeout(resume, 250));
}

async function kcat({ brokers }: KafkaBroker, value: string): Promise<void> {
  const producer = spawn('kcat', ['-b', brokers.join(','), '-t', 'realtime_prices', '-P', '-K', '|'], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  producer.stdin.end(`PJM-WEST|${value}\n`);
  const [code] = await once(producer, 'exit');
  if (code !== 0) throw new Error(`kcat ended with ${code}`);
}
