import { HOUR_MS, isoFromInstant } from '../../domain/instant.ts';
import { localNameOf, type NodeName } from '../../domain/market.ts';
import type { DayaheadPriceEvent } from '../../schema/events/dayahead-prices.ts';
import type { PriceEvent } from '../../schema/events/prices.ts';
import type { RealtimePriceEvent } from '../../schema/events/realtime-prices.ts';
import type { PriceTopic } from '../../schema/events/topics.ts';
import { createMarketModel, type MarketModel } from './market-model.ts';

/** A record of a price topic as JSON text, keyed by hub. */
export interface SimulatedRecord {
  readonly key: string;
  readonly value: string;
}

export interface SimulatedSeries {
  readonly seed: number;
  /** At least one, each once. */
  readonly nodes: readonly NodeName[];
  readonly count: number;
  readonly topic: PriceTopic;
  /** Milliseconds UTC. */
  readonly from: number;
  /** From one instant to the next; day-ahead prices exist by the hour only. */
  readonly stepMs: number;
}

/**
 * The same records for the same arguments: all nodes at `from`, then all at `from + stepMs`, and so on. No two have both
 * hub and ts in common.
 * @throws RangeError where instants would fall together or off the topic's grid.
 */
export function* simulatedRecords(series: SimulatedSeries): Generator<SimulatedRecord> {
  const { seed, nodes, count, topic, from, stepMs } = series;
  const gridMs = topic === 'dayahead_prices' ? HOUR_MS : 1;
  if (nodes.length === 0) throw new RangeError('nodes: expected at least one');
  if (!(stepMs >= gridMs && stepMs % gridMs === 0)) throw new RangeError(`stepMs: expected a multiple of ${gridMs}`);
  if (from % gridMs !== 0) throw new RangeError(`from: expected a multiple of ${gridMs} ms`);
  const model = createMarketModel({ seed, nodes });
  for (let done = 0, atMs = from; done < count; atMs += stepMs) {
    for (const node of nodes) {
      if (done === count) return;
      done += 1;
      yield recordFrom(model, topic, node, atMs);
    }
  }
}

export function recordFrom(model: MarketModel, topic: PriceTopic, node: NodeName, atMs: number): SimulatedRecord {
  const hub = localNameOf(node);
  return { key: hub, value: JSON.stringify(eventFrom(model, topic, node, hub, atMs)) };
}

function eventFrom(
  model: MarketModel,
  topic: PriceTopic,
  node: NodeName,
  hub: string,
  atMs: number,
): PriceEvent | DayaheadPriceEvent | RealtimePriceEvent {
  const ts = isoFromInstant(atMs);
  if (topic === 'dayahead_prices') {
    const { lmp, energy, congestion, loss } = model.dayAhead(node, atMs);
    return { ts, hub, lmp_da: lmp, energy_da: energy, congestion_da: congestion, loss_da: loss };
  }
  const { lmp, energy, congestion, loss } = model.realTime(node, atMs);
  if (topic === 'prices') return { ts, hub, price_mwh: lmp };
  return { ts, hub, lmp_rt: lmp, energy_rt: energy, congestion_rt: congestion, loss_rt: loss };
}
