import type { Client } from 'graphql-ws';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MINUTE_MS } from '../../domain/instant.ts';
import { authenticatorOf, identityWith } from '../../tests/support/auth.ts';
import { socketClient } from '../../tests/support/gateway.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { storeCalls } from '../../tests/support/source-calls.ts';
import { type StoreGateway, startStoreGateway } from '../../tests/support/store-gateway.ts';

/** So that what is told to a late subscriber cannot be what the loop told everybody in the meantime. */
const AN_HOUR_MS = 3_600_000;
const NOW = Date.parse('2025-07-08T12:00:00Z');

let db: TestDatabase;
let gateway: StoreGateway;
let clients: Client[];
let now: number;
beforeEach(async () => {
  db = await freshDatabase();
  clients = [];
  now = NOW;
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.dispose()));
  await gateway.close();
  await db.drop();
});

async function start(
  sourcesEveryMs: number,
  more: Pick<
    Parameters<typeof startStoreGateway>[0],
    'authenticator' | 'sourceWatchesMax' | 'sourceWatchesPerIdentity'
  > = {},
): Promise<void> {
  gateway = await startStoreGateway({ db, clock: () => now, sourcesEveryMs, ...more });
}

const HEALTH = `subscription ($window: Int, $source: String) {
  apiHealth(window: $window, source: $source) { source up calls score alerts { kind } recentErrors { error } }
}`;

interface Frame {
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it subscribed to
  readonly data?: any;
  readonly errors?: readonly { readonly extensions: Readonly<Record<string, unknown>> }[];
}

/** Each on a socket of its own. */
function subscribe(variables: Record<string, unknown> = {}, credential?: string) {
  const client = socketClient(
    gateway.socketUrl,
    undefined,
    credential ? { authorization: `Bearer ${credential}` } : {},
  );
  clients.push(client);
  return client.iterate({ query: HEALTH, variables }) as unknown as AsyncIterableIterator<Frame>;
}

const next = async (frames: AsyncIterator<Frame>) => (await frames.next()).value as Frame;
const health = async (frames: AsyncIterator<Frame>) => (await next(frames)).data.apiHealth;

