import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHttpAgent } from './http-agent.ts';

let asked = 0;
const server = createServer((_, answer) => {
  asked += 1;
  answer.end('answered');
});
let url: string;
beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

const GET = { method: 'GET' } as const;

it('takes what it is configured with to the first request already', async () => {
  const agent = createHttpAgent({ maxResponseSize: 3 });
  const { body } = await agent.request(url, GET);
  await expect(body.text()).rejects.toMatchObject({ code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' });
  await agent.close();
});

it.each([[0], [1]])('asks for nothing once it is closed, after %i requests', async (requests) => {
  const agent = createHttpAgent({});
  for (let each = 0; each < requests; each++) await (await agent.request(url, GET)).body.text();
  await agent.close();
  const before = asked;
  await expect(agent.request(url, GET)).rejects.toMatchObject({ code: 'UND_ERR_DESTROYED' });
  expect(asked).toBe(before);
});
