import type { Client } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LiveBus } from '../../runtime/live-bus/live-bus.ts';
import { createRedisBus } from '../../runtime/live-bus/redis-bus.ts';
import { socketClient, startGateway, type TestGateway } from '../../tests/support/gateway.ts';
import { announcer, ringBus, silent } from '../../tests/support/live.ts';
import { type RedisServer, startRedis } from '../../tests/support/redis.ts';
import { requireOrSkip } from '../../tests/support/services.ts';

interface Frame {
  readonly data?: Readonly<Record<string, Update>> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }[];
}

interface Update {
  readonly cursor: string;
  readonly ticks?: readonly { readonly lmp: number }[];
}

const gateways: TestGateway[] = [];
const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.dispose()));
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
});

async function startOn(bus: LiveBus): Promise<TestGateway> {
  const gateway = await startGateway({ bus });
  gateways.push(gateway);
  return gateway;
}

async function subscribe(gateway: TestGateway, query: string, variables = {}) {
  const client = socketClient(gateway.socketUrl);
  clients.push(client);
  const members = await memberCount(gateway);
  const frames = client.iterate({ query: `subscription ($after: String) { ${query} }`, variables });
  if (!('after' in variables)) await expect.poll(() => memberCount(gateway), { interval: 5 }).toBe(members + 1);
  return frames as unknown as AsyncIterableIterator<Frame>;
}

async function subscribeByEvents(gateway: TestGateway, query: string): Promise<Response> {
  const members = await memberCount(gateway);
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: `subscription { ${query} }` }),
  });
  await expect.poll(() => memberCount(gateway), { interval: 5 }).toBe(members + 1);
  return response;
}

async function memberCount(gateway: TestGateway): Promise<number> {
  return (await gateway.metrics.liveMembers.get()).values[0]?.value ?? 0;
}

async function next(frames: AsyncIterator<Frame>): Promise<Update> {
  const { value } = await frames.next();
  const [update] = Object.values<Update>(value?.data ?? {});
  if (!update) throw new Error(`no update: ${JSON.stringify(value)}`);
  return update;
}

async function* partsOf({ body }: Response): AsyncGenerator<string, undefined> {
  if (body) yield* body.pipeThrough(new TextDecoderStream());
}

const UPDATE = '{ cursor ticks { lmp } }';
const OF_TWO = `lmp(nodes: ["PJM:A", "PJM:B"], run: REAL_TIME_5_MIN, after: $after) ${UPDATE}`;

const OF_TWO_NOW = OF_TWO.replace(', after: $after', '');

describe('a cursor', () => {
  let gateway: TestGateway;
  let cursor: string;
  beforeEach(async () => {
    gateway = await startOn(ringBus());
    const frames = await subscribe(gateway, OF_TWO);
    const source = announcer(gateway.bus);
    await source.price(1);
    ({ cursor } = await next(frames));
    await source.price(2);
  });

  test.each([
    [
      'with its nodes in another order',
      `lmp(nodes: ["PJM:B", "PJM:A", "PJM:B"], run: REAL_TIME_5_MIN, after: $after) ${UPDATE}`,
    ],
    [
      'with another delivery',
      `lmp(nodes: ["PJM:A", "PJM:B"], run: REAL_TIME_5_MIN, after: $after, delivery: LATEST) ${UPDATE}`,
    ],
    [
      'with a snapshot asked for, which is not sent again',
      OF_TWO.replace('after: $after', 'after: $after, snapshot: true'),
    ],
  ])('resumes its question %s', async (_, query) => {
    const resumed = await subscribe(gateway, query, { after: cursor });
    expect((await next(resumed)).ticks).toEqual([{ lmp: 2 }]);
  });

  test.each([
    ['of other nodes', `lmp(nodes: ["PJM:A"], run: REAL_TIME_5_MIN, after: $after) ${UPDATE}`],
    ['of every run', `lmp(nodes: ["PJM:A", "PJM:B"], after: $after) ${UPDATE}`],
    ['of everything', `lmp(after: $after) ${UPDATE}`],
    ['of another field', 'forecasts(nodes: ["PJM:A", "PJM:B"], run: REAL_TIME_5_MIN, after: $after) { cursor }'],
    ['of trades', 'trades(after: $after) { cursor }'],
    ['of positions', 'pnl(after: $after) { cursor }'],
  ])('does not resume a question %s', async (_, query) => {
    const { value } = await (await subscribe(gateway, query, { after: cursor })).next();
    expect(value.errors).toMatchObject([
      { message: expect.stringContaining('not a cursor of this subscription'), extensions: { code: 'BAD_USER_INPUT' } },
    ]);
  });

  test('of a subscription that the gateway ended is one to resume with', async () => {
    const response = await subscribeByEvents(gateway, OF_TWO_NOW);
    await announcer(gateway.bus, 'test/1').price(3);
    const parts = partsOf(response);
    let text = '';
    for (let part = await parts.next(); !part.done; part = await parts.next()) {
      text += part.value;
      if (text.includes('"lmp":3')) break;
    }
    const [, last] = /"cursor":"([^"]+)"/.exec(text) ?? [];
    await gateway.close();
    gateways.length = 0;
    for await (const part of parts) text += part;
    expect(last).toBeDefined();
    expect(text).toContain(`"extensions":{"cursor":"${last}","code":"UNAVAILABLE"}`);
  });
});

describe('an event stream that was sent nothing before the gateway ended it is told where to go on', () => {
  const endedBefore = async (gateway: TestGateway, query: string) => {
    const response = await subscribeByEvents(gateway, query);
    await gateway.gateway.close();
    const [, cursor] = /"extensions":{"cursor":"([^"]+)","code":"UNAVAILABLE"}/.exec(await response.text()) ?? [];
    return cursor;
  };

  test.each([
    ['trades', 'trades { cursor }'],
    ['forecasts', 'forecasts(nodes: ["PJM:A"]) { cursor }'],
  ])('with %s', async (_, query) => {
    expect(await endedBefore(await startOn(ringBus()), query)).toBeDefined();
  });

  test('and misses nothing of what came while there was no gateway', async () => {
    const bus = ringBus();
    const [one, other] = [await startOn(bus), await startOn(bus)];
    const source = announcer(bus);
    await source.price(1);
    const after = await endedBefore(one, OF_TWO_NOW);
    await source.price(2);
    expect((await next(await subscribe(other, OF_TWO, { after }))).ticks).toEqual([{ lmp: 2 }]);
  });
});

describe.skipIf(!requireOrSkip('redis'))('over Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  test('a subscription goes on at another gateway with the cursor of the first, and misses nothing', async () => {
    const create = () =>
      createRedisBus({
        url: redis.url,
        window: { entriesMax: 1_000, ageMsMax: 60_000 },
        log: silent,
        prefix: 'cursors:',
      });
    const [one, other] = [await startOn(create()), await startOn(create())];
    const source = announcer(one.bus);
    const frames = await subscribe(one, OF_TWO);
    await source.price(1);
    const { cursor } = await next(frames);
    await one.gateway.close();
    await source.price(2);
    await source.price(3, 'PJM:C');
    await source.price(4, 'PJM:B');
    const seen: number[] = [];
    const resumed = await subscribe(other, OF_TWO, { after: cursor });
    while (seen.length < 2) seen.push(...((await next(resumed)).ticks ?? []).map(({ lmp }) => lmp));
    expect(seen).toEqual([2, 4]);
    const { value } = await (await subscribe(other, `lmp(after: $after) ${UPDATE}`, { after: cursor })).next();
    expect(value.errors[0].extensions).toEqual({ code: 'BAD_USER_INPUT' });
  });
});
