import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LastFrames } from './last-frames.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function framesOf() {
  let end = () => {};
  let cuts = 0;
  const whenEnded = (ending: () => void) => {
    end = ending;
  };
  const frames = new LastFrames({ whenEnded }, 1_000, () => cuts++);
  return { frames, end: () => end(), cuts: () => cuts };
}

test('a stream that goes on may wait for as long as it likes', () => {
  const { cuts } = framesOf();
  vi.advanceTimersByTime(1_000_000);
  expect(cuts()).toBe(0);
});

test('one that has ended is cut when nothing is taken of it', () => {
  const { end, cuts } = framesOf();
  end();
  vi.advanceTimersByTime(999);
  expect(cuts()).toBe(0);
  vi.advanceTimersByTime(1);
  expect(cuts()).toBe(1);
});

test('whoever takes what waits, however slowly, has the time anew for each', () => {
  const { frames, end, cuts } = framesOf();
  end();
  for (let taken = 0; taken < 10; taken++) {
    vi.advanceTimersByTime(900);
    frames.taken();
  }
  expect(cuts()).toBe(0);
  frames.over();
  vi.advanceTimersByTime(1_000_000);
  expect(cuts()).toBe(0);
});

test('one that is over before it ends is not waited for', () => {
  const { frames, end, cuts } = framesOf();
  frames.over();
  end();
  vi.advanceTimersByTime(1_000_000);
  expect(cuts()).toBe(0);
});
