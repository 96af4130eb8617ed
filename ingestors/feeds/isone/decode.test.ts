import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import { checkIdentity } from '../../../domain/lmp.ts';
import { RECORDED_DATA, requireOrSkip } from '../../../tests/support/services.ts';
import { decodeIsoneLmp } from './decode.ts';

const HUB = { '@LocId': '4000', '@LocType': 'HUB', $: '.H.INTERNAL_HUB' };
const MAINE = { '@LocId': '4001', '@LocType': 'LOAD ZONE', $: '.Z.MAINE' };

/** A row as the web services write it; the prices are of one that somebody published. */
const ROW = {
  BeginDate: '2024-01-01T08:00:00.000-05:00',
  Location: HUB,
  LmpTotal: 24.46,
  EnergyComponent: 24.63,
  CongestionComponent: 0,
  LossComponent: -0.17,
};

const hourly = (rows: unknown) => JSON.stringify({ HourlyLmps: { HourlyLmp: rows } });
const decode = async (text: string | Buffer, name = 'hourlylmp-da-final') => {
  const { facts, rejects } = await decodeIsoneLmp({ bytes: Buffer.from(text), name });
  return { facts, rejects };
};
const startsOf = async (text: string) => (await decode(text)).facts.map(({ startAt }) => startAt);
const codeOf = async (row: unknown) => {
  const { facts, rejects } = await decode(hourly([row]));
  expect(facts).toEqual([]);
  return rejects.map(({ code }) => code);
};

describe('a row', () => {
  test('is a price of the interval that begins then, under the name of its location', async () => {
    expect(await decode(hourly([ROW]))).toEqual({
      rejects: [],
      facts: [
        {
          node: 'ISONE:.H.INTERNAL_HUB',
          run: 'DAY_AHEAD_HOURLY',
          startAt: Date.parse('2024-01-01T13:00Z'),
          endAt: Date.parse('2024-01-01T14:00Z'),
          lmp: 24.46,
          energy: 24.63,
          congestion: 0,
          loss: -0.17,
          ghg: null,
        },
      ],
    });
  });

  test.each([
    ['hourlylmp-da-final', 'HourlyLmp', 'DAY_AHEAD_HOURLY', 60, undefined],
    ['hourlylmp-rt-prelim', 'HourlyLmp', 'REAL_TIME_HOURLY', 60, true],
    ['hourlylmp-rt-final', 'HourlyLmp', 'REAL_TIME_HOURLY', 60, undefined],
    ['fiveminutelmp-prelim', 'FiveMinLmp', 'REAL_TIME_5_MIN', 5, true],
    ['fiveminutelmp-final', 'FiveMinLmp', 'REAL_TIME_5_MIN', 5, undefined],
  ])('of %s is of its run and length, preliminary or final', async (name, key, run, minutes, preliminary) => {
    const { facts } = await decode(JSON.stringify({ [`${key}s`]: { [key]: [ROW] } }), name);
    expect(facts.map((fact) => [fact.run, (fact.endAt - fact.startAt) / MINUTE_MS, fact.preliminary])).toEqual([
      [run, minutes, preliminary],
    ]);
  });

  test.each([
    'hourlylmp_rt_prelim_20241103.json',
    'my hourlylmp.rt.prelim.json',
    'HourlyLmp-RT-Prelim',
    'hourlylmp_rt_20241103_loc4001_prelim_dst_fallback.json',
    'api/v1.1/hourlylmp/rt/prelim/day/20241103',
  ])('of a file "%s" is of the report that the name tells', async (name) => {
    expect((await decode(hourly(ROW), name)).facts).toMatchObject([{ run: 'REAL_TIME_HOURLY', preliminary: true }]);
  });

  test('may be negative, and keeps its signs', async () => {
    const row = { ...ROW, LmpTotal: -12.5, EnergyComponent: -10, CongestionComponent: -2.5, LossComponent: 0 };
    const [fact] = (await decode(hourly([row]))).facts;
    expect(fact).toMatchObject({ lmp: -12.5, energy: -10, congestion: -2.5, loss: 0 });
    expect(fact && checkIdentity(fact)).toEqual([]);
  });

  test('whose sum is a cent off stays as it is and is flagged', async () => {
    const [fact] = (await decode(hourly([{ ...ROW, LmpTotal: 24.47 }]))).facts;
    expect(fact).toMatchObject({ lmp: 24.47, energy: 24.63, congestion: 0, loss: -0.17 });
    expect(fact && checkIdentity(fact)).toEqual(['IDENTITY_BREACH']);
  });

  test.each([
    [null, null],
    ['', null],
    [0, 0],
    ['-1.25', -1.25],
  ])('with %j as a component has %j: blank is not 0', async (written, read) => {
    expect((await decode(hourly([{ ...ROW, LossComponent: written }]))).facts).toMatchObject([{ loss: read }]);
  });

  test('without a component has none', async () => {
    const { LossComponent: _, ...row } = ROW;
    expect((await decode(hourly([row]))).facts).toMatchObject([{ loss: null }]);
  });

  test('that is not on the grid is kept where it is', async () => {
    const row = { ...ROW, BeginDate: '2024-01-01T08:05:02.000-05:00' };
    const { facts } = await decode(JSON.stringify({ FiveMinLmps: { FiveMinLmp: row } }), 'fiveminutelmp-prelim');
    expect(facts.map(({ startAt }) => isoFromInstant(startAt))).toEqual(['2024-01-01T13:05:02.000Z']);
  });
});

