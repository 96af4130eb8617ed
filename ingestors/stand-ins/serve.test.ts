import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import type { Environment } from '../../runtime/config.ts';
import { readConfig } from '../../runtime/config.ts';
import { createLifecycle, type Lifecycle } from '../../runtime/lifecycle.ts';
import { FEED_SETTINGS } from '../feeds/index.ts';
import { STAND_INS } from './plans.ts';
import { serveStandIns } from './serve.ts';

const log = pino({ level: 'silent' });
const opened: Lifecycle[] = [];
afterEach(async () => {
  for (const lifecycle of opened.splice(0)) await lifecycle.stop();
});

test('every feed is configured for a server on loopback, in a store of its own', async () => {
  const environment = await serve({ PJM_URL: '' });
  const urls = Object.entries(environment).filter(([name]) => name.endsWith('_URL'));
  for (const plan of STAND_INS)
    expect(
      plan.urls.some((name) => environment[name]),
      plan.vendor,
    ).toBe(true);
  for (const [name, value] of urls) expect([name, value]).toEqual([name, expect.stringMatching(/^http:\/\/127\.0/)]);
  expect(environment.BUSBAR_DATA).toBe('.data/stand-ins');
  expect(() => readConfig(environment, FEED_SETTINGS)).not.toThrow();
});

test('what the user set wins: his nodes and keys, which the stand-in takes, and his spacing', async () => {
  const environment = await serve({ PJM_NODES: '7=OWN', PJM_API_KEY: 'own', PJM_REQUEST_SPACING_MS: '9', PORT: '1' });
  expect(environment).toMatchObject({ PJM_NODES: '7=OWN', PJM_REQUEST_SPACING_MS: '9', PORT: '1' });
  const query = 'startRow=1&rowCount=5&datetime_beginning_ept=07/01/2026 00:00to07/01/2026 01:00';
  const response = await fetch(`${environment.PJM_URL}/da_hrl_lmps?${query}`, {
    headers: { 'Ocp-Apim-Subscription-Key': 'own' },
  });
  expect((await response.json()).items).toMatchObject([
    { pnode_id: 7, pnode_name: 'OWN' },
    { pnode_id: 7, pnode_name: 'OWN' },
  ]);
});

test('a vendor whose URL the user set is not simulated, and gets no made-up nodes or keys', async () => {
  const environment = await serve({ PJM_URL: 'http://pjm.example', ERCOT_TOKEN_URL: 'http://ercot.example' });
  expect(Object.keys(environment).filter((name) => /^(PJM|ERCOT)_/.test(name))).toEqual(['PJM_URL', 'ERCOT_TOKEN_URL']);
});

async function serve(given: Environment): Promise<Environment> {
  const lifecycle = createLifecycle(log);
  opened.push(lifecycle);
  return serveStandIns(lifecycle, { given, now: () => Date.parse('2026-07-02T12:00Z'), log });
}
