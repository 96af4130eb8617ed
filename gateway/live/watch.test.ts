import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { Watch } from './watch.ts';

const AN_HOUR_MS = 3_600_000;

/** A watched number that a test sets, whose looks wait where the test says so. */
function watched({ everyMs = AN_HOUR_MS, lastAt = Number.POSITIVE_INFINITY } = {}) {
  const state = { value: 1, looks: 0, gate: Promise.resolve() };
  const onIdle = vi.fn();
  const watch = new Watch<number>({
    look: async () => {
      state.looks++;
      const { value } = state;
      await state.gate;
      return { value, fingerprint: String(value) };
    },
    isLast: (value) => value >= lastAt,
    everyMs,
    onIdle,
  });
  return { watch, state, onIdle };
}

async function all(stream: AsyncIterable<number>): Promise<number[]> {
  const values: number[] = [];
  for await (const value of stream) values.push(value);
  return values;
}

const next = async (stream: AsyncIterator<number>) => (await stream.next()).value;

test('every watcher begins with the value as it is, also one that comes late, and asks for it at once', async () => {
  const { watch, state } = watched();
  const early = watch.watch();
  expect(await next(early)).toBe(1);
  const late = watch.watch();
  expect(await next(late)).toBe(1);
  expect(state.looks).toBe(2);
});

test('those who come together share a look', async () => {
  const { watch, state } = watched();
  const together = [watch.watch(), watch.watch(), watch.watch()];
  expect(await Promise.all(together.map(next))).toEqual([1, 1, 1]);
  // The first is looked for at once; those who came after that look began share the next.
  expect(state.looks).toBe(2);
});

test('who comes while a look is under way gets one that began after it came', async () => {
  const { watch, state } = watched();
  let open = () => {};
  state.gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const early = watch.watch();
  state.value = 2;
  const late = watch.watch();
  open();
  expect([await next(early), await next(late)]).toEqual([1, 2]);
});

test('a late watcher does not bring the others a change before their time', async () => {
  const { watch, state } = watched();
  const early = watch.watch();
  await next(early);
  state.value = 2;
  expect(await next(watch.watch())).toBe(2);
  const told = vi.fn();
  void early.next().then(told);
  for (let each = 0; each < 5; each++) await turn();
  expect(told).not.toHaveBeenCalled();
});

test('changes are told, and what has not changed is not', async () => {
  const { watch, state } = watched({ everyMs: 1 });
  const stream = watch.watch();
  expect(await next(stream)).toBe(1);
  const second = next(stream);
  const looks = state.looks;
  await expect.poll(() => state.looks).toBeGreaterThan(looks + 5);
  state.value = 2;
  expect(await second).toBe(2);
});

test('looks that take long are fewer', async () => {
  const beganAt: number[] = [];
  const watch = new Watch<number>({
    look: async () => {
      beganAt.push(performance.now());
      await delay(20);
      return { value: beganAt.length, fingerprint: String(beganAt.length) };
    },
    isLast: (value) => value === 3,
    everyMs: 1,
    onIdle: () => {},
  });
  expect(await all(watch.watch())).toHaveLength(3);
  const [first = 0, second = 0, third = 0] = beganAt;
  // 20 ms of looking and nine times as long without; a timer may be a millisecond early.
  expect(Math.min(second - first, third - second)).toBeGreaterThan(190);
});

test('the last value ends it, for who was there and for who comes after', async () => {
  const { watch, state, onIdle } = watched({ everyMs: 1, lastAt: 3 });
  const stream = watch.watch();
  expect(await next(stream)).toBe(1);
  state.value = 3;
  expect(await all(stream)).toEqual([3]);
  await expect.poll(() => onIdle.mock.calls.length).toBe(1);
  expect(await all(watch.watch())).toEqual([3]);
});

test('nobody looks once the last watcher has left, even before its time has come', async () => {
  const { watch, state, onIdle } = watched();
  const streams = [watch.watch(), watch.watch()];
  await Promise.all(streams.map(next));
  await streams[0]?.return();
  expect(onIdle).not.toHaveBeenCalled();
  await streams[1]?.return();
  await expect.poll(() => onIdle.mock.calls.length).toBe(1);
  const { looks } = state;
  expect(await next(watch.watch())).toBe(1);
  expect(state.looks).toBe(looks + 1);
});

test('a look that fails ends every watcher with its error, and the next one begins anew', async () => {
  const { watch, state } = watched({ everyMs: 1 });
  const stream = watch.watch();
  await next(stream);
  const gone = new Error('gone');
  state.gate = Promise.reject(gone);
  state.gate.catch(() => undefined);
  await expect(stream.next()).rejects.toBe(gone);
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  state.gate = Promise.resolve();
  expect(await next(watch.watch())).toBe(1);
});

test('closing tells why, and waits for the look under way', async () => {
  const { watch, state } = watched();
  const stream = watch.watch();
  let open = () => {};
  state.gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  await next(stream);
  const late = watch.watch();
  await expect.poll(() => state.looks).toBe(2);
  const closed = vi.fn();
  const closing = watch.close(new Error('going down')).then(closed);
  await expect(late.next()).rejects.toThrow('going down');
  await turn();
  expect(closed).not.toHaveBeenCalled();
  open();
  await closing;
});

test('a slow watcher sees how things stand when it looks', async () => {
  const { watch, state } = watched({ everyMs: 1 });
  const slow = watch.watch();
  const quick = watch.watch();
  for (const value of [2, 3, 4]) {
    state.value = value;
    while ((await next(quick)) !== value);
  }
  expect(await next(slow)).toBe(4);
});