describe('one thing stands for a list of one', () => {
  test.each([
    ['the row', { HourlyLmps: { HourlyLmp: ROW } }],
    ['the row in its list', { HourlyLmps: { HourlyLmp: [ROW] } }],
    ['a list around the inner object', { HourlyLmps: [{ HourlyLmp: ROW }] }],
    ['a list around all', [{ HourlyLmps: { HourlyLmp: [ROW] } }]],
    ['a list around the location', { HourlyLmps: { HourlyLmp: { ...ROW, Location: [HUB] } } }],
    ['no outer key, as for what is current', { HourlyLmp: [ROW] }],
  ])('%s', async (_, document) => {
    const { facts, rejects } = await decode(JSON.stringify(document));
    expect(rejects).toEqual([]);
    expect(facts.map(({ node, lmp }) => [node, lmp])).toEqual([['ISONE:.H.INTERNAL_HUB', 24.46]]);
  });
});

describe('days on which clocks change', () => {
  const dayOf = (labels: readonly string[]) => hourly(labels.map((BeginDate) => ({ ...ROW, BeginDate })));
  const label = (date: string, hour: number, offset: string) =>
    `${date}T${String(hour).padStart(2, '0')}:00:00.000${offset}`;

  test('have 25 hours in autumn, in order and each its own', async () => {
    const summer = [0, 1].map((hour) => label('2024-11-03', hour, '-04:00'));
    const winter = Array.from({ length: 23 }, (_, i) => label('2024-11-03', i + 1, '-05:00'));
    expect(await startsOf(dayOf([...summer, ...winter].reverse()))).toEqual(
      Array.from({ length: 25 }, (_, i) => Date.parse('2024-11-03T04:00Z') + i * HOUR_MS),
    );
  });

  test('have 23 hours in spring', async () => {
    const winter = [0, 1].map((hour) => label('2024-03-10', hour, '-05:00'));
    const summer = Array.from({ length: 21 }, (_, i) => label('2024-03-10', i + 3, '-04:00'));
    expect(await startsOf(dayOf([...winter, ...summer]))).toEqual(
      Array.from({ length: 23 }, (_, i) => Date.parse('2024-03-10T05:00Z') + i * HOUR_MS),
    );
  });

  test.each([
    ['no offset', '2024-11-03T01:00:00.000', 'AMBIGUOUS_TIME'],
    ['the offset of another season', '2024-07-01T01:00:00.000-05:00', 'BAD_TIME'],
    ['an hour that clocks leave out', '2024-03-10T02:00:00.000-05:00', 'BAD_TIME'],
    ['another zone', '2024-07-01T01:00:00.000Z', 'BAD_TIME'],
    ['a day that there is not', '2024-02-30T01:00:00.000-05:00', 'BAD_TIME'],
    ['no time', 'today', 'BAD_TIME'],
    ['nothing', '', 'MISSING_FIELD'],
    ['a number', 20_241_103, 'MISSING_FIELD'],
  ])('a row with %s is rejected', async (_, BeginDate, code) => {
    expect(await codeOf({ ...ROW, BeginDate })).toEqual([code]);
  });
});

