import { request } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ALL_RIGHTS } from '../../domain/rights.ts';
import { startGateway, type TestGateway } from '../../tests/support/gateway.ts';
import type { Authenticator } from './authenticator.ts';

let gateway: TestGateway;
let asked: number;
/** Watches that were begun, and those that go on. */
let watches: { begun: number; standing: number };
/** Says who it is: until then nobody knows. */
let recognise: () => void;
beforeEach(async () => {
  asked = 0;
  watches = { begun: 0, standing: 0 };
  const known = new Promise<void>((done) => {
    recognise = done;
  });
  const authenticator: Authenticator = {
    async identify() {
      asked++;
      await known;
      return { subject: 'key:alice', name: 'Alice', rights: ALL_RIGHTS, expiresAt: undefined };
    },
    watch() {
      watches.begun++;
      watches.standing++;
      return () => void watches.standing--;
    },
  };
  gateway = await startGateway({ authenticator, exports: async (_request, response) => void response.end() });
});
afterEach(() => gateway.close());

it('an export whose client left before it was known who asks is not watched over', async () => {
  const asking = request(new URL('/export/lmp', gateway.url), { agent: false });
  asking.on('error', () => undefined).end();
  await expect.poll(() => asked).toBe(1);
  asking.destroy();
  await new Promise((closed) => asking.once('close', closed));
  // One that came after it is answered: the gateway has heard of the end of the other.
  await (await fetch(new URL('/health/live', gateway.url))).text();
  recognise();
  await expect.poll(() => watches.begun).toBe(1);
  await expect.poll(() => watches.standing).toBe(0);
});
