import { expect, test } from 'vitest';
import { createHealth } from './health.ts';

test('a component that has not spoken yet is not ready', () => {
  const health = createHealth();
  health.component('store');
  expect(health.report()).toMatchObject({ ready: false, components: { store: { ok: false, detail: 'starting' } } });
});

test('ready needs every required component and no other', () => {
  const health = createHealth();
  const store = health.component('store');
  const cache = health.component('cache', { required: false });
  store.ok();
  cache.failed('refused');
  expect(health.report().ready).toBe(true);
  store.failed('too many connections');
  expect(health.report()).toMatchObject({ ready: false, components: { store: { detail: 'too many connections' } } });
});

test('a component that stopped making progress is not ok, and is again once it succeeds', () => {
  let now = 0;
  const health = createHealth(() => now);
  const poll = health.progress('poll', 1_000);
  now = 1_000;
  expect(health.report().ready).toBe(true);
  now = 1_001;
  expect(health.report().ready).toBe(false);
  poll.succeeded();
  expect(health.report().ready).toBe(true);
});

test('a removed component is no longer asked', () => {
  const health = createHealth();
  health.component('job');
  health.remove('job');
  expect(health.report()).toEqual({ ready: true, components: {} });
});
