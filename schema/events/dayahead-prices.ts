import { COMPONENT, HUB, PRICE, TS_ON_THE_HOUR } from './fields.ts';

/** The day-ahead price of the delivery hour `[ts, ts + 1 h)`: one record of topic `dayahead_prices`. US dollars per MWh. */
export interface DayaheadPriceEvent {
  readonly ts: string;
  readonly hub: string;
  readonly lmp_da: number;
  readonly energy_da?: number | null;
  readonly congestion_da?: number | null;
  readonly loss_da?: number | null;
}

export const DAYAHEAD_PRICES_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'dayahead_prices',
  type: 'object',
  required: ['ts', 'hub', 'lmp_da'],
  properties: {
    ts: TS_ON_THE_HOUR,
    hub: HUB,
    lmp_da: PRICE,
    energy_da: COMPONENT,
    congestion_da: COMPONENT,
    loss_da: COMPONENT,
  },
} as const;