describe('what cannot be a price is rejected alone', () => {
  test.each([
    ['a blank price', { LmpTotal: '' }, 'MISSING_FIELD'],
    ['no price', { LmpTotal: null }, 'MISSING_FIELD'],
    ['a price in words', { LmpTotal: 'N/A' }, 'BAD_VALUE'],
    ['a price in hexadecimal', { LmpTotal: '0x10' }, 'BAD_VALUE'],
    ['a component in words', { LossComponent: 'none' }, 'BAD_VALUE'],
    ['a component that is a list', { EnergyComponent: [1] }, 'BAD_VALUE'],
    ['no location', { Location: '' }, 'MISSING_FIELD'],
    ['a location without a name', { Location: { '@LocId': '4000' } }, 'MISSING_FIELD'],
    ['two locations', { Location: [HUB, MAINE] }, 'MISSING_FIELD'],
  ])('%s', async (_, change, code) => {
    expect(await codeOf({ ...ROW, ...change })).toEqual([code]);
  });

  test('a row that is no object', async () => {
    expect(await codeOf('24.46')).toEqual(['NOT_THE_FORMAT']);
  });

  test('a component under another name', async () => {
    const { LossComponent, ...row } = ROW;
    const { facts, rejects } = await decode(hourly([{ ...row, MarginalLossComponent: LossComponent }, ROW]));
    expect(facts).toHaveLength(1);
    expect(rejects).toMatchObject([{ code: 'NOT_THE_FORMAT', reason: 'no LossComponent, but MarginalLossComponent' }]);
  });

  test('a new field beside all the known ones is none of our business', async () => {
    expect((await decode(hourly([{ ...ROW, Flag: 'N' }]))).facts).toHaveLength(1);
  });

  test('its raw bytes are an answer that can be decoded again by itself', async () => {
    const { facts, rejects } = await decode(
      hourly([
        { ...ROW, LmpTotal: null },
        { ...ROW, Location: MAINE },
      ]),
    );
    expect(facts.map(({ node }) => node)).toEqual(['ISONE:.Z.MAINE']);
    const again = await decode(rejects[0]?.raw ?? '');
    expect(again).toEqual({ facts: [], rejects });
  });

  test('1e999, which JSON can say and no number is', async () => {
    const { rejects } = await decode(hourly([ROW]).replace('24.46', '1e999'));
    expect(rejects).toMatchObject([{ code: 'BAD_VALUE' }]);
  });
});

describe('a row that comes twice', () => {
  test('and says the same is one price', async () => {
    expect((await decode(hourly([ROW, ROW]))).facts).toHaveLength(1);
  });

  test('and says two things is none, and nor are the others touched', async () => {
    const other = { ...ROW, LmpTotal: 25.46, EnergyComponent: 25.63 };
    const { facts, rejects } = await decode(hourly([ROW, other, { ...ROW, Location: MAINE }]));
    expect(facts.map(({ node }) => node)).toEqual(['ISONE:.Z.MAINE']);
    expect(rejects.map(({ code, raw }) => [code, raw.toString()])).toEqual([['BAD_VALUE', hourly([ROW, other])]]);
  });
});

describe('an answer without rows is no data', () => {
  test.each([
    '{"HourlyLmps":""}',
    '{"HourlyLmps":null}',
    '{"HourlyLmps":{}}',
    '{"HourlyLmps":[]}',
    '{"HourlyLmps":{"HourlyLmp":""}}',
    '{"HourlyLmps":{"HourlyLmp":[]}}',
    '{"HourlyLmp":null}',
    'null',
    '""',
  ])('%s', async (text) => {
    await expect(decode(text)).rejects.toMatchObject({ code: 'NO_DATA' });
  });
});

