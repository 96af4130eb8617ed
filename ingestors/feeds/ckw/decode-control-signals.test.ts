import { describe, expect, test } from 'vitest';
import { decodeControlSignals } from './decode-control-signals.ts';

const SIGNAL = {
  Name: '000R',
  Description: 'Boiler 4 h',
  Date: '2025-07-08',
  Start: '2025-07-08T03:25:00+02:00',
  End: '2025-07-08T06:56:00+02:00',
};

describe('control signals', () => {
  test.each([
    ['capital', SIGNAL],
    ['small', Object.fromEntries(Object.entries(SIGNAL).map(([name, value]) => [name.toLowerCase(), value]))],
  ])('are read where their names begin with a %s letter', (_, signal) => {
    expect(decoded([signal])).toEqual({
      facts: [
        {
          provider: 'CKW',
          name: '000R',
          description: 'Boiler 4 h',
          date: '2025-07-08',
          startAt: Date.parse('2025-07-08T01:25:00Z'),
          endAt: Date.parse('2025-07-08T04:56:00Z'),
        },
      ],
      rejects: [],
    });
  });

  test.each([
    ['no end', { End: undefined }, 'MISSING_FIELD'],
    ['a start without a zone', { Start: '2025-07-08T03:25:00' }, 'BAD_TIME'],
    ['a day in another order', { Date: '08.07.2025' }, 'BAD_TIME'],
  ])('leave one with %s to the dead letters', (_, fields, code) => {
    const { facts, rejects } = decoded([{ ...SIGNAL, ...fields }, SIGNAL]);
    expect(facts).toHaveLength(1);
    expect(rejects.map((reject) => reject.code)).toEqual([code]);
    expect(JSON.parse(String(rejects[0]?.raw))).toHaveLength(1);
  });

  test('of a day that has none are none', () => {
    expect(() => decoded([])).toThrow('no control signals');
    expect(() => decodeControlSignals({ bytes: Buffer.from('{"error":"x"}'), name: '' })).toThrow('expected an array');
  });
});

function decoded(signals: readonly object[]) {
  return decodeControlSignals({ bytes: Buffer.from(JSON.stringify(signals)), name: 'TRA 2025-07-08' });
}
