import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Client } from 'graphql-ws';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSnapshots, type ReadSnapshot } from '../gateway/live/snapshots.ts';
import type { LiveBus, LmpTick } from '../runtime/live-bus/live-bus.ts';
import { socketClient } from './support/gateway.ts';
import { ringBus } from './support/live.ts';
import { freshDatabase, type TestDatabase } from './support/postgres.ts';
import { createSpotWriters, type Spot } from './support/spot-writers.ts';
import { type StoreGateway, startStoreGateway } from './support/store-gateway.ts';

const HUBS = Array.from({ length: 8 }, (_, at) => `PJM-HUB${at}`);
const NODES = HUBS.map((hub) => `PJM:${hub}`);
const SUBSCRIBERS = 300;
const SOCKETS = 20;
const QUERY = `subscription S($nodes: [ID!], $market: String, $run: MarketRun, $delivery: Delivery, $after: String) {
  lmp(nodes: $nodes, market: $market, run: $run, delivery: $delivery, after: $after, snapshot: true) {
    cursor ticks { node { id } start revision lmp }
  }
}`;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let db: TestDatabase;
let bus: LiveBus;
let gateway: StoreGateway;
let writers: Awaited<ReturnType<typeof createSpotWriters>>;
const clients: Client[] = [];

beforeEach(async () => {
  db = await freshDatabase();
  bus = ringBus();
  writers = await createSpotWriters(db.pool, bus, [...NODES, 'ERCOT:ERCOT-HUB']);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.dispose()));
  await gateway.close();
  await db.drop();
});

async function start(options: { snapshots?: (read: ReadSnapshot) => ReadSnapshot } = {}): Promise<void> {
  const { snapshots = (read) => read } = options;
  gateway = await startStoreGateway({ db, bus, snapshots: (prices) => snapshots(createSnapshots(db.pool, prices)) });
}

interface Version {
  readonly node: string;
  readonly start: number;
  readonly revision: number;
  readonly lmp: number;
}

interface Frame {
  readonly data?: { readonly lmp: { readonly cursor: string; readonly ticks: readonly Tick[] } } | null;
  readonly errors?: readonly { readonly extensions: Record<string, unknown> }[];
}

interface Tick {
  readonly node: { readonly id: string };
  readonly start: string;
  readonly revision: number;
  readonly lmp: number;
}

function subscribe(variables: Record<string, unknown>, client = newClient()): AsyncIterableIterator<Frame> {
  return client.iterate({ query: QUERY, variables }) as unknown as AsyncIterableIterator<Frame>;
}

function newClient(): Client {
  const client = socketClient(gateway.socketUrl);
  clients.push(client);
  return client;
}

async function next(frames: AsyncIterator<Frame>): Promise<{ cursor: string; versions: Version[] }> {
  const { value, done } = await frames.next();
  if (done || !value.data) throw new Error(`ended: ${JSON.stringify(value)}`);
  const { cursor, ticks } = value.data.lmp;
  return { cursor, versions: ticks.map(versionOf) };
}

function versionOf({ node, start, revision, lmp }: Tick): Version {
  return { node: node.id, start: Date.parse(start), revision, lmp };
}

const versionOfTick = ({ node, startAt, revision, lmp }: LmpTick): Version => ({ node, start: startAt, revision, lmp });

/** Everything on the bus, in its order, until the given prices are there. */
async function history(after: string, isOver: (versions: readonly Version[]) => boolean): Promise<Version[]> {
  const versions: Version[] = [];
  for await (const entries of bus.read('lmp', after, AbortSignal.timeout(15_000))) {
    for (const { events } of entries) versions.push(...events.map(versionOfTick));
    if (isOver(versions)) return versions;
  }
  throw new Error('the bus never had it all');
}

const LAST_PRICE = 1e6;

/** Each hub's prices by its own writer: a new one, and now and then a correction of an old one, as fast as they are committed. */
async function writeAll(until: () => boolean): Promise<void> {
  const half = HUBS.length / 2;
  await Promise.all(
    [HUBS.slice(0, half), HUBS.slice(half)].map(async (hubs, partition) => {
      const commit = await writers.partition(String(partition));
      let place = 0;
      const batch = (price: number): Spot[] => {
        place += 1;
        const fresh = hubs.map((hub) => ({ hub, place, price }));
        const old = Math.max(1, place - 1 - (place % 5));
        return place % 3 ? fresh : [...hubs.map((hub) => ({ hub, place: old, price: price + 0.5 })), ...fresh];
      };
      while (!until()) await commit(batch(place));
      await commit(batch(LAST_PRICE));
    }),
  );
}

