import { isUtf8 } from 'node:buffer';
import { BusbarError } from '../../../domain/errors.ts';
import { parseInstant } from '../../../domain/instant.ts';
import type { Reject, RejectCode } from '../../feed.ts';

/** The fields of an object, whatever they hold. */
export type Fields = Readonly<Record<string, unknown>>;

/** @throws BusbarError `MALFORMED` where the bytes are no JSON, as a page that comes with status 200 is. */
export function jsonFrom(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new BusbarError('MALFORMED', 'CKW: the answer is not UTF-8');
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BusbarError('MALFORMED', `CKW: expected JSON, got ${shown(text.trimStart())}`, { cause });
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Why a part of an answer is no fact. Thrown to `tried` only, and no Error: nobody needs its stack. */
export class Refusal {
  readonly code: RejectCode;
  readonly reason: string;
  constructor(code: RejectCode, reason: string) {
    this.code = code;
    this.reason = reason;
  }
}

/** What the reading gives, or why it gives nothing. */
export function tried<Value>(read: () => Value): Value | Refusal {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** @param rest what can be decoded by itself: a dead letter is tried again alone. */
export function rejectOf({ code, reason }: Refusal, rest: unknown): Reject {
  return { code, reason, raw: Buffer.from(JSON.stringify(rest)) };
}

/** @throws Refusal where there is none with a zone: a time without one is not guessed at. */
export function instantFrom(fields: Fields, name: string): number {
  const value = textFrom(fields, name);
  const instant = parseInstant(value);
  if (instant === undefined) {
    throw new Refusal('BAD_TIME', `${name}: expected an ISO 8601 instant with a zone, got ${shown(value)}`);
  }
  return instant;
}

/** @throws Refusal where it is blank, or something else. */
export function textFrom(fields: Fields, name: string): string {
  const value = fields[name];
  if (isBlank(value)) throw new Refusal('MISSING_FIELD', `${name}: expected a text, got none`);
  if (typeof value !== 'string') throw new Refusal('BAD_VALUE', `${name}: expected a text, got ${shown(value)}`);
  return value;
}

export function isBlank(value: unknown): value is null | undefined | '' {
  return value === undefined || value === null || value === '';
}

const SHOWN_LENGTH_MAX = 60;

/** What came, short enough for a sentence, and storable: Postgres refuses U+0000 and half a surrogate pair. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  const short = text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
  return short.replace(/[\p{Cc}\p{Cs}]/gu, '\ufffd');
}
