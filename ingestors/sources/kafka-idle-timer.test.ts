import { createHook } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { silent } from '../../tests/support/live.ts';
import { createKafkaClient } from './kafka-client.ts';

/** What the tests use of kafkajs' own request queue, which it has one of for each connection. */
interface RequestQueue {
  push(request: { entry: { correlationId: number }; expectResponse: boolean; sendRequest: () => void }): void;
  fulfillRequest(response: { correlationId: number; payload: Buffer; size: number }): void;
  maybeThrottle(ms: number): void;
  destroy(): void;
}
type NewQueue = new (options: Readonly<Record<string, unknown>>) => RequestQueue;

let queue: RequestQueue;
afterEach(() => queue.destroy());

/** As a connection has it once Busbar has made a client. */
function newQueue(): RequestQueue {
  createKafkaClient({ brokers: ['127.0.0.1:1'], ssl: false, clientId: 'test', log: silent });
  const Queue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as NewQueue;
  const logger = { debug: () => {}, warn: () => {} };
  return new Queue({ maxInFlightRequests: null, requestTimeout: 1_000, clientId: 'test', broker: 'test', logger });
}

function ask(correlationId: number, sendRequest = () => {}) {
  const entry = { correlationId, resolve: () => {}, reject: () => {} };
  queue.push({ entry, expectResponse: true, sendRequest });
}

/** Timers that are made while the process has nothing to do. */
async function timersIn(ms: number): Promise<number> {
  let timers = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'Timeout') timers++;
    },
  });
  const idle = pause(ms);
  hook.enable();
  await idle;
  hook.disable();
  return timers;
}

test('a connection that was answered and has nothing to send makes no timers', async () => {
  queue = newQueue();
  ask(1);
  queue.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
  expect(await timersIn(100)).toBeLessThan(5);
});

test('a request that the broker throttles is still sent when the time is over', async () => {
  queue = newQueue();
  queue.maybeThrottle(30);
  let sent = false;
  ask(1, () => {
    sent = true;
  });
  expect(sent).toBe(false);
  await expect.poll(() => sent).toBe(true);
});
