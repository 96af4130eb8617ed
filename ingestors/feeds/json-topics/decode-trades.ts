import { type Decimal, parseDecimal } from '../../../domain/money.ts';
import { isTradeName, type Trade } from '../../../domain/trade.ts';
import { createRecordDecoder, type Fields, hubOrNodeFrom, instantFrom, missing, Refusal, shown } from './record.ts';

/**
 * Decodes the topic `trades`: one log record is one UTF-8 JSON object and becomes one version of a trade, or one reject.
 *
 *     {"trade_id","ts","account","hub","side":"BUY"|"SELL","mw","price_mwh"}
 *     and, where it is not so:  "version": 1   "status": "ACTIVE"|"CANCELLED"   "minutes": 60
 *
 * `mw` is sold or bought over the whole of the delivery, which is `minutes` long. `hub` is a hub of the price topics, or any
 * pricing node as `MARKET:NAME`. `mw` and `price_mwh` may be texts, where a number would lose digits; a number counts as
 * JavaScript writes it. Fields beyond these are ignored.
 */
export const decodeTrades = createRecordDecoder(tradeFrom);

const AMOUNT_MAX = 1_000_000;
/**
 * What a double needs that carries the noise of a producer's arithmetic (0.30000000000000004) and is not below a thousandth.
 * It bounds how many digits a sum of a million trades has.
 */
const DECIMALS_MAX = 20;
const AMOUNT_TEXT = /^-?\d{1,6}(?:\.\d{1,20})?$/;
const MINUTES_MAX = 366 * 24 * 60;
/** Postgres' integer. */
const VERSION_MAX = 2 ** 31 - 1;

function tradeFrom(fields: Fields): Trade {
  return {
    tradeId: nameFrom(fields, 'trade_id'),
    version: wholeFrom(fields, 'version', 1, VERSION_MAX),
    ts: instantFrom(fields.ts, 1),
    account: nameFrom(fields, 'account'),
    node: hubOrNodeFrom(fields.hub),
    side: choiceFrom(fields, 'side', ['BUY', 'SELL']),
    mw: quantityFrom(fields, 'mw'),
    price: decimalFrom(fields, 'price_mwh'),
    minutes: wholeFrom(fields, 'minutes', 60, MINUTES_MAX),
    status: choiceFrom(fields, 'status', ['ACTIVE', 'CANCELLED'], 'ACTIVE'),
  };
}

function nameFrom(fields: Fields, field: string): string {
  const value = fields[field];
  if (value === undefined || value === null) throw missing(field);
  // Systems that number their trades write them as numbers.
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text === 'string' && isTradeName(text)) return text;
  const expected = '1 to 100 characters, not all blank and none a control character';
  throw new Refusal('BAD_VALUE', `${field}: expected ${expected}, got ${shown(value)}`);
}

function wholeFrom(fields: Fields, field: string, byDefault: number, max: number): number {
  const value = fields[field] ?? byDefault;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new Refusal('BAD_VALUE', `${field}: expected a whole number from 1 to ${max}, got ${shown(value)}`);
}

function choiceFrom<Choice extends string>(
  fields: Fields,
  field: string,
  choices: readonly Choice[],
  byDefault?: Choice,
): Choice {
  const value = fields[field] ?? byDefault;
  if (value === undefined) throw missing(field);
  const choice = choices.find((each) => each === value);
  if (choice) return choice;
  throw new Refusal('BAD_VALUE', `${field}: expected ${choices.join(' or ')}, got ${shown(value)}`);
}

function quantityFrom(fields: Fields, field: string): Decimal {
  const quantity = decimalFrom(fields, field);
  if (quantity.sign > 0) return quantity;
  const expected = 'more than 0, as the side says which way';
  throw new Refusal('BAD_VALUE', `${field}: expected ${expected}, got ${shown(fields[field])}`);
}

function decimalFrom(fields: Fields, field: string): Decimal {
  const value = fields[field];
  if (value === undefined || value === null) throw missing(field);
  const decimal = isAmount(value) ? parseDecimal(value) : undefined;
  if (decimal && decimal.decimals <= DECIMALS_MAX) return decimal;
  const expected = `a number of less than a million with at most ${DECIMALS_MAX} decimals`;
  throw new Refusal('BAD_VALUE', `${field}: expected ${expected}, got ${shown(value)}`);
}

function isAmount(value: unknown): value is number | string {
  if (typeof value === 'string') return AMOUNT_TEXT.test(value);
  return typeof value === 'number' && Math.abs(value) < AMOUNT_MAX;
}
