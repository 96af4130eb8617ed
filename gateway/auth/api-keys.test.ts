import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ApiKeyRequest, NewApiKey } from '../../domain/api-key.ts';
import type { BusbarError } from '../../domain/errors.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import { ALL_RIGHTS, type Rights } from '../../domain/rights.ts';
import { createApiKey, revokeApiKey, rotateApiKey } from '../../prisma/operations/api-keys.ts';
import { inTransaction } from '../../prisma/transaction.ts';
import { silent } from '../../tests/support/live.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type ApiKeys, openApiKeys, UNCONFIRMED_MS_MAX } from './api-keys.ts';

const UNKNOWN = { code: 'UNAUTHENTICATED', message: 'the API key is not known or no longer valid' };
const UNCONFIRMED = { code: 'UNAVAILABLE', message: 'API keys cannot be checked at the moment: try again' };
const TRADER: Rights = { roles: ['TRADER'], markets: ['PJM'], feeds: 'ALL', accounts: ['DESK-EAST'] };

let db: TestDatabase;
let now: number;
let keys: ApiKeys;
/** What a look at the store waits for, where a test holds it up. */
let store: Promise<unknown>;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());
beforeEach(async () => {
  await db.pool.query('TRUNCATE api_key');
  now = Date.UTC(2026, 10, 30);
  store = Promise.resolve();
  keys = await open();
});
afterEach(() => keys.close());

const clock = () => now;
const keeper = () => ({ by: 'tests', rights: ALL_RIGHTS, now });
const create = (asked: Partial<ApiKeyRequest> = {}) =>
  inTransaction(db.pool, (client) =>
    createApiKey(client, { name: 'desk', rights: TRADER, expiresAt: undefined, ...asked }, keeper()),
  );
const rotate = ({ key: { prefix } }: NewApiKey, overlapMs: number) =>
  inTransaction(db.pool, (client) => rotateApiKey(client, { prefix, overlapMs }, keeper()));
const revoke = ({ key: { prefix } }: NewApiKey) =>
  inTransaction(db.pool, (client) => revokeApiKey(client, prefix, keeper()));

function open(everyMs = 50): Promise<ApiKeys> {
  const query = async (...asked: Parameters<typeof db.pool.query>) => {
    await store;
    return db.pool.query(...asked);
  };
  return openApiKeys({ db: { query: query as typeof db.pool.query }, log: silent, clock, everyMs, usesEveryMs: 50 });
}

function takeStoreAway(): void {
  store = Promise.reject(new Error('connect ECONNREFUSED'));
  store.catch(() => {});
}

describe('an API key', () => {
  it('says who asks, with which rights and until when', async () => {
    const { key, secret } = await create({ expiresAt: now + DAY_MS });
    expect(secret).toMatch(new RegExp(`^bb_${key.prefix}_[\\w-]{43}$`));
    expect(await keys.identify(secret)).toEqual({
      subject: `key:${key.prefix}`,
      name: 'desk',
      rights: TRADER,
      expiresAt: now + DAY_MS,
    });
  });

  it('may be for the markets and the utility that there are, and for nothing that there is not', async () => {
    const { secret } = await create({ rights: { ...TRADER, markets: ['CKW', 'PJM'] } });
    expect((await keys.identify(secret)).rights.markets).toEqual(['CKW', 'PJM']);
    await expect(create({ rights: { ...TRADER, markets: ['CWK'] } })).rejects.toMatchObject({
      message: 'there is no market "CWK"; there are CAISO, CKW, ERCOT, ISONE, MISO, NYISO, PJM, SPP',
    });
  });

  it('is good from the moment it is made, though it was not there at the last look', async () => {
    await keys.close();
    keys = await open(60_000);
    const { secret } = await create();
    expect(await keys.identify(secret)).toMatchObject({ name: 'desk' });
  });

  it('is kept as a hash only', async () => {
    const { secret } = await create();
    const { rows } = await db.pool.query<{ row: string }>('SELECT api_key::text AS row FROM api_key');
    expect(rows[0]?.row).not.toContain(secret.split('_').at(-1));
    expect(rows[0]?.row).not.toContain(Buffer.from(secret.slice(12)).toString('hex'));
  });

  it('is refused with the same words whatever is wrong with it', async () => {
    const good = await create({ expiresAt: now + HOUR_MS });
    const prefix = good.key.prefix;
    const revoked = await create();
    await revoke(revoked);
    const expired = await create({ expiresAt: now + MINUTE_MS });
    now += 2 * MINUTE_MS;
    const others = [
      good.secret.slice(0, -1),
      `${good.secret}x`,
      good.secret.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      `bb_${prefix}_${'A'.repeat(43)}`,
      `bb_aaaaaaaa_${good.secret.slice(12)}`,
      `bb_${prefix.toUpperCase()}_${good.secret.slice(12)}`,
      'bb_',
      `bb_${prefix}_`,
      "bb_' OR 1=1 --_x",
    ];
    for (const credential of [...others, revoked.secret, expired.secret]) {
      await expect(keys.identify(credential), credential).rejects.toMatchObject(UNKNOWN);
    }
    expect(await keys.identify(good.secret)).toMatchObject({ name: 'desk' });
  });

  it('gives no rights for roles that there are not', async () => {
    const { secret } = await create();
    await db.pool.query(`UPDATE api_key SET roles = '{SUPERUSER}'`);
    await expect.poll(async () => (await keys.identify(secret)).rights.roles).toEqual([]);
  });

  it('is noted as used', async () => {
    const { secret } = await create();
    await keys.identify(secret);
    const used = async () => (await db.pool.query('SELECT last_used_at AS at FROM api_key')).rows[0]?.at;
    await expect.poll(used).toEqual(new Date(now));
    now += MINUTE_MS;
    await keys.identify(secret);
    await keys.close();
    expect(await used()).toEqual(new Date(now));
  });

  it('does not make gateways read all keys again when it is used', async () => {
    const { secret } = await create();
    const revision = async () => (await db.pool.query('SELECT n FROM api_key_revision')).rows[0]?.n;
    const before = await revision();
    await keys.identify(secret);
    await keys.close();
    expect((await db.pool.query('SELECT last_used_at AS at FROM api_key')).rows[0]?.at).toEqual(new Date(now));
    expect(await revision()).toBe(before);
    await revoke(await create());
    expect(await revision()).toBe(before + 2);
  });
});

