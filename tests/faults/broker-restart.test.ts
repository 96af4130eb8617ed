import { describe, expect, it } from 'vitest';
import { requireOrSkip } from '../support/services.ts';
import { freshStage } from './fresh-stage.ts';
import { TOPIC } from './price-series.ts';
import { sound } from './stage.ts';

const SERIES = { seed: 6, records: 20_000 };
const HALF = SERIES.records / 2;
const POLL = { timeout: 60_000 };

const here = [requireOrSkip('redis'), requireOrSkip('kafka')].every(Boolean);

describe.skipIf(!here)('A Kafka broker killed and started again on the same folder', { timeout: 180_000 }, () => {
  it('takes nothing with it and brings nothing twice, to ingestors that keep their own positions', async () => {
    const stage = await freshStage(SERIES, { kafka: true });
    const first = stage.startIngestors(await stage.network());
    await stage.produce(HALF);
    await expect.poll(() => stage.storedRows(), POLL).toBeGreaterThan(0);
    const producing = stage.produce(HALF);
    await stage.broker?.kill();
    await stage.broker?.restart();
    await producing;
    const second = stage.startIngestors(await stage.network());
    await second.sees(new RegExp(`"feed":"${TOPIC}".*partition claimed`));
    await expect.poll(() => stage.unread(), POLL).toBe(0);
    expect(await Promise.all([first.stop(), second.stop()])).toEqual([0, 0]);
    expect(await stage.verdict()).toMatchObject(sound(SERIES));

    // The negative control: whoever asks nobody where it stands reads everything again, and the ledger shows it.
    stage.startIngestors(await stage.network(), 'position-forgotten');
    await expect.poll(async () => (await stage.verdict()).ledgerFaults, POLL).toBeGreaterThan(0);
  });
});