/** How a subscriber's prices of one node stand against all there were, in commit order: a suffix, behind what the snapshot says. */
function faultOf(all: readonly Version[], held: Version | undefined, seen: readonly Version[]): string | undefined {
  const cut = all.length - seen.length;
  if (JSON.stringify(all.slice(cut)) !== JSON.stringify(seen)) return 'its events are not the last ones of the history';
  const newest = all
    .slice(0, Math.max(0, cut))
    .reduce<Version | undefined>(
      (kept, each) =>
        kept && (kept.start > each.start || (kept.start === each.start && kept.revision > each.revision)) ? kept : each,
      undefined,
    );
  if (JSON.stringify(newest) !== JSON.stringify(held)) return 'its snapshot is not what stood before its events';
  return undefined;
}

const ofNode = (versions: readonly Version[], node: string) => versions.filter((each) => each.node === node);

/** Hundreds join while prices are written at full rate. @returns what is wrong with what they saw. */
async function joinWhileWriting(delivery = 'EVERY'): Promise<string[]> {
  const beginning = await bus.tail('lmp');
  const first = await writers.partition('0');
  await first(HUBS.slice(0, 2).map((hub) => ({ hub, place: 0, price: -1 })));
  const sockets = Array.from({ length: SOCKETS }, newClient);
  let joined = 0;
  const writing = writeAll(() => joined === SUBSCRIBERS);
  const isOver = (versions: readonly Version[], nodes: readonly string[]) =>
    nodes.every((node) => versions.some((each) => each.node === node && each.lmp === LAST_PRICE));
  const follow = async (subscriber: number) => {
    const nodes = subscriber % 3 === 0 ? NODES : [NODES[subscriber % NODES.length] ?? '', NODES[0] ?? ''];
    const variables = subscriber % 4 === 1 ? { market: 'PJM' } : { nodes };
    const wanted = 'market' in variables ? NODES : [...new Set(nodes)];
    const frames = subscribe({ ...variables, delivery }, sockets[subscriber % SOCKETS]);
    const held = await next(frames);
    joined += 1;
    const seen: Version[] = [];
    while (!isOver(seen, wanted)) seen.push(...(await next(frames)).versions);
    await frames.return?.();
    return { wanted, held: held.versions, seen };
  };
  const following: ReturnType<typeof follow>[] = [];
  for (let subscriber = 0; subscriber < SUBSCRIBERS; subscriber++) {
    following.push(follow(subscriber));
    if (subscriber % 5 === 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
  }
  const all = await history(beginning, (versions) => isOver(versions, NODES));
  await writing;
  const faults: string[] = [];
  for (const { wanted, held, seen } of await Promise.all(following)) {
    for (const node of wanted) {
      const found = ofNode(held, node);
      const fault =
        found.length > 1 ? 'its snapshot has a node twice' : faultOf(ofNode(all, node), found[0], ofNode(seen, node));
      if (fault) faults.push(fault);
    }
  }
  return faults;
}

describe('hundreds of subscribers that join with a snapshot while prices are written at full rate', () => {
  test('each see the present prices and then every later one, none missing and none twice', async () => {
    await start();
    expect(await joinWhileWriting()).toEqual([]);
  }, 60_000);

  test('would see prices twice if nothing told which events the snapshot holds', async () => {
    await start({
      snapshots: (read) => async (filter) => {
        const placed = await read(filter);
        return { ...placed, snapshot: { ...placed.snapshot, newestCommit: -1 } };
      },
    });
    expect((await joinWhileWriting()).length).toBeGreaterThan(0);
  }, 60_000);

  test('would miss prices if the store were read before they are given events', async () => {
    let early: ReturnType<ReadSnapshot> | undefined;
    await start({
      snapshots: (read) => (filter) => {
        early ??= read(filter);
        return early;
      },
    });
    expect((await joinWhileWriting()).length).toBeGreaterThan(0);
  }, 60_000);
});

describe('a snapshot', () => {
  const spot = (place: number, price: number, hub = 'PJM-HUB0'): Spot => ({ hub, place, price });

  test('holds what was committed and not announced yet: announced late, it does not come again', async () => {
    await start();
    await writers.commitSilently([spot(1, 10)]);
    await writers.commitSilently([spot(2, 20)]);
    await writers.commitSilently([spot(1, 11)]);
    const frames = subscribe({ nodes: ['PJM:PJM-HUB0'] });
    expect((await next(frames)).versions).toMatchObject([{ lmp: 20, revision: 1 }]);
    await writers.announceLate();
    await writers.commitSilently([spot(1, 12)]);
    await writers.commitSilently([spot(2, 21)]);
    await writers.announceLate();
    const seen: Version[] = [];
    while (seen.length < 2) seen.push(...(await next(frames)).versions);
    expect(seen.map(({ lmp, revision }) => [lmp, revision])).toEqual([
      [12, 3],
      [21, 2],
    ]);
    await frames.return?.();
  });

  test('is of every run, of one, of a market, or of all there is, and empty where there is nothing', async () => {
    await start();
    await writers.commitSilently([spot(1, 10), spot(1, 20, 'PJM-HUB1'), spot(1, 30, 'ERCOT-HUB')]);
    const firstOf = async (variables: Record<string, unknown>) => {
      const frames = subscribe(variables);
      const { versions } = await next(frames);
      await frames.return?.();
      return versions.map(({ lmp }) => lmp);
    };
    expect(await firstOf({})).toEqual([30, 10, 20]);
    expect(await firstOf({ market: 'PJM' })).toEqual([10, 20]);
    expect(await firstOf({ market: 'PJM', run: 'SPOT' })).toEqual([10, 20]);
    expect(await firstOf({ run: 'REAL_TIME_5_MIN' })).toEqual([]);
    expect(await firstOf({ nodes: ['PJM:PJM-HUB1', 'PJM:PJM-HUB0'] })).toEqual([20, 10]);
    expect(await firstOf({ nodes: ['PJM:NOBODY'] })).toEqual([]);
  });

  test('has a cursor to resume after, and is not sent again then', async () => {
    await start();
    const commit = await writers.partition('0');
    await commit([spot(1, 10)]);
    const frames = subscribe({ nodes: ['PJM:PJM-HUB0'] });
    const { cursor } = await next(frames);
    await frames.return?.();
    await commit([spot(2, 20)]);
    const resumed = subscribe({ nodes: ['PJM:PJM-HUB0'], after: cursor });
    expect((await next(resumed)).versions.map(({ lmp }) => lmp)).toEqual([20]);
    await resumed.return?.();
  });

  test('of more nodes than the limit, none of them named, is refused', async () => {
    await start();
    await db.pool.query(
      "INSERT INTO pricing_node (market_id, name) SELECT 'PJM', 'N' || n FROM generate_series(1, 5001) AS n",
    );
    const { value } = await subscribe({ market: 'PJM' }).next();
    expect(value.errors[0].extensions).toMatchObject({ code: 'LIMIT_EXCEEDED', limit: 'snapshotNodes', max: 5_000 });
    const named = subscribe({ nodes: ['PJM:N1'] });
    expect((await next(named)).versions).toEqual([]);
    await named.return?.();
  });

  test('is let go by its subscribers: its rows once they are sent, the rest once nothing of it can come again', async () => {
    const kept: { rows: WeakRef<object>; commits: WeakRef<object> }[] = [];
    await start({
      snapshots: (read) => async (filter) => {
        const placed = await read(filter);
        const { prices, committed } = placed.snapshot;
        kept.push({ rows: new WeakRef(prices), commits: new WeakRef(committed) });
        return placed;
      },
    });
    const stillThere = (of: 'rows' | 'commits') => {
      collectGarbage();
      return kept.filter((each) => each[of].deref()).length;
    };
    await writers.commitSilently([spot(1, 10)]);
    const all = [];
    for (const delivery of ['EVERY', 'LATEST', 'EVERY']) {
      const frames = subscribe({ nodes: ['PJM:PJM-HUB0'], delivery });
      expect((await next(frames)).versions).toMatchObject([{ lmp: 10 }]);
      all.push(frames);
    }
    expect(kept).toHaveLength(3);
    await expect.poll(() => stillThere('rows')).toBe(0);
    expect(stillThere('commits')).toBe(3);
    await writers.announceLate();
    await expect.poll(() => stillThere('commits')).toBe(0);
    await writers.commitSilently([spot(1, 11)]);
    await writers.announceLate();
    for (const frames of all) expect((await next(frames)).versions).toMatchObject([{ lmp: 11 }]);
    for (const frames of all) await frames.return?.();
  });

  test('is followed by what all are told: one execution an update, and one source', async () => {
    await start();
    const commit = await writers.partition('0');
    await commit([spot(1, 10)]);
    const all = Array.from({ length: 5 }, () => subscribe({ nodes: ['PJM:PJM-HUB0'] }));
    await Promise.all(all.map(next));
    const executions = async () =>
      (await gateway.metrics.operationSeconds.get()).values.find(
        ({ metricName, labels }) => metricName?.endsWith('_count') && labels.operation === 'subscription',
      )?.value ?? 0;
    const before = await executions();
    expect((await gateway.metrics.liveSubscriptions.get()).values[0]?.value).toBe(1);
    for (const place of [2, 3, 4]) {
      await commit([spot(place, place)]);
      for (const frames of all) expect((await next(frames)).versions.map(({ lmp }) => lmp)).toEqual([place]);
    }
    expect((await executions()) - before).toBe(3);
    for (const frames of all) await frames.return?.();
  });
});