describe('a key that is revoked', () => {
  it('lets nobody in within seconds', async () => {
    const made = await create();
    await keys.identify(made.secret);
    await revoke(made);
    await expect.poll(() => keys.identify(made.secret).catch(({ code }) => code)).toBe('UNAUTHENTICATED');
  });

  it('tells whoever watches, once', async () => {
    const made = await create();
    const other = await create();
    const told: string[] = [];
    keys.watch(await keys.identify(made.secret), ({ code, message }) => told.push(`${code}: ${message}`));
    keys.watch(await keys.identify(other.secret), () => told.push('the other one'));
    const unwatch = keys.watch(await keys.identify(made.secret), () => told.push('one that stopped watching'));
    unwatch();
    await revoke(made);
    await expect.poll(() => told).toEqual(['UNAUTHENTICATED: the API key was revoked']);
    await revoke(await create());
    await expect.poll(() => keys.count).toBe(3);
    expect(told).toHaveLength(1);
  });

  it('tells whoever begins to watch after that', async () => {
    const made = await create();
    const identity = await keys.identify(made.secret);
    await revoke(made);
    await expect.poll(() => keys.identify(made.secret).catch(({ code }) => code)).toBe('UNAUTHENTICATED');
    const told: string[] = [];
    keys.watch(identity, ({ code, message }) => told.push(`${code}: ${message}`));
    await expect.poll(() => told).toEqual(['UNAUTHENTICATED: the API key was revoked']);
  });

  it('ends watches where it was deleted or its rights were changed by hand', async () => {
    const [deleted, changed] = [await create(), await create()];
    const told: string[] = [];
    keys.watch(await keys.identify(deleted.secret), ({ code, message }) => told.push(`${code}: ${message}`));
    keys.watch(await keys.identify(changed.secret), ({ code, message }) => told.push(`${code}: ${message}`));
    await db.pool.query('DELETE FROM api_key WHERE prefix = $1', [deleted.key.prefix]);
    await db.pool.query(`UPDATE api_key SET accounts = '{DESK-WEST}' WHERE prefix = $1`, [changed.key.prefix]);
    await expect
      .poll(() => [...told].sort())
      .toEqual(['UNAUTHENTICATED: the API key was revoked', 'UNAUTHENTICATED: the rights of the API key have changed']);
  });
});

