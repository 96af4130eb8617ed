import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { TRADES_SCHEMA } from '../../schema/events/trades.ts';
import { decodeTrades } from '../feeds/json-topics/decode-trades.ts';
import { nodesFor } from './market-model.ts';
import { type SimulatedTradeSeries, simulatedTrades } from './simulated-trades.ts';

const FROM = Date.UTC(2026, 10, 21);

function seriesOf(changes: Partial<SimulatedTradeSeries> = {}): SimulatedTradeSeries {
  return { seed: 11, accounts: 40, nodes: nodesFor(30), count: 2_000, from: FROM, stepMs: 2, ...changes };
}

describe('simulated trades', () => {
  const records = [...simulatedTrades(seriesOf())];

  it('keep the contract of their topic', () => {
    const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
    const keepsContract = ajv.compile(TRADES_SCHEMA);
    for (const { value } of records)
      expect(keepsContract(JSON.parse(value)), ajv.errorsText(keepsContract.errors)).toBe(true);
  });

  it('are decoded by the feed of the topic without a reject, each version once', () => {
    const seen = new Set<string>();
    for (const { value } of records) {
      const { facts, rejects } = decodeTrades({ bytes: Buffer.from(value), name: 'trades' });
      expect(rejects).toEqual([]);
      for (const { tradeId, version } of facts) seen.add(`${tradeId} ${version}`);
    }
    expect(seen.size).toBe(2_000);
  });

  it('are keyed by account and begin at the instant asked for', () => {
    for (const { key, value } of records) expect(key).toBe(JSON.parse(value).account);
    const instants = records.map(({ value }) => Date.parse(JSON.parse(value).ts));
    expect(Math.min(...instants)).toBeGreaterThanOrEqual(FROM);
    expect(Math.min(...instants)).toBeLessThan(FROM + 100);
    expect(Math.max(...instants)).toBeLessThan(FROM + 2 * 2 * 2_000);
  });

  it('are the same for the same arguments, and others for another seed', () => {
    expect([...simulatedTrades(seriesOf())]).toEqual(records);
    expect([...simulatedTrades(seriesOf({ seed: 12 }))]).not.toEqual(records);
  });

  it('end after the asked count, and fewer are the beginning of more', () => {
    expect([...simulatedTrades(seriesOf({ count: 77 }))]).toEqual(records.slice(0, 77));
    expect([...simulatedTrades(seriesOf({ count: 0 }))]).toEqual([]);
  });

  it('refuse what nobody could trade', () => {
    for (const changes of [{ accounts: 0 }, { nodes: [] }, { stepMs: 0 }]) {
      expect(() => simulatedTrades(seriesOf(changes)).next()).toThrow(RangeError);
    }
  });
});
