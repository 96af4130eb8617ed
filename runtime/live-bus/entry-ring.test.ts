import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EntryRing } from './entry-ring.ts';
import type { LiveEntry } from './live-bus.ts';

const ENTRIES_MAX = 5;
const AGE_MS_MAX = 10;

describe('the ring of entries', () => {
  test('holds exactly what is within both bounds, for any order of appends and passing time', () => {
    const step = fc.oneof(
      fc.record({ append: fc.integer({ min: 0, max: 7 }) }),
      fc.record({ pass: fc.integer({ min: 0, max: 12 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let now = 0;
        const ring = new EntryRing<never>({ entriesMax: ENTRIES_MAX, ageMsMax: AGE_MS_MAX }, () => now);
        const all: { entry: LiveEntry<never>; at: number }[] = [];
        for (const each of steps) {
          if ('pass' in each) now += each.pass;
          else ring.append(append(all, each.append, now));
          expectHeld(ring, all, now);
        }
      }),
    );
  });

  test('a position that was never reached is not held', () => {
    const ring = new EntryRing<never>({ entriesMax: ENTRIES_MAX, ageMsMax: AGE_MS_MAX }, () => 0);
    expect(ring.from(0, 10)).toEqual([]);
    expect(ring.from(1, 10)).toBeUndefined();
  });

  test('an append, the end of the ring and an abort each wake whoever waits', async () => {
    const ring = new EntryRing<never>({ entriesMax: ENTRIES_MAX, ageMsMax: AGE_MS_MAX }, () => 0);
    const never = new AbortController();
    const appended = [ring.changed(never.signal), ring.changed(never.signal)];
    ring.append([{ id: '1', events: [] }]);
    await Promise.all(appended);
    const aborting = new AbortController();
    const aborted = ring.changed(aborting.signal);
    aborting.abort();
    await aborted;
    const closed = ring.changed(never.signal);
    ring.close();
    await closed;
    await ring.changed(never.signal);
  });
});

function append(all: { entry: LiveEntry<never>; at: number }[], count: number, at: number): LiveEntry<never>[] {
  const entries = Array.from({ length: count }, (_, place) => ({ id: String(all.length + place + 1), events: [] }));
  all.push(...entries.map((entry) => ({ entry, at })));
  return entries;
}

/** Every position is answered with all entries from there on, or not at all. */
function expectHeld(
  ring: EntryRing<never>,
  all: readonly { entry: LiveEntry<never>; at: number }[],
  now: number,
): void {
  const firstYoung = all.findIndex(({ at }) => at >= now - AGE_MS_MAX);
  const oldest = Math.max(firstYoung < 0 ? all.length : firstYoung, all.length - ENTRIES_MAX);
  for (let position = 0; position <= all.length; position++) {
    const rest = all.slice(position).map(({ entry }) => entry);
    expect(ring.from(position, 100)).toEqual(position < oldest ? undefined : rest);
    expect(ring.from(position, 2)).toEqual(position < oldest ? undefined : rest.slice(0, 2));
    expect(ring.behind(String(position))).toBe(position > oldest ? position : undefined);
  }
}
