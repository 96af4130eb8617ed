import { COMPONENT, HUB, PRICE, TS } from './fields.ts';

/** The real-time price of the interval `[ts, ts + 5 min)`: one record of topic `realtime_prices`. US dollars per MWh. */
export interface RealtimePriceEvent {
  readonly ts: string;
  readonly hub: string;
  readonly lmp_rt: number;
  readonly energy_rt?: number | null;
  readonly congestion_rt?: number | null;
  readonly loss_rt?: number | null;
}

export const REALTIME_PRICES_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'realtime_prices',
  type: 'object',
  required: ['ts', 'hub', 'lmp_rt'],
  properties: {
    ts: TS,
    hub: HUB,
    lmp_rt: PRICE,
    energy_rt: COMPONENT,
    congestion_rt: COMPONENT,
    loss_rt: COMPONENT,
  },
} as const;
