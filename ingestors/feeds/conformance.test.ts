/**
 * What every polled feed has to do, whatever its source: a feed that is not listed here fails, and what fails says what is
 * missing. Its own tests say that its values are right.
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isBusbarError } from '../../domain/errors.ts';
import { DAY_MS, HOUR_MS } from '../../domain/instant.ts';
import { marketById } from '../../domain/market.ts';
import { sourcePartsOn, TURNS_AT_ONCE } from '../../tests/support/source-parts.ts';
import type { Feed, PolledSource } from '../feed.ts';
import { systemClock } from '../sources/system-clock.ts';
import { FEEDS } from './index.ts';

/** An environment by which each feed polls something. Nothing listens there. */
const EXAMPLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'caiso-lmp': { CAISO_NODES: 'TH_NP15_GEN-APND' },
  'pjm-lmp': { PJM_NODES: '51288=WESTERN HUB', PJM_API_KEY: 'k' },
  'ercot-lmp': {
    ERCOT_NODES: 'HB_HUBAVG',
    ERCOT_USERNAME: 'u',
    ERCOT_PASSWORD: 'p',
    ERCOT_SUBSCRIPTION_KEY: 'k',
  },
  'miso-lmp': { MISO_NODES: 'ILLINOIS.HUB' },
  'spp-lmp': { SPP_NODES: 'SPPNORTH_HUB' },
  'nyiso-lmp': { NYISO_NODES: 'CAPITL' },
  'isone-lmp': { ISONE_NODES: '4000', ISONE_USERNAME: 'u', ISONE_PASSWORD: 'p' },
};

/** Two days of a month that is over, with no change of clocks: the same question is a fair one to every source. */
const NOW = Date.now();
const FROM = Math.floor((NOW - 4 * DAY_MS) / DAY_MS) * DAY_MS;
const ASKED = { from: FROM, to: FROM + 2 * DAY_MS, nodes: undefined };

const PARTS = sourcePartsOn(systemClock, TURNS_AT_ONCE);

const polled = FEEDS.flatMap((feed) =>
  feed.source.kind === 'poll' && feed.family === 'lmp' ? [{ feed, source: feed.source }] : [],
);

describe.each(polled.map(({ feed, source }) => ({ id: feed.id, feed, source })))('$id', ({ id, feed, source }) => {
  const settings = () => source.env.parse(EXAMPLES[id] ?? {});
  const partitions = () => source.partitions(settings());
  const card = `ingestors/feeds/${id.replace(/-lmp$/, '')}/README.md`;

  it('polls nothing as long as nothing is configured, and all its reports with an example', () => {
    expect(source.partitions(source.env.parse({}))).toEqual([]);
    expect(EXAMPLES).toHaveProperty(id);
    expect(partitions().length).toBeGreaterThan(0);
  });

  it('describes every setting, and names them after itself', () => {
    const vendor = id.replace(/-.*$/, '').toUpperCase();
    for (const [name, type] of Object.entries(source.env.shape)) {
      expect(name).toMatch(new RegExp(`^${vendor}_`));
      expect(type.description, name).toMatch(/\w+.*\.$/);
    }
  });

  it('has a card that names every partition and every setting', () => {
    expect(existsSync(card)).toBe(true);
    const text = readFileSync(card, 'utf8');
    for (const name of [...partitions(), ...Object.keys(source.env.shape)]) expect(text).toContain(name);
  });

  it('calls its reports by streams, of partitions that it has', () => {
    const named = Object.values(feed.streams ?? {}).flat();
    expect(Object.keys(feed.streams ?? {})).toEqual(
      expect.arrayContaining([expect.stringMatching(/^iso\.(rt|da)\.lmp\./)]),
    );
    for (const partition of named) expect(() => chunksOf(source, settings(), partition)).not.toThrow(/has no/);
    expect(new Set(named).size).toBe(named.length);
  });

  it('says what it owes, of partitions that it polls and a market that there is', () => {
    for (const { partition, market, intervalMs, dueMs } of source.expectations(settings())) {
      expect(partitions()).toContain(partition);
      expect(marketById(market)).toBeDefined();
      expect([intervalMs > 0, dueMs >= 0]).toEqual([true, true]);
    }
  });

  it('cuts a backfill into requests that cover it, in order, and hold no secret', () => {
    for (const partition of partitions()) {
      const chunks = chunksOf(source, settings(), partition);
      if (!chunks) continue;
      expect(chunks.length, partition).toBeGreaterThan(0);
      expect(chunks.length, partition).toBeLessThan(1_000);
      for (const [place, { from, to, request }] of chunks.entries()) {
        expect(from, `${partition} ${request}`).toBeLessThan(to);
        expect(from, `${partition} ${request}`).toBeGreaterThanOrEqual(chunks[place - 1]?.from ?? 0);
        expect(request).not.toMatch(/key=|password|token/i);
      }
      expect(covered(chunks, ASKED.from, ASKED.to), partition).toBe(true);
    }
  });

  it('is refused what it never asks for', async () => {
    const poller = source.open(settings(), PARTS);
    const [partition = ''] = partitions();
    for (const [of, request] of [
      ['no such report', 'x'],
      [partition, 'https://elsewhere.example/x'],
      [partition, '../../etc/passwd'],
    ] as const) {
      await expect(poller.fetch(of, request, new AbortController().signal)).rejects.toSatisfy(
        (error) => isBusbarError(error, 'BAD_USER_INPUT') || error instanceof TypeError,
      );
    }
    await poller.close();
  });

  it.each([
    '',
    '<!DOCTYPE html><html><body>Service unavailable</body></html>',
    '{"items": [',
    'PK\u0003\u0004cut',
    '\u0000\u0001',
  ])('makes no price of %j, and says what is wrong with it', async (text) => {
    for (const partition of partitions()) {
      const error = await decoded(feed, partition, text);
      expect(isBusbarError(error), `${partition}: ${JSON.stringify(error)}`).toBe(true);
      expect(String((error as Error).message).length).toBeGreaterThan(10);
    }
  });
});

it('every polled feed of prices has an example here', () => {
  expect(polled.map(({ feed }) => feed.id).sort()).toEqual(Object.keys(EXAMPLES).sort());
});

/** @returns undefined where the source cannot be asked for the past, which it says as it should. */
function chunksOf(source: PolledSource<unknown>, settings: unknown, partition: string) {
  try {
    return source.chunks(settings, partition, ASKED, NOW);
  } catch (error) {
    if (!isBusbarError(error, 'BAD_USER_INPUT') || /has no/.test(error.message)) throw error;
    return undefined;
  }
}

/** Gaps of less than an hour between chunks are intervals that begin on an hour's grid. */
function covered(chunks: readonly { from: number; to: number }[], from: number, to: number): boolean {
  let reached = from + HOUR_MS;
  for (const chunk of chunks) {
    if (chunk.from > reached) return false;
    reached = Math.max(reached, chunk.to);
  }
  return reached >= to;
}

async function decoded(feed: Feed, name: string, text: string): Promise<unknown> {
  try {
    return await feed.decode({ bytes: Buffer.from(text, 'latin1'), name });
  } catch (error) {
    return error;
  }
}
