import { inspect } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../../domain/instant.ts';
import { MARKETS, nodeNameFrom } from '../../../domain/market.ts';
import { readConfig } from '../../../runtime/config.ts';
import { skippingClock, sourcePartsOn } from '../../../tests/support/source-parts.ts';
import type { Fetched } from '../../feed.ts';
import { startTemplate, templatePrices } from '../../stand-ins/template.ts';
import { decodeTemplateLmp } from './decode.ts';
import { templateLmp } from './feed.ts';
import { MARKET, type ReportName } from './reports.ts';
import { TEMPLATE_ENV } from './settings.ts';

const KEY = 'open-sesame-12';
const NODES = { TEMPLATE_NODES: 'NORTH HUB,SOUTH', TEMPLATE_API_KEY: KEY };
const NOW = Date.parse('2026-07-02T19:30Z');
const settingsOf = (environment: Readonly<Record<string, string>>) =>
  readConfig(environment, [TEMPLATE_ENV]).settings(TEMPLATE_ENV);

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

test.each(['day-ahead', 'real-time'] as const)('a poll of %s brings every price there is', async (report) => {
  const { polled } = await begin();
  const facts = (await polled(report, NOW - DAY_MS)).flatMap(({ payload }) => decodeTemplateLmp(payload).facts);
  expect(new Set(facts.map(({ node }) => node))).toEqual(new Set([`${MARKET}:NORTH HUB`, `${MARKET}:SOUTH`]));
  for (const { node, startAt, lmp, energy, congestion, loss } of facts) {
    const name = node.slice(MARKET.length + 1);
    expect({ lmp, energy, congestion, loss }).toEqual(templatePrices(report, name, startAt));
  }
  expect(Math.max(...facts.map(({ startAt }) => startAt))).toBeGreaterThanOrEqual(NOW - 2 * HOUR_MS);
});

test('a poll goes on where the last one ended, and asks again for what is not settled', async () => {
  const { polled } = await begin();
  const next = (await polled('real-time', NOW - DAY_MS)).at(-1)?.next;
  expect(next).toBe(Math.floor((NOW - 2 * HOUR_MS) / HOUR_MS) * HOUR_MS);
  expect((await polled('real-time', next)).at(-1)?.next).toBe(next);
});

test.each([
  ['THROTTLED', ['THROTTLED', 'OK']],
  ['SERVER_ERROR', ['SERVER_ERROR', 'OK']],
  ['PAGE', ['MALFORMED', 'OK']],
  ['TRUNCATED', ['MALFORMED', 'OK']],
  ['CUT', ['NETWORK', 'OK']],
] as const)('%s is asked for again, and told to the monitor', async (trouble, outcomes) => {
  const { polled, template, told } = await begin();
  template.failNext(trouble);
  expect(await polled('real-time', NOW - 3 * HOUR_MS)).toHaveLength(1);
  expect(told.map(({ outcome }) => outcome)).toEqual(outcomes);
});

test('a key that is refused is no reason to ask again, and does not show', async () => {
  const { polled, template, told } = await begin();
  template.failNext('AUTH');
  await expect(polled('real-time', NOW - HOUR_MS)).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
  expect(told.map(({ outcome }) => outcome)).toEqual(['AUTH']);
  expect(`${inspect(settingsOf(NODES), { depth: 9 })}${JSON.stringify(told)}`).not.toContain(KEY);
});

test('without a key nothing is polled', () => {
  expect(templateLmp.source.partitions(settingsOf({ TEMPLATE_NODES: 'SOUTH' }))).toEqual([]);
});

test('a backfill asks for the nodes that it is told, and refuses those of another market', () => {
  const chunksOf = (node: string) => {
    const [market = '', name = ''] = node.split(':');
    const nodes = [nodeNameFrom(market, name)].filter((each) => each !== undefined);
    return templateLmp.source.chunks(settingsOf(NODES), 'day-ahead', { from: NOW, to: NOW + 1, nodes }, NOW);
  };
  expect(chunksOf(`${MARKET}:EAST`)).toMatchObject([{ request: 'day-ahead/2026-07-02?nodes=EAST' }]);
  const other = MARKETS.find(({ id }) => id !== MARKET)?.id;
  expect(() => chunksOf(`${other}:EAST`)).toThrow(/ is no node of Template/);
});

async function begin() {
  const clock = skippingClock(NOW);
  const template = await startTemplate({ now: clock.now, nodes: ['NORTH HUB', 'SOUTH'], key: KEY });
  const parts = sourcePartsOn(clock);
  const poller = templateLmp.source.open(settingsOf({ ...NODES, TEMPLATE_URL: template.url }), parts);
  cleanups.push(() => poller.close(), template.close);
  const polled = async (report: ReportName, position: number | undefined) => {
    const fetched: Fetched[] = [];
    for await (const each of poller.poll(report, position, NOW, new AbortController().signal)) fetched.push(each);
    return fetched;
  };
  return { template, polled, told: parts.told };
}
