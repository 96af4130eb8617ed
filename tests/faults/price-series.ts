/** What is produced, and what must come of it: both made from the seed alone, without asking anything of Busbar. */
import { localNameOf } from '../../domain/market.ts';
import { nodesFor } from '../../ingestors/simulator/market-model.ts';
import { type SimulatedRecord, simulatedRecords } from '../../ingestors/simulator/simulated-records.ts';
import type { RealtimePriceEvent } from '../../schema/events/realtime-prices.ts';

export const TOPIC = 'realtime_prices';
export const NODES = nodesFor(100);

export interface PriceSeries {
  readonly seed: number;
  readonly records: number;
}

/** No two of them are of the same node and instant. */
export function producedBy({ seed, records }: PriceSeries): Generator<SimulatedRecord> {
  const from = Date.UTC(2026, 0, 1);
  return simulatedRecords({ seed, nodes: NODES, count: records, topic: TOPIC, from, stepMs: 1_000 });
}

/** Prices by what tells them apart: node, start and revision. A price is text, so that it is equal or not. */
export type Prices = ReadonlyMap<string, string>;

export interface Price {
  readonly lmp: number;
  readonly energy?: number | null | undefined;
  readonly congestion?: number | null | undefined;
  readonly loss?: number | null | undefined;
}

/** What must be in the store, and nothing else, once all of the series is read. */
export function oracleOf(series: PriceSeries): Prices {
  const nodes = new Map(NODES.map((node) => [localNameOf(node), node]));
  const prices = new Map<string, string>();
  for (const { key, value } of producedBy(series)) {
    const { ts, lmp_rt, energy_rt, congestion_rt, loss_rt }: RealtimePriceEvent = JSON.parse(value);
    const price = { lmp: lmp_rt, energy: energy_rt, congestion: congestion_rt, loss: loss_rt };
    prices.set(priceKey(nodes.get(key) ?? key, Date.parse(ts), 1), priceText(price));
  }
  return prices;
}

/** @param startAt milliseconds UTC */
export function priceKey(node: string, startAt: number, revision: number): string {
  return `${node} ${startAt} ${revision}`;
}

export function priceText({ lmp, energy, congestion, loss }: Price): string {
  return `${lmp} = ${energy} + ${congestion} + ${loss}`;
}