describe('a key that is rotated', () => {
  it('goes on for the overlap beside its successor, which has the same rights and life', async () => {
    const old = await create({ expiresAt: now + 90 * DAY_MS });
    now += 80 * DAY_MS;
    const made = await rotate(old, DAY_MS);
    expect(made.key).toMatchObject({
      name: 'desk',
      rights: TRADER,
      replaces: old.key.prefix,
      expiresAt: now + 90 * DAY_MS,
    });
    expect(await keys.identify(made.secret)).toMatchObject({ rights: TRADER });
    await expect.poll(async () => (await keys.identify(old.secret)).expiresAt).toBe(now + DAY_MS);
    now += DAY_MS;
    await expect(keys.identify(old.secret)).rejects.toMatchObject(UNKNOWN);
    expect(await keys.identify(made.secret)).toMatchObject({ rights: TRADER });
  });

  it('tells whoever watches when it ends now, once', async () => {
    const old = await create();
    const told: unknown[] = [];
    keys.watch(
      await keys.identify(old.secret),
      ({ code, message }) => told.push(`${code}: ${message}`),
      (expiresAt) => told.push(expiresAt),
    );
    await rotate(old, DAY_MS);
    await expect.poll(() => told).toEqual([now + DAY_MS]);
    await create();
    await expect.poll(() => keys.count).toBe(3);
    expect(told).toHaveLength(1);
  });

  it('has the same holder as those that come of it, and no other has', async () => {
    const first = await create();
    const second = await rotate(first, DAY_MS);
    const third = await rotate(second, DAY_MS);
    const lost = await rotate(first, DAY_MS);
    const identities = await Promise.all([second, third, lost].map(({ secret }) => keys.identify(secret)));
    expect(identities.map(({ holder }) => holder)).toEqual(Array(3).fill(`key:${first.key.prefix}`));
    expect(await keys.identify((await create()).secret)).not.toHaveProperty('holder');
  });

  it('gives each successor the same length of life, however often it is rotated', async () => {
    const [endless, quarterly] = [await create(), await create({ expiresAt: now + 90 * DAY_MS })];
    const secondOf = async (old: NewApiKey) => {
      await rotate(old, DAY_MS);
      now += HOUR_MS;
      return (await rotate(old, DAY_MS)).key.expiresAt;
    };
    expect(await secondOf(endless)).toBeNull();
    expect(await secondOf(quarterly)).toBe(now + 90 * DAY_MS);
    const { expiresAt } = await keys.identify(quarterly.secret);
    expect(expiresAt).toBe(now - HOUR_MS + DAY_MS);
  });

  it('has ended by the column, too, that a gateway of the version before reads alone', async () => {
    const [endless, quarterly] = [await create(), await create({ expiresAt: now + 90 * DAY_MS })];
    for (const old of [endless, quarterly]) {
      await rotate(old, DAY_MS);
      await rotate(old, 0);
      const { rows } = await db.pool.query('SELECT expires_at AS at FROM api_key WHERE prefix = $1', [old.key.prefix]);
      expect(rows).toEqual([{ at: new Date(now) }]);
    }
  });

  it('does not live longer for being rotated', async () => {
    const old = await create({ expiresAt: now + HOUR_MS });
    await rotate(old, DAY_MS);
    now += HOUR_MS;
    await expect(keys.identify(old.secret)).rejects.toMatchObject(UNKNOWN);
  });

  it('refuses no honest request while that happens', async () => {
    let current = await create();
    let refused = 0;
    let asked = 0;
    let isOver = false;
    const client = async () => {
      while (!isOver) {
        // Whoever has been handed the new key goes on with it from the next request on; some take their time.
        const held = current;
        for (let turn = 0; turn < 20; turn++) {
          await keys.identify(held.secret).catch(() => refused++);
          asked++;
        }
        await new Promise(setImmediate);
      }
    };
    const clients = Array.from({ length: 20 }, client);
    for (let turn = 0; turn < 10; turn++) current = await rotate(current, HOUR_MS);
    await expect.poll(() => asked).toBeGreaterThan(5_000);
    isOver = true;
    await Promise.all(clients);
    expect(refused).toBe(0);
  });
});

describe('while the store is away', () => {
  it('keys that are known are good for the time that is said, and no longer', async () => {
    const { secret } = await create();
    const identity = await keys.identify(secret);
    const told: BusbarError[] = [];
    keys.watch(identity, (error) => told.push(error));
    takeStoreAway();
    now += UNCONFIRMED_MS_MAX;
    expect(await keys.identify(secret)).toEqual(identity);
    now += 1;
    await expect(keys.identify(secret)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect.poll(() => told).toMatchObject([UNCONFIRMED]);
    store = Promise.resolve();
    await expect.poll(() => keys.identify(secret).catch(({ code }) => code)).toEqual(identity);
  });

  it('one that is not known is not called wrong', async () => {
    const { secret } = await create();
    takeStoreAway();
    await expect(keys.identify(secret.replace(/^bb_.{8}/, 'bb_aaaaaaaa'))).rejects.toMatchObject(UNCONFIRMED);
  });

  it('nobody waits for a store that does not answer', async () => {
    const { secret } = await create();
    await keys.identify(secret);
    let answer = () => {};
    store = new Promise<void>((done) => {
      answer = done;
    });
    await expect(keys.identify(`bb_aaaaaaaa_${'A'.repeat(43)}`)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await keys.identify(secret)).toMatchObject({ name: 'desk' });
    answer();
  });
});

it('a wrong secret is looked for in the store just as an unknown key is: the time that takes tells nothing', async () => {
  const { key, secret } = await create();
  await keys.identify(secret);
  takeStoreAway();
  for (const prefix of [key.prefix, 'aaaaaaaa']) {
    await expect(keys.identify(`bb_${prefix}_${'A'.repeat(43)}`)).rejects.toMatchObject(UNCONFIRMED);
  }
});

it('strangers cannot make the gateway ask the store as often as they like', async () => {
  await keys.close();
  keys = await open(60_000);
  let looks = 0;
  const count = () => {
    looks++;
  };
  db.pool.on('acquire', count);
  const strangers = Array.from(
    { length: 2_000 },
    (_, n) =>
      `bb_${String(n + 2)
        .padStart(8, 'a')
        .replaceAll(/[01]/g, 'b')}_${'A'.repeat(43)}`,
  );
  await Promise.all(strangers.map((credential) => keys.identify(credential).catch(() => {})));
  db.pool.off('acquire', count);
  expect(looks).toBeLessThanOrEqual(4);
});