describe('the health of the sources', () => {
  test('is all sources as they are, and all again when one was called or an alert opened', async () => {
    await start(10);
    await storeCalls(db.pool, [{ at: NOW - 1_000 }]);
    const frames = subscribe();
    const pjm = { source: 'PJM', up: true, calls: 1, score: 1, alerts: [], recentErrors: [] };
    expect(await health(frames)).toEqual([pjm]);
    await storeCalls(db.pool, [{ at: NOW - 500, outcome: 'NETWORK', error: 'gone' }]);
    const failed = { ...pjm, calls: 2, score: 0.5, recentErrors: [{ error: 'gone' }] };
    expect(await health(frames)).toEqual([failed]);
    await db.pool.query(`INSERT INTO api_alert (source, kind, opened_at, detail) VALUES ('PJM', 'DOWN', now(), '')`);
    expect(await health(frames)).toEqual([{ ...failed, up: false, alerts: [{ kind: 'DOWN' }] }]);
  });

  test('is told when a call leaves the window, and not because the clock went on', async () => {
    await start(5);
    await storeCalls(db.pool, [{ at: NOW - 30 * MINUTE_MS }, { at: NOW - MINUTE_MS }]);
    const frames = subscribe();
    expect(await health(frames)).toMatchObject([{ calls: 2 }]);
    const told = next(frames);
    let frame: Frame | undefined;
    void told.then((value) => {
      frame = value;
    });
    now = NOW + 10 * MINUTE_MS;
    // One who comes now is told by a look that began after that.
    expect(await health(subscribe())).toMatchObject([{ calls: 2 }]);
    expect(frame).toBeUndefined();
    now = NOW + 31 * MINUTE_MS;
    expect((await told).data.apiHealth).toMatchObject([{ calls: 1 }]);
  });

  test('is looked at once for all who ask the same, and apart for each window and source', async () => {
    await start(AN_HOUR_MS);
    await storeCalls(db.pool, [{ at: NOW - 1_000 }, { at: NOW - 90 * MINUTE_MS, source: 'ERCOT' }]);
    const hour = [subscribe(), subscribe({ window: 60 })];
    expect(await Promise.all(hour.map(health))).toMatchObject(Array(2).fill([{ calls: 0 }, { calls: 1 }]));
    expect(gateway.watches.watching).toBe(1);
    const [longer, one] = [subscribe({ window: 100 }), subscribe({ source: 'ERCOT' })];
    expect(await health(longer)).toMatchObject([{ calls: 1 }, { calls: 1 }]);
    expect(await health(one)).toMatchObject([{ source: 'ERCOT', calls: 0 }]);
    expect(gateway.watches.watching).toBe(3);
    await Promise.all([...hour, longer, one].map((frames) => frames.return?.()));
    await expect.poll(() => gateway.watches.watching).toBe(0);
  });

  test('begins for a late subscriber with how it is then', async () => {
    await start(AN_HOUR_MS);
    await storeCalls(db.pool, [{ at: NOW - 1_000 }]);
    expect(await health(subscribe())).toMatchObject([{ calls: 1 }]);
    await storeCalls(db.pool, [{ at: NOW - 900 }]);
    expect(await health(subscribe())).toMatchObject([{ calls: 2 }]);
  });

  test('is refused for a source that there is not', async () => {
    await start(AN_HOUR_MS);
    const { errors } = await next(subscribe({ source: 'NOPE' }));
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    await expect.poll(() => gateway.watches.watching).toBe(0);
  });

  test('is refused for one window more than a gateway looks at, and not for one that others watch', async () => {
    await start(AN_HOUR_MS, { sourceWatchesMax: 2 });
    await storeCalls(db.pool, [{ at: NOW - 1_000 }]);
    const [hour, longer] = [subscribe(), subscribe({ window: 100 })];
    await Promise.all([hour, longer].map(health));
    const { errors } = await next(subscribe({ window: 200 }));
    expect(errors?.[0]).toMatchObject({
      message: expect.stringContaining('watches 2 different windows and sources already'),
      extensions: { code: 'LIMIT_EXCEEDED' },
    });
    expect(await health(subscribe({ window: 100 }))).toMatchObject([{ calls: 1 }]);
    expect(gateway.watches.watching).toBe(2);
    await hour.return?.();
    await expect.poll(() => gateway.watches.watching).toBe(1);
    expect(await health(subscribe({ window: 200 }))).toMatchObject([{ calls: 1 }]);
  });

  test('is refused for one window more than an identity may have, and not for others nor for one that it has', async () => {
    const analyst = { roles: ['ANALYST'], feeds: [] } as const;
    const authenticator = authenticatorOf({
      alice: identityWith(analyst, { subject: 'key:alice' }),
      bob: identityWith({ roles: ['OPERATOR'] }, { subject: 'key:bob' }),
    });
    await start(AN_HOUR_MS, { authenticator, sourceWatchesMax: 3, sourceWatchesPerIdentity: 2 });
    const windows = [100, 200, 100].map((window) => subscribe({ window }, 'alice'));
    expect(await Promise.all(windows.map(health))).toEqual([[], [], []]);
    const { errors } = await next(subscribe({ window: 300 }, 'alice'));
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'RATE_LIMITED', limit: 'healthWatches', max: 2 });
    expect(await health(subscribe({}, 'bob'))).toEqual([]);
    await windows[0]?.return?.();
    expect((await next(subscribe({ window: 300 }, 'alice'))).errors?.[0]?.extensions.code).toBe('RATE_LIMITED');
    await windows[2]?.return?.();
    await expect.poll(() => gateway.watches.watching).toBe(2);
    expect(await health(subscribe({ window: 300 }, 'alice'))).toEqual([]);
  });

  test('is refused for a window that is none', async () => {
    await start(AN_HOUR_MS);
    const refusal = async (window: number) => (await next(subscribe({ window }))).errors?.[0]?.extensions.code;
    expect(await refusal(0)).toBe('BAD_USER_INPUT');
    expect(await refusal(10_081)).toBe('LIMIT_EXCEEDED');
    expect(gateway.watches.watching).toBe(0);
  });
});
