import { BusbarError } from '../../../domain/errors.ts';
import { isoFromInstant, parseInstant } from '../../../domain/instant.ts';
import { type Decimal, parseDecimal } from '../../../domain/money.ts';
import { oddParts, TARIFF_TYPES, type TariffPrice, type TariffType } from '../../../domain/tariff.ts';
import type { Decoded, Payload, Reject } from '../../feed.ts';
import { type Fields, instantFrom, isBlank, isFields, jsonFrom, Refusal, rejectOf, shown, tried } from './json.ts';
import { CKW, isTariffName, TARIFF_NAMES, type TariffName } from './names.ts';

/**
 * Decodes an answer of `dynamische-preise`, whose grammar is that of the interface's RAML and its examples:
 *
 *     {"publication_timestamp": instant, "prices": [{"start_timestamp": instant, "end_timestamp": instant, PART: [{"unit", "value"}], …}]}
 *
 * PART is `grid`, `electricity`, `integrated` or `grid_usage`; asked with a `tariff_type`, only that one comes. Instants carry
 * their zone and may have no seconds. Which tariff it is stands in the payload's name only.
 * @throws BusbarError `NO_DATA` where there are no prices, `MALFORMED`.
 */
export function decodeTariffs({ bytes, name }: Payload): Decoded<TariffPrice> {
  const tariffName = tariffNamedIn(name);
  const document = documentFrom(bytes);
  if (document.prices.length === 0) throw new BusbarError('NO_DATA', 'CKW has no prices there');
  const facts: TariffPrice[] = [];
  const rejects: Reject[] = [];
  for (const slot of distinct(document.prices)) {
    const read = tried(() => slotFrom(slot, tariffName));
    const reject = (why: Refusal, rest: unknown) => rejects.push(rejectOf(why, { ...document.head, prices: [rest] }));
    if (read instanceof Refusal) reject(read, slot.fields);
    else {
      facts.push(...read.prices);
      for (const { refusal, rest } of read.refusals) reject(refusal, rest);
    }
  }
  return { facts, rejects };
}

/** When CKW published the answer, milliseconds UTC; undefined where it does not say. @throws BusbarError `MALFORMED`. */
export function tariffsPublishedAt(bytes: Buffer): number | undefined {
  const { publication_timestamp: stamp } = documentFrom(bytes).head;
  return typeof stamp === 'string' ? parseInstant(stamp) : undefined;
}

