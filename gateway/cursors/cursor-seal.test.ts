import { describe, expect, test } from 'vitest';
import { ALL_RIGHTS } from '../../domain/rights.ts';
import { Secret } from '../../runtime/secret.ts';
import { silent } from '../../tests/support/live.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { cursorBinding } from '../live/sealed-live.ts';
import { keysFromSecrets, openKeyRing } from './cursor-keys.ts';
import { createSeal } from './cursor-seal.ts';

const OLD = new Secret('the secret of last year');
const NEW = new Secret('the secret of this year');
const PLACE = '0123456789ab-1700000000000-0';
const binding = cursorBinding(ALL_RIGHTS, 'lmp', { nodes: ['PJM:B', 'PJM:A'], run: 'SPOT' });

const sealOf = (...secrets: Secret[]) => {
  const keys = keysFromSecrets(secrets);
  return createSeal(() => keys);
};

describe('a sealed cursor', () => {
  const bound = sealOf(OLD).boundTo(binding);

  test('opens to its place, for the same question in whatever order its nodes are named', () => {
    const cursor = bound.seal(PLACE);
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(cursor).toBe(bound.seal(PLACE));
    const same = cursorBinding(ALL_RIGHTS, 'lmp', {
      run: 'SPOT',
      market: undefined,
      nodes: ['PJM:A', 'PJM:B', 'PJM:A'],
    });
    expect(sealOf(OLD).boundTo(same).open(cursor)).toBe(PLACE);
  });

  test.each([
    ['another field', cursorBinding(ALL_RIGHTS, 'forecasts', { nodes: ['PJM:A', 'PJM:B'], run: 'SPOT' })],
    ['another node', cursorBinding(ALL_RIGHTS, 'lmp', { nodes: ['PJM:A', 'PJM:C'], run: 'SPOT' })],
    ['another run', cursorBinding(ALL_RIGHTS, 'lmp', { nodes: ['PJM:A', 'PJM:B'] })],
    ['no filter', cursorBinding(ALL_RIGHTS, 'lmp', {})],
  ])('does not open for %s', (_, other) => {
    expect(() => sealOf(OLD).boundTo(other).open(bound.seal(PLACE))).toThrow(/not a cursor of this subscription/);
  });

  test('does not open with any one of its characters changed, cut or added to', () => {
    const cursor = bound.seal(PLACE);
    const forged = Array.from(
      cursor,
      (was, at) => `${cursor.slice(0, at)}${was === 'A' ? 'B' : 'A'}${cursor.slice(at + 1)}`,
    );
    const others = ['', 'A', PLACE, `${cursor}=`, `${cursor} `, `${cursor}A`, cursor.slice(0, -1), cursor.slice(0, 20)];
    for (const text of [...forged, ...others]) {
      expect(() => bound.open(text), text).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
    }
  });

  test('is signed by the newest key, and opens by every key that is known', () => {
    const before = bound.seal(PLACE);
    const rotated = sealOf(NEW, OLD).boundTo(binding);
    expect(rotated.open(before)).toBe(PLACE);
    const after = rotated.seal(PLACE);
    expect(after).not.toBe(before);
    expect(sealOf(NEW).boundTo(binding).open(after)).toBe(PLACE);
    expect(() => sealOf(NEW).boundTo(binding).open(before)).toThrow();
    expect(() => bound.open(after)).toThrow();
  });

  test('costs microseconds', () => {
    const count = 20_000;
    for (let each = 0; each < count; each++) bound.seal(PLACE);
    const startedAt = performance.now();
    for (let each = 0; each < count; each++) bound.seal(PLACE);
    const microseconds = ((performance.now() - startedAt) * 1_000) / count;
    console.log(`${microseconds.toFixed(2)} µs a cursor`);
    expect(microseconds).toBeLessThan(100);
  });
});

describe('keys of the store', () => {
  let db: TestDatabase;

  test('are one for gateways that start at once and for those that come later; a new one signs when all know it', async () => {
    db = await freshDatabase();
    const rings = await Promise.all([1, 2, 3].map(() => openKeyRing(db.pool, silent, 20)));
    const seals = rings.map(({ keys }) => createSeal(keys).boundTo(binding));
    const [first] = seals;
    const cursor = first?.seal(PLACE) ?? '';
    for (const each of seals) expect(each.open(cursor)).toBe(PLACE);
    await db.pool.query(
      'INSERT INTO cursor_key (id, secret) SELECT max(id) + 1, sha256(gen_random_uuid()::text::bytea) FROM cursor_key',
    );
    await expect.poll(() => rings.map(({ keys }) => keys().known.length)).toEqual([2, 2, 2]);
    expect(first?.seal(PLACE)).toBe(cursor);
    await db.pool.query("UPDATE cursor_key SET created_at = now() - INTERVAL '2 minutes' WHERE id = 2");
    await expect.poll(() => first?.seal(PLACE)).not.toBe(cursor);
    const later = await openKeyRing(db.pool, silent);
    const late = createSeal(later.keys).boundTo(binding);
    expect(late.open(cursor)).toBe(PLACE);
    expect(late.open(first?.seal(PLACE) ?? '')).toBe(PLACE);
    for (const ring of [...rings, later]) ring.close();
    await db.drop();
  });
});