describe('what is no answer is refused whole', () => {
  test.each([
    ['an empty body', '', 'MALFORMED'],
    ['half an answer', hourly([ROW]).slice(0, 80), 'MALFORMED'],
    ['bytes that are no text', Buffer.from(hourly([ROW]).replace('HUB', '\u00ff'), 'latin1'), 'MALFORMED'],
    ['XML', '<?xml version="1.0"?><HourlyLmps xmlns="http://WEBSERV.iso-ne.com"/>', 'MALFORMED'],
    ['another report', '{"HourlySystemLoads":{"HourlySystemLoad":[]}}', 'MALFORMED'],
    ['five-minute prices under the name of hourly ones', '{"FiveMinLmps":{"FiveMinLmp":[]}}', 'MALFORMED'],
    ['other keys inside', '{"HourlyLmps":{"Lmp":[]}}', 'MALFORMED'],
    ['an error in JSON', '{"message":"Internal Server Error"}', 'MALFORMED'],
    ['a number', '42', 'MALFORMED'],
    ['a page of maintenance', '<!DOCTYPE html><html><body>Scheduled Maintenance</body></html>', 'SOURCE_FAILED'],
    ['a page that knows no such user', '<html><h1>HTTP Status 401 - Unauthorized</h1></html>', 'SOURCE_REFUSED'],
  ])('%s', async (_, text, code) => {
    await expect(decode(text)).rejects.toMatchObject({ code });
  });

  test.each([
    '4000.json',
    'hourlylmp.json',
    'hourlylmp_da_20241103.json',
    'hourlylmp-rt-final hourlylmp-rt-prelim',
    'hourlylmp-da-final hourlylmp-rt-final',
  ])('a file "%s", whose name does not tell the report', async (name) => {
    await expect(decode(hourly([ROW]), name)).rejects.toMatchObject({
      code: 'MALFORMED',
      message: expect.stringContaining('hourlylmp-da-final'),
    });
  });

  test('cut off anywhere, it never becomes a price', async () => {
    const whole = hourly([ROW, { ...ROW, Location: MAINE }]);
    for (let length = 0; length < whole.length; length += 1) {
      await expect(decode(whole.slice(0, length))).rejects.toMatchObject({ code: 'MALFORMED' });
    }
  });
});

/** No LMP has been recorded: these are other reports of the same services, with the load where the price would be. */
describe.skipIf(!requireOrSkip('recorded-data'))('recorded days on which clocks change', () => {
  test.each([
    ['dayaheadhourlydemand_20241103_loc4001_dst_fallback.json', '2024-11-03T04:00Z', 25, '.Z.MAINE'],
    ['hourlysysload_20241103_dst_fallback.json', '2024-11-03T04:00Z', 25, 'NEPOOL AREA'],
    ['realtimehourlydemand_20240310_loc4001_dst_spring.json', '2024-03-10T05:00Z', 23, '.Z.MAINE'],
    ['hourlysysload_20240310_dst_spring.json', '2024-03-10T05:00Z', 23, 'NEPOOL AREA'],
  ])('%s', async (file, first, hours, name) => {
    const recorded = readFileSync(join(RECORDED_DATA, 'isone', file), 'utf8');
    const asPrices = recorded
      .replace(/^\{"\w+":\{"\w+":/, '{"HourlyLmps":{"HourlyLmp":')
      .replaceAll(/"Load":([\d.]+)[^}]*/g, '"LmpTotal":$1');
    const loads = [...recorded.matchAll(/"Load":([\d.]+)/g)].map(([, load]) => Number(load));
    const { facts, rejects } = await decode(asPrices);
    expect(rejects).toEqual([]);
    expect(facts.map(({ node, startAt, lmp }) => [node, startAt, lmp])).toEqual(
      Array.from({ length: hours }, (_, i) => [`ISONE:${name}`, Date.parse(first) + i * HOUR_MS, loads[i]]),
    );
  });

  test('a report of another kind is refused', async () => {
    const file = 'genfuelmix_20241103_dst_fallback.json';
    const bytes = readFileSync(join(RECORDED_DATA, 'isone', file));
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'MALFORMED' });
  });
});
