import { HUB, TS } from './fields.ts';

/**
 * One version of a trade: one record of topic `trades`, keyed by account.
 *
 * An amendment or a cancellation repeats the whole trade under its `trade_id` with a higher `version`: of all versions the
 * highest counts, in whatever order they come, and one that comes again changes nothing.
 */
export interface TradeVersionEvent {
  /** Unique among all accounts. A number is taken as the text of its digits, here and in `account`. */
  readonly trade_id: string | number;
  /** When it was traded. An amendment keeps it, unless it is what is amended. */
  readonly ts: string;
  readonly account: string | number;
  /** A hub as in the price topics, or any pricing node as `MARKET:NAME`. */
  readonly hub: string;
  readonly side: 'BUY' | 'SELL';
  /** Megawatts over the whole of the delivery. A text where a number would lose digits, here and in `price_mwh`. */
  readonly mw: number | string;
  /** US dollars per MWh; negative prices are ordinary. */
  readonly price_mwh: number | string;
  /** 1 where it is absent or null. */
  readonly version?: number | null;
  /** `ACTIVE` where it is absent or null. */
  readonly status?: 'ACTIVE' | 'CANCELLED' | null;
  /** Length of the delivery in minutes, 60 where it is absent or null. A day of 23 hours is 1,380. */
  readonly minutes?: number | null;
}

/** Not all of it blank, neither control characters nor half surrogate pairs. */
const NAME = {
  type: ['string', 'integer'],
  pattern: '^(?=.*\\S)[^\\p{Cc}\\p{Cs}]{1,100}$',
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
} as const;

const NODE = { type: 'string', pattern: '^[A-Z]+:[^\\p{Cc}\\p{Cs}]{1,200}$' } as const;

/** Of a number as well at most twenty decimals are taken, which a schema cannot say of numbers. */
const MW = {
  type: ['number', 'string'],
  exclusiveMinimum: 0,
  exclusiveMaximum: 1_000_000,
  pattern: '^(?=.*[1-9])\\d{1,6}(\\.\\d{1,20})?$',
} as const;

const TRADE_PRICE = {
  type: ['number', 'string'],
  exclusiveMinimum: -1_000_000,
  exclusiveMaximum: 1_000_000,
  pattern: '^-?\\d{1,6}(\\.\\d{1,20})?$',
} as const;

export const TRADES_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'trades',
  type: 'object',
  required: ['trade_id', 'ts', 'account', 'hub', 'side', 'mw', 'price_mwh'],
  properties: {
    trade_id: NAME,
    ts: TS,
    account: NAME,
    hub: { anyOf: [HUB, NODE] },
    side: { enum: ['BUY', 'SELL'] },
    mw: MW,
    price_mwh: TRADE_PRICE,
    version: { type: ['integer', 'null'], minimum: 1, maximum: 2 ** 31 - 1 },
    status: { enum: ['ACTIVE', 'CANCELLED', null] },
    minutes: { type: ['integer', 'null'], minimum: 1, maximum: 366 * 24 * 60 },
  },
} as const;
