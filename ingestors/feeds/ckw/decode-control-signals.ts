import type { ControlSignal } from '../../../domain/control-signal.ts';
import { BusbarError } from '../../../domain/errors.ts';
import type { Decoded, Payload, Reject } from '../../feed.ts';
import { type Fields, instantFrom, isFields, jsonFrom, Refusal, rejectOf, shown, textFrom, tried } from './json.ts';
import { CKW } from './names.ts';

/**
 * Decodes an answer of `trasignale/<day>`, the signals of a day. The interface's example writes names with a capital, the
 * recorded card without: both are read.
 *
 *     [{"Name": "000R", "Description", "Date": "2025-07-08", "Start": instant, "End": instant}, …]
 *
 * @throws BusbarError `NO_DATA` for a day without signals, `MALFORMED`.
 */
export function decodeControlSignals({ bytes }: Payload): Decoded<ControlSignal> {
  const value = jsonFrom(bytes);
  if (!Array.isArray(value)) throw new BusbarError('MALFORMED', `CKW: expected an array, got ${shown(value)}`);
  if (value.length === 0) throw new BusbarError('NO_DATA', 'CKW has no control signals there');
  const facts: ControlSignal[] = [];
  const rejects: Reject[] = [];
  for (const entry of value) {
    const signal = tried(() => signalFrom(entry));
    if (signal instanceof Refusal) rejects.push(rejectOf(signal, [entry]));
    else facts.push(signal);
  }
  return { facts, rejects };
}

const DATE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;

function signalFrom(entry: unknown): ControlSignal {
  if (!isFields(entry)) throw new Refusal('NOT_THE_FORMAT', `expected an object for each signal, got ${shown(entry)}`);
  const fields = withLowerCaseNames(entry);
  const date = textFrom(fields, 'date');
  if (!DATE.test(date)) throw new Refusal('BAD_TIME', `date: expected a day as 2025-07-08, got ${shown(date)}`);
  return {
    provider: CKW,
    name: textFrom(fields, 'name'),
    description: textFrom(fields, 'description'),
    date,
    startAt: instantFrom(fields, 'start'),
    endAt: instantFrom(fields, 'end'),
  };
}

function withLowerCaseNames(entry: Fields): Fields {
  return Object.fromEntries(Object.entries(entry).map(([name, value]) => [name.toLowerCase(), value]));
}