/** The end of the newest interval that can be read; undefined where there is none. @throws BusbarError `MALFORMED`. */
export function tariffsEndAt(bytes: Buffer): number | undefined {
  const ends = documentFrom(bytes).prices.flatMap((slot) => {
    const end = tried(() => instantFrom(fieldsOf(slot), 'end_timestamp'));
    return end instanceof Refusal ? [] : [end];
  });
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** What CKW's own interface says comes where none is named. */
const TARIFF_BY_DEFAULT: TariffName = TARIFF_NAMES[0];

function tariffNamedIn(payload: string): TariffName {
  const name = /[a-z]+_dynamic/.exec(payload)?.[0] ?? TARIFF_BY_DEFAULT;
  if (isTariffName(name)) return name;
  throw new BusbarError(
    'MALFORMED',
    `CKW has no tariff ${shown(name)}: rename the file after one of ${TARIFF_NAMES.join(', ')}`,
  );
}

interface Document {
  readonly head: Fields;
  readonly prices: readonly unknown[];
}

function documentFrom(bytes: Buffer): Document {
  const value = jsonFrom(bytes);
  if (!isFields(value) || !Array.isArray(value.prices)) {
    throw new BusbarError('MALFORMED', `CKW: expected an object with prices, got ${shown(value)}`);
  }
  const { prices, ...head } = value;
  return { head, prices };
}

/** An interval as it came. */
interface Slot {
  readonly fields: unknown;
  /** Another with its start is in the answer and says something else. */
  readonly isContradicted: boolean;
}

/** A slot that comes twice counts once; of two that contradict each other nobody can tell which one counts. */
function distinct(prices: readonly unknown[]): readonly Slot[] {
  const slots = new Map<string, unknown>(prices.map((slot) => [JSON.stringify(slot), slot]));
  const startOf = (slot: unknown) => tried(() => instantFrom(fieldsOf(slot), 'start_timestamp'));
  const starts = [...slots.values()].map(startOf).filter((start) => typeof start === 'number');
  const seen = new Set<number>();
  const twice = new Set(starts.filter((start) => seen.size === seen.add(start).size));
  return [...slots.values()].map((fields) => {
    const start = startOf(fields);
    return { fields, isContradicted: typeof start === 'number' && twice.has(start) };
  });
}

interface ReadSlot {
  readonly prices: readonly TariffPrice[];
  /** Parts that are none, each with what can be decoded by itself. */
  readonly refusals: readonly { readonly refusal: Refusal; readonly rest: Fields }[];
}

/** @throws Refusal where nothing of it can be placed in time. */
function slotFrom({ fields: given, isContradicted }: Slot, tariffName: TariffName): ReadSlot {
  const fields = fieldsOf(given);
  const startAt = instantFrom(fields, 'start_timestamp');
  const endAt = instantFrom(fields, 'end_timestamp');
  if (isContradicted) {
    throw new Refusal('CONFLICTING_VERSION', `${isoFromInstant(startAt)} comes twice in one answer, and differs`);
  }
  const came = TARIFF_TYPES.filter((part) => Object.hasOwn(fields, part));
  if (came.length === 0) throw new Refusal('MISSING_FIELD', `expected one of ${TARIFF_TYPES.join(', ')}, got none`);
  const values: Partial<Record<TariffType, Decimal>> = {};
  const refusals: { refusal: Refusal; rest: Fields }[] = [];
  for (const part of came) {
    const value = tried(() => valueFrom(part, fields[part]));
    if (value instanceof Refusal) refusals.push({ refusal: value, rest: onlyPart(fields, part) });
    else values[part] = value;
  }
  const odd = oddParts(values);
  const prices = came.flatMap((type): TariffPrice[] => {
    const value = values[type];
    if (!value) return [];
    const flags = odd.includes(type) ? (['IDENTITY_BREACH'] as const) : [];
    return [{ provider: CKW, tariffName, type, startAt, endAt, value, unit: 'CHF_kWh', flags }];
  });
  return { prices, refusals };
}

function fieldsOf(slot: unknown): Fields {
  if (isFields(slot)) return slot;
  throw new Refusal('NOT_THE_FORMAT', `expected an object for each interval, got ${shown(slot)}`);
}

/** One price for a kilowatt-hour; what is charged by the month or the kilowatt has never come, and is not guessed at. */
function valueFrom(part: TariffType, entries: unknown): Decimal {
  const missing = new Refusal('MISSING_FIELD', `${part}: expected a price, got none`);
  if (isBlank(entries)) throw missing;
  if (!Array.isArray(entries)) throw new Refusal('NOT_THE_FORMAT', `${part}: expected an array, got ${shown(entries)}`);
  const [entry, ...more] = entries;
  if (entry === undefined) throw missing;
  if (more.length > 0 || !isFields(entry)) {
    throw new Refusal('NOT_THE_FORMAT', `${part}: expected one object with unit and value, got ${shown(entries)}`);
  }
  const { unit, value } = entry;
  if (unit !== 'CHF_kWh') throw new Refusal('BAD_VALUE', `${part}: expected the unit CHF_kWh, got ${shown(unit)}`);
  if (isBlank(value)) throw missing;
  const price = typeof value === 'number' || typeof value === 'string' ? parseDecimal(value) : undefined;
  if (!price) throw new Refusal('BAD_VALUE', `${part}: expected a decimal number, got ${shown(value)}`);
  return price;
}

function onlyPart({ start_timestamp, end_timestamp, ...parts }: Fields, part: TariffType): Fields {
  return { start_timestamp, end_timestamp, [part]: parts[part] };
}
