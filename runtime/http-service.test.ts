import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createHealth } from './health.ts';
import { answerJson, answerOperations, type HttpService, listenHttp } from './http-service.ts';
import { createMetrics } from './metrics.ts';

let service: HttpService | undefined;
afterEach(() => service?.close(0));

async function operations(isInsider = () => true) {
  const [health, metrics] = [createHealth(), createMetrics()];
  service = await listenHttp({
    host: '127.0.0.1',
    port: 0,
    metrics,
    handle: async (request, response) => {
      if (!(await answerOperations(request, response, { health, metrics, isInsider }))) answerJson(response, 404, {});
    },
  });
  return { health, metrics, url: service.url };
}

test('live answers whatever the components say', async () => {
  const { health, url } = await operations();
  health.component('store').failed('down');
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
});

test('ready names the component that is at fault', async () => {
  const { health, url } = await operations();
  const store = health.component('store');
  store.failed('connection refused');
  const response = await fetch(`${url}/health/ready`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ components: { store: { ok: false, detail: 'connection refused' } } });
  store.ok();
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);
});

test('metrics are in the Prometheus format and count requests by status', async () => {
  const { url } = await operations();
  await fetch(`${url}/nothing`);
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get('content-type')).toContain('text/plain');
  expect(await response.text()).toContain('busbar_http_requests_total{status="404"} 1');
});

test('a close does not wait for connections that are kept open without a request', async () => {
  const { url } = await operations();
  await fetch(`${url}/health/live`);
  const ready = connect(Number(new URL(url).port), '127.0.0.1');
  await once(ready, 'connect');
  await fetch(`${url}/health/live`);
  // Longer than the test may take.
  await service?.close(60_000);
  service = undefined;
});
