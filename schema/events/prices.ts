import { HUB, PRICE, TS } from './fields.ts';

/** A spot price at an instant: one tick of topic `prices`. */
export interface PriceEvent {
  readonly ts: string;
  readonly hub: string;
  /** US dollars per MWh. */
  readonly price_mwh: number;
}

export const PRICES_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'prices',
  type: 'object',
  required: ['ts', 'hub', 'price_mwh'],
  properties: { ts: TS, hub: HUB, price_mwh: PRICE },
} as const;
