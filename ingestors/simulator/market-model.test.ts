import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import { MARKETS, marketOf, type NodeName } from '../../domain/market.ts';
import { createMarketModel, nodesFor } from './market-model.ts';

const NODES = nodesFor(40);
const [PJM, ERCOT, NYISO, CAISO] = nodesFor(4) as [NodeName, NodeName, NodeName, NodeName];
const FROM = Date.UTC(2026, 5, 1);
const INSTANTS = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2050, 0, 1) });
const SEEDS = fc.integer();

/** Real-time prices by five minutes. */
function realTimes(node: NodeName, days: number, seed = 7): number[] {
  const model = createMarketModel({ seed, nodes: NODES });
  return Array.from({ length: days * 288 }, (_, slot) => model.realTime(node, FROM + slot * 5 * MINUTE_MS).lmp);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('the market model', () => {
  it('RULES 1: components sum to the LMP in whole cents, day-ahead and real-time', () => {
    fc.assert(
      fc.property(SEEDS, fc.constantFrom(...NODES), INSTANTS, (seed, node, atMs) => {
        const model = createMarketModel({ seed, nodes: NODES });
        for (const { lmp, energy, congestion, loss } of [model.dayAhead(node, atMs), model.realTime(node, atMs)]) {
          const cents = [lmp, energy, congestion, loss].map((price) => Math.round(price * 100));
          expect(cents.map((each) => each / 100)).toEqual([lmp, energy, congestion, loss]);
          expect((cents[1] ?? 0) + (cents[2] ?? 0) + (cents[3] ?? 0)).toBe(cents[0]);
          for (const price of [lmp, energy, congestion, loss]) expect(Object.is(price, -0)).toBe(false);
        }
      }),
    );
  });

  it('is a pure function of seed, node and instant, in whatever order it is asked', () => {
    const instants = Array.from({ length: 100 }, (_, hour) => FROM + hour * HOUR_MS);
    const forwards = createMarketModel({ seed: 1, nodes: NODES });
    const backwards = createMarketModel({ seed: 1, nodes: [PJM] });
    const told = instants.map((atMs) => forwards.realTime(PJM, atMs));
    expect(instants.toReversed().map((atMs) => backwards.realTime(PJM, atMs))).toEqual(told.toReversed());
  });

  it('tells another market with another seed', () => {
    expect(realTimes(PJM, 1, 1)).not.toEqual(realTimes(PJM, 1, 2));
  });

  it('has one energy price a market, and nodes that differ by congestion and loss', () => {
    const model = createMarketModel({ seed: 3, nodes: NODES });
    const [first, second] = NODES.filter((node) => marketOf(node).id === 'PJM');
    const one = model.realTime(first ?? PJM, FROM);
    const other = model.realTime(second ?? PJM, FROM);
    expect(first).not.toBe(second);
    expect(one.energy).toBe(other.energy);
    expect(one.congestion).not.toBe(other.congestion);
  });

  it('reverts to the day-ahead price: over a month the two are close on average', () => {
    const model = createMarketModel({ seed: 7, nodes: NODES });
    for (const node of [PJM, ERCOT, NYISO, CAISO]) {
      const dayAhead = Array.from({ length: 30 * 24 }, (_, hour) => model.dayAhead(node, FROM + hour * HOUR_MS).lmp);
      expect(Math.abs(mean(realTimes(node, 30)) - mean(dayAhead)), node).toBeLessThan(8);
    }
  });

  it('has its peak in the evening of its own time zone', () => {
    const model = createMarketModel({ seed: 7, nodes: NODES });
    for (const node of [PJM, ERCOT, NYISO, CAISO]) {
      const { timeZone } = marketOf(node);
      const local = new Intl.DateTimeFormat('en', { timeZone, hour: 'numeric', hourCycle: 'h23' });
      const byHour = Array.from({ length: 24 }, (): number[] => []);
      for (let atMs = FROM; atMs < FROM + 30 * 24 * HOUR_MS; atMs += HOUR_MS) {
        byHour[Number(local.format(atMs))]?.push(model.dayAhead(node, atMs).lmp);
      }
      const means = byHour.map(mean);
      expect([18, 19, 20], node).toContain(means.indexOf(Math.max(...means)));
    }
  });

  it('RULES 3: has negative prices, at CAISO around midday', () => {
    const model = createMarketModel({ seed: 7, nodes: NODES });
    const noons = Array.from(
      { length: 30 },
      (_, day) => model.realTime(CAISO, FROM + day * 24 * HOUR_MS + 19.5 * HOUR_MS).lmp,
    );
    expect(noons.filter((price) => price < 0).length).toBeGreaterThan(5);
  });

  it('has spikes, rarely, and none beyond what a market clears at', () => {
    for (const node of [PJM, ERCOT, NYISO, CAISO]) {
      const prices = realTimes(node, 60);
      const spikes = prices.filter((price) => price > 200).length;
      expect(spikes, node).toBeGreaterThan(0);
      expect(spikes / prices.length, node).toBeLessThan(0.03);
      expect(Math.max(...prices), node).toBeLessThan(4_000);
      expect(Math.min(...prices), node).toBeGreaterThan(-150);
    }
  });

  it('moves little from one second to the next where no interval begins', () => {
    const model = createMarketModel({ seed: 7, nodes: NODES });
    for (let second = 1; second < 299; second += 1) {
      const before = model.realTime(PJM, FROM + (second - 1) * 1_000).lmp;
      expect(Math.abs(model.realTime(PJM, FROM + second * 1_000).lmp - before)).toBeLessThan(2);
    }
  });

  it('refuses a node it was not made for', () => {
    const model = createMarketModel({ seed: 7, nodes: [PJM] });
    expect(() => model.realTime(ERCOT, FROM)).toThrow(TypeError);
  });
});

describe('nodesFor', () => {
  it('begins with the four hubs of the desk', () => {
    expect(nodesFor(6)).toEqual([
      'PJM:PJM-WEST',
      'ERCOT:ERCOT-HOUSTON',
      'NYISO:NYISO-ZONEJ',
      'CAISO:CAISO-NP15',
      'PJM:PJM-SIM-0001',
      'ERCOT:ERCOT-SIM-0001',
    ]);
    expect(nodesFor(2)).toHaveLength(2);
    expect(nodesFor(0)).toEqual([]);
  });

  it('names as many nodes as asked, each once, over all markets, and fewer are the beginning of more', () => {
    const nodes = nodesFor(10_000);
    expect(new Set(nodes).size).toBe(10_000);
    expect(new Set(nodes.map((node) => marketOf(node).id)).size).toBe(MARKETS.length);
    expect(nodes.slice(0, 100)).toEqual(nodesFor(100));
  });
});
