import { isUtf8 } from 'node:buffer';
import { messageOf } from '../../../domain/errors.ts';
import { parseInstant } from '../../../domain/instant.ts';
import { marketById, type NodeName, nodeNameFrom } from '../../../domain/market.ts';
import type { Decoded, Payload, Reject, RejectCode } from '../../feed.ts';

/** A decoder that answers at once: a promise for each record would cost as much as decoding it. */
export type RecordDecoder<Fact> = (payload: Payload) => Decoded<Fact>;

/** The fields of a record, whatever they hold. */
export type Fields = Readonly<Record<string, unknown>>;

const NO_FACTS: readonly never[] = Object.freeze([]);
const NO_REJECTS: readonly Reject[] = Object.freeze([]);

/** One log record is one UTF-8 JSON object and becomes one fact, or one reject where `factFrom` throws a `Refusal`. */
export function createRecordDecoder<Fact>(factFrom: (fields: Fields) => Fact): RecordDecoder<Fact> {
  return ({ bytes }) => {
    try {
      return { facts: [factFrom(fieldsFrom(bytes))], rejects: NO_REJECTS };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { facts: NO_FACTS, rejects: [{ code: error.code, reason: error.reason, raw: bytes }] };
    }
  };
}

/** The same of a payload of several records, as a file of them is: an array of objects, or one object a line. */
export function createRecordsDecoder<Fact>(factFrom: (fields: Fields) => Fact): RecordDecoder<Fact> {
  const decodeRecord = createRecordDecoder(factFrom);
  return ({ bytes, name }) => {
    const decoded = recordsIn(bytes).map((record) => decodeRecord({ bytes: record, name }));
    return { facts: decoded.flatMap(({ facts }) => facts), rejects: decoded.flatMap(({ rejects }) => rejects) };
  };
}

function recordsIn(bytes: Buffer): readonly Buffer[] {
  const text = bytes.toString('utf8');
  const value = jsonOrNothing(text);
  if (Array.isArray(value)) return value.map((each) => Buffer.from(JSON.stringify(each)));
  const lines = value === undefined ? text.split('\n').filter((line) => line.trim() !== '') : [];
  if (!isUtf8(bytes) || jsonOrNothing(lines[0] ?? '') === undefined) return [bytes];
  return lines.map((line) => Buffer.from(line));
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Why a record is no fact. Thrown to `createRecordDecoder` only, and no Error: nobody needs its stack, and taking one for each
 * record of a broken producer would be the dearest thing that the decoder does.
 */
export class Refusal {
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

/** @param gridMs `ts` has to be a multiple of it. */
export function instantFrom(ts: unknown, gridMs: number): number {
  if (ts === undefined || ts === null) throw missing('ts');
  const instant = typeof ts === 'string' ? parseInstant(ts) : undefined;
  if (instant === undefined) {
    throw new Refusal('BAD_TIME', `ts: expected an ISO 8601 instant with a zone, got ${shown(ts)}`);
  }
  if (instant % gridMs !== 0) throw new Refusal('BAD_TIME', `ts: expected the start of an hour, got ${shown(ts)}`);
  return instant;
}

/** A hub's market stands before its first dash. */
export function nodeFrom(hub: unknown): NodeName {
  if (hub === undefined || hub === null) throw missing('hub');
  if (typeof hub !== 'string') throw new Refusal('BAD_VALUE', `hub: expected a string, got ${shown(hub)}`);
  return knownNode(hub.slice(0, Math.max(hub.indexOf('-'), 0)), hub, hub);
}

const QUALIFIED = /^([A-Z]+):(.*)$/s;

/** A hub, or any pricing node as `MARKET:NAME`: what stands before the first colon is a market where it is letters alone. */
export function hubOrNodeFrom(hub: unknown): NodeName {
  const [, market, name] = typeof hub === 'string' ? (QUALIFIED.exec(hub) ?? []) : [];
  return market === undefined || name === undefined ? nodeFrom(hub) : knownNode(market, name, hub);
}

function knownNode(market: string, name: string, hub: unknown): NodeName {
  const node = nodeNameFrom(market, name);
  if (node !== undefined) return node;
  throw marketById(market) === undefined
    ? new Refusal('UNKNOWN_NODE', `hub: expected a market of ours at its beginning, got ${shown(hub)}`)
    : new Refusal('BAD_VALUE', `hub: expected 1 to 200 characters, none a control character, got ${shown(hub)}`);
}

export function missing(name: string): Refusal {
  return new Refusal('MISSING_FIELD', `${name}: expected a value, got none`);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const SHOWN_LENGTH_MAX = 60;

/** What came, short enough for a sentence. */
export function shown(value: unknown): string {
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
