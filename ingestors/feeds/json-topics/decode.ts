import { isUtf8 } from 'node:buffer';
import { messageOf } from '../../../domain/errors.ts';
import { HOUR_MS, MINUTE_MS, parseInstant } from '../../../domain/instant.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import { marketById, type NodeName, nodeNameFrom } from '../../../domain/market.ts';
import type { MarketRun } from '../../../domain/market-run.ts';
import type { Decoded, Payload, Reject, RejectCode } from '../../feed.ts';

/**
 * Decodes the JSON price topics. One log record is one UTF-8 JSON object and becomes one fact or one reject.
 *
 *     prices            {"ts","hub","price_mwh"}                                    [ts, ts)        a tick is a point
 *     dayahead_prices   {"ts","hub","lmp_da","energy_da","congestion_da","loss_da"} [ts, ts + 1 h)  ts on the hour
 *     realtime_prices   {"ts","hub","lmp_rt","energy_rt","congestion_rt","loss_rt"} [ts, ts + 5 min)
 *
 * A component that is null or absent is null, never 0. Fields beyond these are ignored; of a field that stands twice the
 * last counts, as everywhere in JSON. Whether an instant is plausible is for the pipeline to say, which has a clock.
 */
interface Format {
  readonly run: MarketRun;
  readonly lengthMs: number;
  /** `ts` has to be a multiple of this. */
  readonly gridMs: number;
  readonly lmp: string;
  readonly energy?: string;
  readonly congestion?: string;
  readonly loss?: string;
}

export const decodePrices = createDecoder({ run: 'SPOT', lengthMs: 0, gridMs: 1, lmp: 'price_mwh' });

export const decodeDayaheadPrices = createDecoder({
  run: 'DAY_AHEAD_HOURLY',
  lengthMs: HOUR_MS,
  gridMs: HOUR_MS,
  lmp: 'lmp_da',
  energy: 'energy_da',
  congestion: 'congestion_da',
  loss: 'loss_da',
});

export const decodeRealtimePrices = createDecoder({
  run: 'REAL_TIME_5_MIN',
  lengthMs: 5 * MINUTE_MS,
  gridMs: 1,
  lmp: 'lmp_rt',
  energy: 'energy_rt',
  congestion: 'congestion_rt',
  loss: 'loss_rt',
});

/** A decoder that answers at once: a promise for each record would cost as much as decoding it. */
export type RecordDecoder = (payload: Payload) => Decoded;

type Fields = Readonly<Record<string, unknown>>;

const NO_FACTS: readonly LmpFact[] = Object.freeze([]);
const NO_REJECTS: readonly Reject[] = Object.freeze([]);

function createDecoder(format: Format): RecordDecoder {
  return ({ bytes }) => {
    try {
      return { facts: [factFrom(fieldsFrom(bytes), format)], rejects: NO_REJECTS };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { facts: NO_FACTS, rejects: [{ code: error.code, reason: error.reason, raw: bytes }] };
    }
  };
}

/**
 * Why a record is no fact. Thrown within this module only, and no Error: nobody needs its stack, and taking one for each
 * record of a broken producer would be the dearest thing that the decoder does.
 */
class Refusal {
  readonly code: RejectCode;
  readonly reason: string;
  constructor(code: RejectCode, reason: string) {
    this.code = code;
    this.reason = reason;
  }
}

function fieldsFrom(bytes: Buffer): Fields {
  if (bytes.length === 0) throw new Refusal('NOT_THE_FORMAT', 'the record has no value: expected a JSON object');
  // Decoding would put U+FFFD for what is not UTF-8, and a hub's name would change silently.
  if (!isUtf8(bytes)) throw new Refusal('NOT_JSON', 'the value is not UTF-8');
  const value = jsonFrom(bytes.toString('utf8'));
  if (!isObject(value)) throw new Refusal('NOT_THE_FORMAT', `expected a JSON object, got ${shown(value)}`);
  return value;
}

function jsonFrom(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal('NOT_JSON', printable(messageOf(error)));
  }
}

function factFrom(fields: Fields, format: Format): LmpFact {
  const startAt = instantFrom(fields.ts, format.gridMs);
  return {
    node: nodeFrom(fields.hub),
    run: format.run,
    startAt,
    endAt: startAt + format.lengthMs,
    lmp: priceFrom(fields, format.lmp),
    energy: componentFrom(fields, format.energy),
    congestion: componentFrom(fields, format.congestion),
    loss: componentFrom(fields, format.loss),
    ghg: null,
  };
}

function instantFrom(ts: unknown, gridMs: number): number {
  if (ts === undefined || ts === null) throw missing('ts');
  const instant = typeof ts === 'string' ? parseInstant(ts) : undefined;
  if (instant === undefined) {
    throw new Refusal('BAD_TIME', `ts: expected an ISO 8601 instant with a zone, got ${shown(ts)}`);
  }
  if (instant % gridMs !== 0) throw new Refusal('BAD_TIME', `ts: expected the start of an hour, got ${shown(ts)}`);
  return instant;
}

function nodeFrom(hub: unknown): NodeName {
  if (hub === undefined || hub === null) throw missing('hub');
  if (typeof hub !== 'string') throw new Refusal('BAD_VALUE', `hub: expected a string, got ${shown(hub)}`);
  const market = hub.slice(0, Math.max(hub.indexOf('-'), 0));
  const node = nodeNameFrom(market, hub);
  if (node !== undefined) return node;
  throw marketById(market) === undefined
    ? new Refusal('UNKNOWN_NODE', `hub: expected a market of ours before the first dash, got ${shown(hub)}`)
    : new Refusal('BAD_VALUE', `hub: expected at most 200 characters, none a control character, got ${shown(hub)}`);
}

function priceFrom(fields: Fields, name: string): number {
  const price = componentFrom(fields, name);
  if (price === null) throw missing(name);
  return price;
}

/** @returns null where the field is null or absent, or the format has no such field. */
function componentFrom(fields: Fields, name: string | undefined): number | null {
  const value = name === undefined ? undefined : fields[name];
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new Refusal('BAD_VALUE', `${name}: expected a finite number, got ${shown(value)}`);
}

function missing(name: string): Refusal {
  return new Refusal('MISSING_FIELD', `${name}: expected a value, got none`);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const SHOWN_LENGTH_MAX = 60;

/** What came, short enough for a sentence. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (isObject(value)) return 'an object';
  if (typeof value !== 'string') return String(value);
  const cut = value.length > SHOWN_LENGTH_MAX;
  return printable(JSON.stringify(cut ? `${value.slice(0, SHOWN_LENGTH_MAX)}…` : value));
}

/** The parser quotes a bad value as it came, and Postgres refuses U+0000 and half a surrogate pair in a reason. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]/gu, '\ufffd');
}
