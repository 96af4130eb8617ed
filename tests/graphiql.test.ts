import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type TestGateway } from './support/gateway.ts';
import { announcer, tick } from './support/live.ts';
import { programPath, requireOrSkip } from './support/services.ts';

const SCREENSHOT = fileURLToPath(new URL('../.data/screenshots/graphiql.png', import.meta.url));
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe.skipIf(!requireOrSkip('chromium'))('GraphiQL in a browser without a network', () => {
  let gateway: TestGateway;
  let browser: Browser;
  let page: Page;
  /** Every address the page asked for, beyond its own server. */
  const elsewhere: string[] = [];
  const problems: string[] = [];

  beforeAll(async () => {
    gateway = await startGateway({ reads: { latestLmp: async () => [tick('CAISO:TH_NP15_GEN-APND', 42.5)] } });
    browser = await chromium.launch({ executablePath: programPath('chromium') ?? '', args: ARGUMENTS });
    page = await browser.newPage({ viewport: { width: 1400, height: 800 } });
    const own = new URL(gateway.url).origin;
    page.on('pageerror', (error) => problems.push(error.message));
    // Where the page does what its policy forbids, the browser says so here only.
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await page.route('**', (route) => {
      const url = route.request().url();
      if (url.startsWith(own) || url.startsWith('blob:') || url.startsWith('data:')) return route.continue();
      elsewhere.push(url);
      return route.abort();
    });
    await page.goto(gateway.url);
    await page.getByRole('button', { name: /Execute query/ }).waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
  });

  const execute = () => page.getByRole('button', { name: /Execute query/ }).click();
  const answer = () => page.locator('.result-window');

  test('loads with everything it needs from the gateway', async () => {
    expect(await page.title()).toBe('Busbar');
    await page.waitForFunction(() => document.fonts.ready);
    expect(elsewhere).toEqual([]);
    expect(problems).toEqual([]);
  });

  test('opens with the examples, and the first runs as it stands', async () => {
    await execute();
    await answer().getByText('42.5').first().waitFor();
    expect(await page.getByRole('tab').count()).toBeGreaterThanOrEqual(4);
  });

  test('shows live prices as they are announced', async () => {
    await page.getByRole('tab', { name: /LivePrices/ }).click();
    await page.locator('.graphiql-query-editor').getByText('LivePrices').waitFor();
    const members = async () => (await gateway.metrics.liveMembers.get()).values[0]?.value;
    // GraphiQL reads a tab's operations a moment after showing it; a click before that asks for the old tab's. As a
    // person would, press again where nothing came of it.
    const subscribed = async () => {
      if ((await members()) === 0 && (await page.getByRole('button', { name: /Execute query/ }).isVisible()))
        await execute();
      return members();
    };
    await expect.poll(subscribed, { interval: 1_000, timeout: 15_000 }).toBe(1);
    const { price } = announcer(gateway.bus);
    await price(17.25, 'CAISO:TH_NP15_GEN-APND');
    await answer().getByText('17.25').first().waitFor();
    await price(18.75, 'CAISO:TH_NP15_GEN-APND');
    await answer().getByText('18.75').first().waitFor();
    await mkdir(dirname(SCREENSHOT), { recursive: true });
    await page.screenshot({ path: SCREENSHOT });
  });

  test('does nothing that its policy forbids', () => {
    expect(problems).toEqual([]);
  });
});
