import { describe, expect, test } from 'vitest';
import { checkIdentity } from '../../../domain/lmp.ts';
import { decodeTemplateLmp } from './decode.ts';

const ROW = {
  ...{ node: 'NORTH', type: 'HUB', date: '2026-07-02', hourEnding: 1, repeated: false },
  ...{ lmp: 24.46, energy: 24.63, congestion: 0, loss: -0.17 },
};
const decoded = (rows: readonly unknown[], report = 'day-ahead') =>
  decodeTemplateLmp({ bytes: Buffer.from(JSON.stringify({ report, prices: rows })), name: report });
const startsOf = (...rows: object[]) =>
  decoded(rows.map((row) => ({ ...ROW, ...row }))).facts.map(({ startAt }) => new Date(startAt).toISOString());

test('a row is a price, exactly, and tells what its node is', () => {
  const [startAt, endAt] = [Date.parse('2026-07-02T04:00Z'), Date.parse('2026-07-02T05:00Z')];
  const { facts, rejects, places } = decoded([ROW]);
  const prices = { lmp: 24.46, energy: 24.63, congestion: 0, loss: -0.17, ghg: null };
  expect(facts).toEqual([{ node: 'PJM:NORTH', run: 'DAY_AHEAD_HOURLY', startAt, endAt, ...prices }]);
  expect([rejects, places]).toEqual([[], [{ node: 'PJM:NORTH', kind: 'HUB', at: startAt }]]);
  expect(facts.flatMap(checkIdentity)).toEqual([]);
});

test('the answer says whether it is day-ahead or real-time', () => {
  expect(decoded([ROW], 'real-time').facts).toMatchObject([{ run: 'REAL_TIME_HOURLY' }]);
});

test('a negative price is a price, and a component that is null is not 0', () => {
  const { facts } = decoded([{ ...ROW, lmp: -5, energy: null, congestion: null, loss: null }]);
  expect(facts).toMatchObject([{ lmp: -5, energy: null, congestion: null, loss: null }]);
});

describe('the hours of a change of clocks', () => {
  test('come twice in autumn', () => {
    const date = '2026-11-01';
    expect(startsOf({ date, hourEnding: 2 }, { date, hourEnding: 2, repeated: true }, { date, hourEnding: 3 })).toEqual(
      ['05', '06', '07'].map((hour) => `2026-11-01T${hour}:00:00.000Z`),
    );
  });

  test.each([
    ['the hour that is left out in spring', { date: '2026-03-08', hourEnding: 3 }],
    ['an hour that is said to be repeated and is not', { repeated: true }],
  ])('%s is rejected', (_, fields) => {
    expect(decoded([{ ...ROW, ...fields }])).toMatchObject({ facts: [], rejects: [{ code: 'BAD_TIME' }] });
  });
});

test.each([
  ['no price', { lmp: undefined }, /^lmp: /],
  ['a price that is a text', { lmp: '24.46' }, /^lmp: /],
  ['no component', { loss: undefined }, /^loss: /],
  ['no name', { node: '' }, /^node /],
  ['no day', { date: '2026-02-30' }, /^date: /],
  ['no hour', { hourEnding: 0 }, /^hourEnding: /],
])('a row with %s is rejected with what can be decoded by itself, and the others are read', (_, fields, reason) => {
  const { facts, rejects } = decoded([
    { ...ROW, ...fields },
    { ...ROW, node: 'SOUTH' },
  ]);
  expect(facts).toMatchObject([{ node: 'PJM:SOUTH' }]);
  expect(rejects).toMatchObject([{ reason: expect.stringMatching(reason) }]);
  const [raw] = rejects.map((reject) => reject.raw);
  expect(decodeTemplateLmp({ bytes: raw ?? Buffer.of(), name: 'x' })).toMatchObject({ facts: [], rejects: [{}] });
});

test('an answer without prices is no data', () => {
  expect(() => decoded([])).toThrow(expect.objectContaining({ code: 'NO_DATA' }));
});

test.each([
  ['half of an answer', '{"report":"day-ahead","prices":[{"no', /cut off/],
  ['a page', '<html><body>Maintenance</body></html>', /a page/],
  ['another report', '{"report":"load","prices":[]}', /no report and prices/],
])('%s is malformed', (_, text, message) => {
  expect(() => decodeTemplateLmp({ bytes: Buffer.from(text), name: 'day-ahead' })).toThrow(
    expect.objectContaining({ code: 'MALFORMED', message: expect.stringMatching(message) }),
  );
});
