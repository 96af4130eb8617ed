import { TS } from './fields.ts';

/**
 * What is forecast of the price that comes after one: one record of topic `forecasts`, keyed by node. Busbar writes them, at
 * least once each: `id` and `node` and `run` together tell one that comes again.
 */
export interface ForecastRecord {
  /** The commit it is of. */
  readonly id: number;
  /** Start of the interval of the last price. */
  readonly ts: string;
  /** `MARKET:NAME`. */
  readonly node: string;
  readonly run: string;
  /** US dollars per MWh, as all of these; null while there are too few prices. */
  readonly last_price: number;
  readonly sma_5: number | null;
  readonly sma_20: number | null;
  readonly next_value: number | null;
  readonly ewma: number | null;
}

const VALUE = { type: ['number', 'null'] } as const;

export const FORECASTS_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'forecasts',
  type: 'object',
  required: ['id', 'ts', 'node', 'run', 'last_price', 'sma_5', 'sma_20', 'next_value', 'ewma'],
  properties: {
    id: { type: 'integer', minimum: 1 },
    ts: TS,
    node: { type: 'string', pattern: '^[A-Z]+:.+$' },
    run: { type: 'string' },
    last_price: { type: 'number' },
    sma_5: VALUE,
    sma_20: VALUE,
    next_value: VALUE,
    ewma: VALUE,
  },
} as const;
