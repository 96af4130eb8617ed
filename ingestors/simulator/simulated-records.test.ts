import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { HOUR_MS } from '../../domain/instant.ts';
import { checkIdentity } from '../../domain/lmp.ts';
import { DAYAHEAD_PRICES_SCHEMA } from '../../schema/events/dayahead-prices.ts';
import { PRICES_SCHEMA } from '../../schema/events/prices.ts';
import { REALTIME_PRICES_SCHEMA } from '../../schema/events/realtime-prices.ts';
import { PRICE_TOPICS, type PriceTopic } from '../../schema/events/topics.ts';
import { decodeDayaheadPrices, decodePrices, decodeRealtimePrices } from '../feeds/json-topics/decode-prices.ts';
import { nodesFor } from './market-model.ts';
import { type SimulatedSeries, simulatedRecords } from './simulated-records.ts';

const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
const CONTRACTS: Readonly<Record<PriceTopic, ValidateFunction>> = {
  prices: ajv.compile(PRICES_SCHEMA),
  dayahead_prices: ajv.compile(DAYAHEAD_PRICES_SCHEMA),
  realtime_prices: ajv.compile(REALTIME_PRICES_SCHEMA),
};
const DECODERS = {
  prices: decodePrices,
  dayahead_prices: decodeDayaheadPrices,
  realtime_prices: decodeRealtimePrices,
};
const FROM = Date.UTC(2026, 10, 21);

function seriesOf(topic: PriceTopic, changes: Partial<SimulatedSeries> = {}): SimulatedSeries {
  const stepMs = topic === 'dayahead_prices' ? HOUR_MS : 250;
  return { seed: 11, nodes: nodesFor(30), count: 1_000, topic, from: FROM, stepMs, ...changes };
}

describe.each(PRICE_TOPICS)('simulated records of %s', (topic) => {
  const records = [...simulatedRecords(seriesOf(topic))];

  it('keep the contract of their topic', () => {
    const keepsContract = CONTRACTS[topic];
    for (const { value } of records)
      expect(keepsContract(JSON.parse(value)), ajv.errorsText(keepsContract.errors)).toBe(true);
  });

  it('are keyed by hub and have no hub and ts in common', () => {
    const seen = new Set<string>();
    for (const { key, value } of records) {
      const { hub, ts } = JSON.parse(value);
      expect(key).toBe(hub);
      seen.add(`${hub} ${ts}`);
    }
    expect(records).toHaveLength(1_000);
    expect(seen.size).toBe(1_000);
  });

  it('are the same for the same arguments, and others for another seed', () => {
    expect([...simulatedRecords(seriesOf(topic))]).toEqual(records);
    expect([...simulatedRecords(seriesOf(topic, { seed: 12 }))]).not.toEqual(records);
  });

  it('are decoded by the feed of that topic, without a reject and with components that sum up', () => {
    const facts = records.flatMap(({ value }) => {
      const decoded = DECODERS[topic]({ bytes: Buffer.from(value), name: topic });
      expect(decoded.rejects).toEqual([]);
      return decoded.facts;
    });
    expect(facts).toHaveLength(1_000);
    for (const fact of facts) expect(checkIdentity(fact).filter((flag) => flag !== 'GHG_MISSING')).toEqual([]);
  });
});

describe('the contracts', () => {
  it.each<[string, PriceTopic, object]>([
    ['a price as text', 'prices', { ts: '2026-11-21T10:00:00Z', hub: 'PJM-WEST', price_mwh: '1' }],
    ['a missing hub', 'prices', { ts: '2026-11-21T10:00:00Z', price_mwh: 1 }],
    ['a ts without a zone', 'prices', { ts: '2026-11-21T10:00:00', hub: 'PJM-WEST', price_mwh: 1 }],
    ['a null price', 'realtime_prices', { ts: '2026-11-21T10:00:00Z', hub: 'PJM-WEST', lmp_rt: null }],
    ['a day-ahead ts off the hour', 'dayahead_prices', { ts: '2026-11-21T10:30:00Z', hub: 'PJM-WEST', lmp_da: 1 }],
  ])('refuse %s', (_, topic, event) => {
    expect(CONTRACTS[topic](event)).toBe(false);
  });

  it('admit a null and an absent component', () => {
    expect(
      CONTRACTS.realtime_prices({ ts: '2026-11-21T10:00:00Z', hub: 'ERCOT-HOUSTON', lmp_rt: 1, loss_rt: null }),
    ).toBe(true);
  });
});

describe('a series', () => {
  it('ends after the asked count, in the middle of an instant if need be', () => {
    expect([...simulatedRecords(seriesOf('prices', { count: 7 }))]).toHaveLength(7);
    expect([...simulatedRecords(seriesOf('prices', { count: 0 }))]).toEqual([]);
  });

  it('refuses what would repeat an instant or leave the grid', () => {
    const wrong: [PriceTopic, Partial<SimulatedSeries>][] = [
      ['prices', { stepMs: 0 }],
      ['prices', { stepMs: 0.5 }],
      ['dayahead_prices', { stepMs: 60_000 }],
      ['dayahead_prices', { from: FROM + 1 }],
      ['prices', { nodes: [] }],
    ];
    for (const [topic, changes] of wrong)
      expect(() => simulatedRecords(seriesOf(topic, changes)).next()).toThrow(RangeError);
  });
});
