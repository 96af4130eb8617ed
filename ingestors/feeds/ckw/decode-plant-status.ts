import { basename } from 'node:path';
import { BusbarError } from '../../../domain/errors.ts';
import type { PlantReading, PlantState } from '../../../domain/plant-status.ts';
import type { Decoded, Payload } from '../../feed.ts';
import {
  type Fields,
  instantFrom,
  isBlank,
  isFields,
  jsonFrom,
  Refusal,
  rejectOf,
  shown,
  textFrom,
  tried,
} from './json.ts';
import { PLANTS } from './names.ts';

/**
 * Decodes an answer of `kraftwerke/<plant>/live`, one object with German names; numbers come as texts:
 *
 *     {"zeitstempel", "betriebsstatus", "spannung", "wirkleistung", "blindleistung", "windgeschwindigkeit", "einheiten": {…}}
 *
 * The units are kV, MW, Mvar and km/h; where it names others, it is refused. Which plant it is stands in the payload's name.
 * @throws BusbarError `MALFORMED`.
 */
export function decodePlantStatus({ bytes, name }: Payload): Decoded<PlantReading> {
  const value = jsonFrom(bytes);
  if (!isFields(value)) throw new BusbarError('MALFORMED', `CKW: expected an object, got ${shown(value)}`);
  const reading = tried(() => readingFrom(value, plantNamedIn(name)));
  if (reading instanceof Refusal) return { facts: [], rejects: [rejectOf(reading, value)] };
  return { facts: [reading], rejects: [] };
}

/** When the plant told it; undefined where it does not say. @throws BusbarError `MALFORMED`. */
export function plantStatusAt(bytes: Buffer): number | undefined {
  const value = jsonFrom(bytes);
  const at = isFields(value) ? tried(() => instantFrom(value, 'zeitstempel')) : undefined;
  return typeof at === 'number' ? at : undefined;
}

/** A file without a plant's name is of the only plant there is. */
function plantNamedIn(payload: string): string {
  return PLANTS.find((plant) => basename(payload).toLowerCase().includes(plant)) ?? PLANTS[0];
}

/** Only the first is CKW's own; the others are plain German for what they say. What else comes is kept as it came. */
const STATES: ReadonlyMap<string, PlantState> = new Map([
  ['in betrieb', 'RUNNING'],
  ['ausser betrieb', 'STOPPED'],
  ['außer betrieb', 'STOPPED'],
  ['wartung', 'MAINTENANCE'],
  ['in wartung', 'MAINTENANCE'],
]);

function readingFrom(fields: Fields, plant: string): PlantReading {
  const rawState = textFrom(fields, 'betriebsstatus');
  return {
    plant,
    at: instantFrom(fields, 'zeitstempel'),
    state: STATES.get(rawState.trim().toLowerCase()) ?? 'OTHER',
    rawState,
    voltageKv: measureFrom(fields, 'spannung', 'kV'),
    activeMw: measureFrom(fields, 'wirkleistung', 'MW'),
    reactiveMvar: measureFrom(fields, 'blindleistung', 'Mvar'),
    windKmh: measureFrom(fields, 'windgeschwindigkeit', 'km/h'),
  };
}

const NUMBER = /^-?\d{1,12}(?:\.\d{1,20})?$/;

/** Null where it is blank. @throws Refusal where it is no number, or in another unit. */
function measureFrom(fields: Fields, name: string, unit: string): number | null {
  const units = fields.einheiten;
  const said = isFields(units) ? units[name] : undefined;
  if (!isBlank(said) && said !== unit) {
    throw new Refusal('BAD_VALUE', `${name}: expected it in ${unit}, got ${shown(said)}`);
  }
  const value = fields[name];
  if (isBlank(value)) return null;
  if (typeof value === 'number' || (typeof value === 'string' && NUMBER.test(value))) return Number(value);
  throw new Refusal('BAD_VALUE', `${name}: expected a number, got ${shown(value)}`);
}
