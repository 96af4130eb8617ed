import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

test('two sets of metrics in one process do not share figures', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.framesSent.inc(3);
  expect(await one.registry.metrics()).toContain('busbar_frames_sent_total 3');
  expect(await other.registry.metrics()).toContain('busbar_frames_sent_total 0');
});

test('a watched pool is read when the metrics are', async () => {
  const metrics = createMetrics();
  const pool = { totalCount: 5, idleCount: 2, waitingCount: 0 };
  metrics.watchPool('store', pool);
  pool.waitingCount = 7;
  const text = await metrics.registry.metrics();
  expect(text).toContain('busbar_pool_connections{pool="store",state="busy"} 3');
  expect(text).toContain('busbar_pool_connections{pool="store",state="waiting"} 7');
});
