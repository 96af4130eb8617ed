import { describe, expect, test } from 'vitest';
import { decodePlantStatus, plantStatusAt } from './decode-plant-status.ts';

const STATUS = {
  zeitstempel: '2025-12-03T14:40+01:00',
  betriebsstatus: 'in Betrieb',
  spannung: '20.697998',
  wirkleistung: '0.079999998',
  blindleistung: '-0.02',
  windgeschwindigkeit: '12.959999',
  einheiten: { strom: 'A', spannung: 'kV', wirkleistung: 'MW', blindleistung: 'Mvar', windgeschwindigkeit: 'km/h' },
};

describe('the live status of a plant', () => {
  test('is read from its German names', () => {
    expect(decoded({})).toEqual({
      facts: [
        {
          plant: 'lutersarni',
          at: Date.parse('2025-12-03T13:40:00Z'),
          state: 'RUNNING',
          rawState: 'in Betrieb',
          voltageKv: 20.697998,
          activeMw: 0.079999998,
          reactiveMvar: -0.02,
          windKmh: 12.959999,
        },
      ],
      rejects: [],
    });
    expect(plantStatusAt(Buffer.from(JSON.stringify(STATUS)))).toBe(Date.parse('2025-12-03T13:40:00Z'));
  });

  test.each([
    ['ausser Betrieb', 'STOPPED'],
    ['Außer Betrieb', 'STOPPED'],
    ['Wartung', 'MAINTENANCE'],
    ['Windstille', 'OTHER'],
  ])('keeps %s as it came and counts it as %s', (betriebsstatus, state) => {
    expect(decoded({ betriebsstatus }).facts).toMatchObject([{ state, rawState: betriebsstatus }]);
  });

  test('has null for a measure that is blank, and takes numbers that are no texts', () => {
    expect(decoded({ spannung: '', wirkleistung: null, windgeschwindigkeit: 0 }).facts).toMatchObject([
      { voltageKv: null, activeMw: null, windKmh: 0, reactiveMvar: -0.02 },
    ]);
  });

  test.each([
    ['a time without a zone', { zeitstempel: '03.12.2025 14:40' }, 'BAD_TIME'],
    ['no state', { betriebsstatus: '' }, 'MISSING_FIELD'],
    ['a measure in words', { wirkleistung: 'viel' }, 'BAD_VALUE'],
    ['a decimal comma, which could be one of thousands', { wirkleistung: '0,079' }, 'BAD_VALUE'],
    ['another unit', { einheiten: { wirkleistung: 'kW' } }, 'BAD_VALUE'],
  ])('is refused with %s', (_, fields, code) => {
    const { facts, rejects } = decoded(fields);
    expect(facts).toEqual([]);
    expect(rejects.map((reject) => reject.code)).toEqual([code]);
  });

  test('is malformed where it is no object', () => {
    expect(() => decodePlantStatus({ bytes: Buffer.from('[]'), name: '' })).toThrow('expected an object');
  });
});

function decoded(fields: object) {
  return decodePlantStatus({ bytes: Buffer.from(JSON.stringify({ ...STATUS, ...fields })), name: 'lutersarni' });
}
