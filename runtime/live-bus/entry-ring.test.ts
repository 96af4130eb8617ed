import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { EntryRing } from './entry-ring.ts';
import { jsonCodec } from './event-codec.ts';
import type { LiveEntry } from './live-bus.ts';

const ENTRIES_MAX = 40;
const AGE_MS_MAX = 10;

describe('the ring of entries', () => {
  test.each([
    ['as it came', undefined],
    ['packed', jsonCodec<number>(1, 'events')],
  ])('holds exactly what is within both bounds, for any order of appends and passing time: %s', (_, codec) => {
    const step = fc.oneof(
      fc.record({ append: fc.integer({ min: 0, max: 30 }) }),
      fc.record({ pass: fc.integer({ min: 0, max: 12 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let now = 0;
        const ring = new EntryRing<number>({ entriesMax: ENTRIES_MAX, ageMsMax: AGE_MS_MAX }, () => now, codec);
        const all: { entry: LiveEntry<number>; at: number }[] = [];
        for (const each of steps) {
          if ('pass' in each) now += each.pass;
          else ring.append(append(all, each.append, now));
          expectHeld(ring, all, now);
        }
      }),
    );
  });

  test('packs what has passed, also where more comes than it packs at a time', () => {
    const encode = vi.fn((events: readonly number[]) => JSON.stringify(events));
    const window = { entriesMax: 10_000, ageMsMax: AGE_MS_MAX };
    const ring = new EntryRing<number>(window, () => 0, { ...jsonCodec<number>(1, 'events'), encode });
    const appendMany = (count: number) =>
      ring.append(Array.from({ length: count }, (_, place) => ({ id: String(ring.end + place + 1), events: [place] })));
    appendMany(16);
    expect(encode).toHaveBeenCalledTimes(0);
    for (let each = 0; each < 10; each++) appendMany(1);
    expect(encode).toHaveBeenCalledTimes(10);
    appendMany(20);
    expect(encode).toHaveBeenCalledTimes(14);
    for (let each = 0; each < 10; each++) appendMany(1);
    expect(encode).toHaveBeenCalledTimes(40);
    appendMany(5_000);
    expect(encode).toHaveBeenCalledTimes(5_056 - 512);
    expect(ring.from(0, 10_000)?.map(({ id }) => Number(id))).toEqual(Array.from({ length: 5_056 }, (_, at) => at + 1));
  });

  test('hands packed entries over a little at a time', () => {
    const window = { entriesMax: 100, ageMsMax: AGE_MS_MAX };
    const ring = new EntryRing<string>(window, () => 0, jsonCodec<string>(1, 'events'));
    for (let id = 1; id <= 60; id++) ring.append([{ id: String(id), events: ['x'.repeat(20_000)] }]);
    expect(ring.from(0, 256)?.map(({ id }) => id)).toEqual(['1', '2', '3', '4']);
    expect(ring.from(43, 256)).toHaveLength(17);
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

function append(all: { entry: LiveEntry<number>; at: number }[], count: number, at: number): LiveEntry<number>[] {
  const entries = Array.from({ length: count }, (_, place) => {
    const position = all.length + place + 1;
    return { id: String(position), events: [position, at] };
  });
  all.push(...entries.map((entry) => ({ entry, at })));
  return entries;
}

/** Every position is answered with all entries from there on, or not at all. */
function expectHeld(
  ring: EntryRing<number>,
  all: readonly { entry: LiveEntry<number>; at: number }[],
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
