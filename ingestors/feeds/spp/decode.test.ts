import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBusbarError } from '../../../domain/errors.ts';
import { isoFromInstant } from '../../../domain/instant.ts';
import { checkIdentity, type LmpFact } from '../../../domain/lmp.ts';
import { RECORDED_DATA, requireOrSkip } from '../../../tests/support/services.ts';
import { csvOf, fileCalled } from '../../stand-ins/spp-files.ts';
import { decodeSppLmp } from './decode.ts';

const DA = 'DA-LMP-SL-202604120100.csv';
const RT = 'rtbm-lmp-by-location';
const HEADER = 'Interval,GMTIntervalEnd,BAA,Settlement Location,Pnode,LMP,MLC,MCC,MEC';
const HE1 = '04/12/2026 01:00:00,04/12/2026 06:00:00';
const DAY = `${HEADER}
${HE1},SPP,NORTH_HUB,NORTH_H,-15.5,0.25,-3.5,-12.25
${HE1},SWPW,AVA,AVA,20.5,-0.5,0.0625,20.9375
04/12/2026 02:00:00,04/12/2026 07:00:00,SPP,NORTH_HUB,NORTH_H,7,0.5,-1.5,8
`;
const NORTH = { startAt: Date.parse('2026-04-12T05:00Z'), endAt: Date.parse('2026-04-12T06:00Z') };

describe('a day-ahead file', () => {
  test('is a fact a row, its hour ending at GMTIntervalEnd, negative prices as they are', async () => {
    expect(await decode(DAY)).toEqual({
      facts: [
        fact('SPP:NORTH_HUB', '2026-04-12T05:00Z', 60, [-15.5, -12.25, -3.5, 0.25]),
        fact('SPP:SWPW/AVA', '2026-04-12T05:00Z', 60, [20.5, 20.9375, 0.0625, -0.5]),
        fact('SPP:NORTH_HUB', '2026-04-12T06:00Z', 60, [7, 8, -1.5, 0.5]),
      ],
      rejects: [],
    });
  });

  test('is read by the names of its columns, whatever their order, case, blanks, underscores and line ends', async () => {
    const rows = DAY.trimEnd().split('\n').slice(1);
    const drifted = rows.map((row) => row.split(',').reverse().join(', '));
    const text = `\uFEFFMEC, mcc ,MLC,LMP,PNODE, settlement_location,BAA,GMT_INTERVAL_END,INTERVAL\r\n${drifted.join('\r\n')}\r\n`;
    expect((await decode(text)).facts).toEqual((await decode(DAY)).facts);
  });

  test('has times with and without seconds and leading zeros', async () => {
    const text = `${HEADER}\n6/1/2026 01:00,6/1/2026 06:00,SPP,A,A,1,0,0,1\n`;
    expect((await decode(text)).facts).toEqual([fact('SPP:A', '2026-06-01T05:00Z', 60, [1, 1, 0, 0])]);
  });

  test('without BAA, from before the western market, is eastern', async () => {
    const text =
      'Interval,GMTIntervalEnd,Settlement Location,Pnode,LMP,MLC,MCC,MEC\n01/15/2025 01:00:00,01/15/2025 07:00:00,A,A,1,0,0,1\n';
    expect((await decode(text)).facts).toEqual([fact('SPP:A', '2025-01-15T06:00Z', 60, [1, 1, 0, 0])]);
  });
});

describe('the two markets', () => {
  test('do not clash where a location has the same name in both', async () => {
    const { facts, rejects } = await decode(`${HEADER}\n${HE1},SPP,A,A,1,0,0,1\n${HE1},SWPW,A,A,2,0,0,2\n`);
    expect(facts.map(({ node, lmp }) => [node, lmp])).toEqual([
      ['SPP:A', 1],
      ['SPP:SWPW/A', 2],
    ]);
    expect(rejects).toEqual([]);
  });

  test.each([
    ['MISSING_FIELD', ',A'],
    ['BAD_VALUE', 'ERCO,A'],
    ['BAD_VALUE', 'SPP,SWPW/A'],
  ])('leave a row %s that is of neither, or looks like one of the other: %s', async (code, row) => {
    const { facts, rejects } = await decode(`${HEADER}\n${HE1},${row},A,1,0,0,1\n`);
    expect([facts, rejects.map((reject) => reject.code)]).toEqual([[], [code]]);
  });
});

describe('a real-time file', () => {
  const five = (end: string, gmt: string) => `${HEADER}\n${end},${gmt},SPP,A,A,1.5,0,0.5,1\n`;

  test('is a fact a row of five minutes', async () => {
    const { facts } = await decode(five('06/01/2026 00:00:00', '06/01/2026 05:00:00'), RT);
    expect(facts).toEqual([{ ...fact('SPP:A', '2026-06-01T04:55Z', 5, [1.5, 1, 0.5, 0]), run: 'REAL_TIME_5_MIN' }]);
  });

  test('may come with others one after the other, each read by its own header', async () => {
    const second = `LMP,MEC,MCC,MLC,BAA,SETTLEMENT_LOCATION,PNODE,INTERVAL,GMTINTERVALEND
2,1.5,0.25,0.25,SPP,A,A,6/1/2026 00:10,6/1/2026 05:10
`;
    const first = five('06/01/2026 00:05:00', '06/01/2026 05:05:00');
    for (const between of ['\n', '', '\r\n\n']) {
      for (const written of [first, first.replaceAll('\n', '\r\n')]) {
        const { facts, rejects } = await decode(`${written}${between}${second}`, RT);
        expect(rejects).toEqual([]);
        expect(facts.map(({ lmp, startAt }) => [lmp, isoFromInstant(startAt)])).toEqual([
          [1.5, '2026-06-01T05:00:00.000Z'],
          [2, '2026-06-01T05:05:00.000Z'],
        ]);
      }
    }
  });

  test('that cannot be read is a reject and leaves the others alone', async () => {
    const broken =
      'Interval,GMTIntervalEnd,BAA,Location,Pnode,LMP,MLC,MCC,MEC\n06/01/2026 00:10:00,x,SPP,A,A,9,0,0,9\n';
    const whole = five('06/01/2026 00:05:00', '06/01/2026 05:05:00');
    const { facts, rejects } = await decode(`${broken}\n${whole}`, RT);
    expect(facts.map(({ lmp }) => lmp)).toEqual([1.5]);
    expect(rejects).toMatchObject([{ code: 'NOT_THE_FORMAT', raw: Buffer.from(broken) }]);
  });

  test('of a whole day has other names for its columns', async () => {
    const text =
      'Interval,GMT_Interval,BAA,Settlement Location Name,PNODE Name,LMP,MLC,MCC,MEC\n3/20/2026 0:05,3/20/2026 5:05,SPP,A,A,1,0,0,1\n';
    const { facts } = await decode(text, 'RTBM-LMP-DAILY-SL-20260320.csv');
    expect(facts.map(({ run, startAt }) => [run, isoFromInstant(startAt)])).toEqual([
      ['REAL_TIME_5_MIN', '2026-03-20T05:00:00.000Z'],
    ]);
  });
});

describe('days on which clocks are set', () => {
  const LOCATIONS = [
    { name: 'A', area: 'SPP' },
    { name: 'B', area: 'SWPW' },
  ] as const;

  test.each([
    ['23 hours in spring', '2026/03', '20260308', '2026-03-08T06:00Z', 23, 'end'],
    ['23 hours in spring', '2026/03', '20260308', '2026-03-08T06:00Z', 23, 'start'],
    ['25 hours in autumn', '2026/11', '20261101', '2026-11-01T05:00Z', 25, 'end'],
    ['25 hours in autumn', '2026/11', '20261101', '2026-11-01T05:00Z', 25, 'start'],
  ] as const)('have %s, in order, whatever the %s/%s labels say', async (_, folder, date, begin, hours, naming) => {
    const path = `/${folder}/By_Day/DA-LMP-SL-${date}0100.csv`;
    const file = fileCalled('da-lmp-by-settlement-location', path, naming);
    if (!file) throw new Error(path);
    const { facts, rejects } = await decode(csvOf(file, LOCATIONS, 1, { areas: true, drifted: false, naming }));
    expect(rejects).toEqual([]);
    const east = facts.filter(({ node }) => node === 'SPP:A').map(({ startAt }) => startAt);
    expect(east).toEqual(Array.from({ length: hours }, (__, hour) => Date.parse(begin) + hour * 3_600_000));
    expect(facts).toHaveLength(2 * hours);
    expect(new Set(facts.map(({ node, startAt }) => `${node} ${startAt}`)).size).toBe(2 * hours);
  });

  const blank = async (label: string) => decode(`${HEADER}\n${label},,SPP,A,A,1,0,0,1\n`);

  test('without GMTIntervalEnd an hour that can be only one is placed, and one of autumn that comes twice is not', async () => {
    const begin = async (label: string) => (await blank(label)).facts.map(({ startAt }) => isoFromInstant(startAt));
    expect(await begin('04/12/2026 01:00:00')).toEqual(['2026-04-12T05:00:00.000Z']);
    expect(await begin('11/01/2026 03:00:00')).toEqual(['2026-11-01T08:00:00.000Z']);
    for (const label of ['11/01/2026 01:00:00', '11/01/2026 02:00:00']) {
      expect(await blank(label)).toMatchObject({ facts: [], rejects: [{ code: 'AMBIGUOUS_TIME' }] });
    }
  });

  test('without GMTIntervalEnd the hour that spring leaves out is placed by either of its names', async () => {
    for (const label of ['03/08/2026 02:00:00', '03/08/2026 03:00:00']) {
      const { facts } = await blank(label);
      expect(facts.map(({ startAt }) => isoFromInstant(startAt))).toEqual(['2026-03-08T07:00:00.000Z']);
    }
  });
});

describe('a row is rejected, with itself as a CSV that can be decoded again,', () => {
  const good = `${HE1},SPP,GOOD,G,1,0,0,1`;

  test.each([
    ['MISSING_FIELD', `${HE1},SPP,A,A,,0,0,1`],
    ['MISSING_FIELD', `${HE1},SPP,,A,1,0,0,1`],
    ['MISSING_FIELD', ',,SPP,A,A,1,0,0,1'],
    ['BAD_VALUE', `${HE1},SPP,A,A,n/a,0,0,1`],
    ['BAD_VALUE', `${HE1},SPP,A,A,1,0,0,1e999`],
    ['BAD_VALUE', `${HE1},SPP,A,A,0x10,0,0,1`],
    ['NOT_THE_FORMAT', `${HE1},SPP,A,A,1,0,0`],
    ['BAD_TIME', '04/12/2026 01:00:00,2026-04-12T06:00:00Z,SPP,A,A,1,0,0,1'],
    ['BAD_TIME', '04/31/2026 01:00:00,04/31/2026 06:00:00,SPP,A,A,1,0,0,1'],
    ['BAD_TIME', '04/12/2026 01:05:00,04/12/2026 06:05:00,SPP,A,A,1,0,0,1'],
    ['BAD_TIME', '04/12/2026 01:00:00,04/12/2026 07:00:00,SPP,A,A,1,0,0,1'],
  ])('%s: %s', async (code, row) => {
    const { facts, rejects } = await decode(`${HEADER}\n${row}\n${good}\n`);
    expect(facts.map(({ node }) => node)).toEqual(['SPP:GOOD']);
    expect(rejects).toMatchObject([{ code, raw: Buffer.from(`${HEADER}\n${row}\n`) }]);
    expect((await decode(rejects[0]?.raw.toString() ?? '')).rejects).toEqual(rejects);
  });

  test('where two rows of a location and hour differ; two that are the same are one fact', async () => {
    const { facts, rejects } = await decode(
      `${HEADER}\n${good}\n${good}\n${HE1},SPP,A,A,1,0,0,1\n${HE1},SPP,A,A,2,0,0,2\n`,
    );
    expect(facts.map(({ node }) => node)).toEqual(['SPP:GOOD']);
    expect(rejects).toMatchObject([{ code: 'BAD_VALUE', reason: expect.stringContaining('differ') }]);
    expect((await decode(rejects[0]?.raw.toString() ?? '')).rejects).toEqual(rejects);
  });
});

test('a blank component is null, never 0', async () => {
  const { facts } = await decode(`${HEADER}\n${HE1},SPP,A,A,1,, ,0\n`);
  expect(facts).toEqual([fact('SPP:A', '2026-04-12T05:00Z', 60, [1, 0, null, null])]);
});

describe('a file that is cut off', () => {
  const inOtherOrder = DAY.trimEnd()
    .split('\n')
    .map((line) => line.split(','))
    .map(([label, gmt, area, location, pnode, ...prices]) => [...prices, gmt, label, pnode, area, location].join())
    .join('\n');

  test.each([
    ['its own order', DAY],
    ['another order', `${inOtherOrder}\n`],
  ])('gives no price that is not in the whole file, its columns in %s', async (_, text) => {
    const whole = await decode(text);
    expect(whole.facts).toHaveLength(3);
    for (let length = 0; length < text.length; length += 1) {
      const { facts } = await decode(text.slice(0, length)).catch(() => ({ facts: [] }));
      expect(whole.facts).toEqual(expect.arrayContaining([...facts]));
    }
  });

  test('and followed by another one is found out likewise', async () => {
    const cut = DAY.trimEnd().replace(/,8$/, ',18').slice(0, -1);
    const next = `${HEADER}\n04/12/2026 03:00:00,04/12/2026 08:00:00,SPP,A,A,1,0,0,1\n`;
    const { facts, rejects } = await decode(`${cut}\n${next}`);
    expect(facts).toHaveLength(3);
    expect(rejects).toMatchObject([{ code: 'NOT_THE_FORMAT', reason: expect.stringContaining('cut off') }]);
  });

  test('only behind its last line is whole', async () => {
    expect((await decode(DAY.trimEnd())).facts).toHaveLength(3);
  });
});

describe('an answer that is no file', () => {
  test.each([
    ['NO_DATA', ''],
    ['NO_DATA', '\uFEFF \n'],
    ['NO_DATA', `${HEADER}\n`],
    ['NO_DATA', `${HEADER}\n\n${HEADER}\n`],
    ['SOURCE_FAILED', '<!DOCTYPE html><html><body>Service unavailable</body></html>'],
    ['SOURCE_FAILED', '{"status":500}'],
    ['MALFORMED', 'nothing of the kind'],
    ['MALFORMED', 'Interval,GMTIntervalEnd,BAA,Settlement Location,Pnode,LMP,MLC,MCC\n'],
    ['MALFORMED', 'Interval,GMTIntervalEnd,BAA,Pnode,LMP,MLC,MCC,MEC\n'],
    ['MALFORMED', 'Settlement Location,Pnode,LMP,MLC,MCC,MEC\n'],
    ['MALFORMED', `${HEADER},LMP\n${HE1},SPP,A,A,1,0,0,1,2\n`],
  ])('is %s: %s', async (code, text) => {
    await expect(decode(text)).rejects.toMatchObject({ code });
  });

  test('is MALFORMED where it is not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from(DAY), Buffer.from([0xff, 0xfe])]);
    await expect(decodeSppLmp({ bytes, name: DA })).rejects.toMatchObject({ code: 'MALFORMED' });
  });

  test('or is damaged anywhere is an error with a name, or facts and rejects', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(DAY.length - 1), fc.integer({ min: 0, max: 255 }), async (at, byte) => {
        const bytes = Buffer.from(DAY);
        bytes.writeUInt8(byte, at);
        const failed = await decodeSppLmp({ bytes, name: DA }).catch((error: unknown) => error);
        expect(isBusbarError(failed) || (typeof failed === 'object' && failed !== null && 'facts' in failed)).toBe(
          true,
        );
      }),
    );
  });
});

describe('the report', () => {
  const hourly = (hours: readonly string[]) =>
    `${HEADER}\n${hours.map((hour) => `,04/12/2026 ${hour}:00,SPP,A,A,1,0,0,1\n`).join('')}`;

  test.each([
    ['DA-LMP-SL-202604120100.csv', ['06:00'], 'DAY_AHEAD_HOURLY'],
    ['da-lmp-by-settlement-location', ['06:00'], 'DAY_AHEAD_HOURLY'],
    ['RTBM-LMP-SL-202604120100.csv', ['06:00'], 'REAL_TIME_5_MIN'],
    ['RTBM-LMP-SL-latestInterval.csv', ['06:00'], 'REAL_TIME_5_MIN'],
    ['prices.csv', ['06:00', '07:00'], 'DAY_AHEAD_HOURLY'],
    ['prices.csv', ['06:00', '06:05'], 'REAL_TIME_5_MIN'],
  ])('is told by the name, or else by the times: %s %s', async (name, hours, run) => {
    const { facts } = await decode(hourly(hours), name);
    expect(facts.map((each) => each.run)).toEqual(hours.map(() => run));
  });

  test.each([
    'prices.csv',
    'WEIS-RTBM-LMP-SL-202504120100.csv',
    'DA-LMP-B-202604120100.csv',
    'RTBM-LMP-DAILY-BUS-20260412.csv',
  ])('that is unknown or another is malformed: %s', async (name) => {
    await expect(decode(hourly(['06:00']), name)).rejects.toMatchObject({ code: 'MALFORMED' });
  });
});

test('a file of many rows lets others run meanwhile', async () => {
  const rows = Array.from({ length: 3_000 }, (_, i) => `${HE1},SPP,N${i},P,1,0,0,1\n`).join('');
  let turns = 0;
  let done = false;
  const turn = () => {
    turns += 1;
    if (!done) setImmediate(turn);
  };
  turn();
  expect((await decode(`${HEADER}\n${rows}`)).facts).toHaveLength(3_000);
  done = true;
  expect(turns).toBeGreaterThanOrEqual(6);
});

describe.skipIf(!requireOrSkip('recorded-data'))('a recorded file', () => {
  test('has the values of its rows, all of them sums, and the hours that GMTIntervalEnd says', async () => {
    const bytes = readFileSync(join(RECORDED_DATA, 'spp/DA-LMP-SL-202604120100_reduced_negative_day.csv'));
    const { facts, rejects } = await decodeSppLmp({ bytes, name: DA });
    const rows = bytes
      .toString()
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));
    expect(rejects).toEqual([]);
    expect(facts).toEqual(
      rows.map(([, gmt = '', area, name, , lmp, mlc, mcc, mec]) => ({
        node: area === 'SWPW' ? `SPP:SWPW/${name}` : `SPP:${name}`,
        run: 'DAY_AHEAD_HOURLY',
        startAt: Date.parse(`${gmt} GMT`) - 3_600_000,
        endAt: Date.parse(`${gmt} GMT`),
        lmp: Number(lmp),
        energy: Number(mec),
        congestion: Number(mcc),
        loss: Number(mlc),
        ghg: null,
      })),
    );
    expect(facts.flatMap(checkIdentity)).toEqual([]);
    expect(facts.filter(({ lmp }) => lmp < 0)).toHaveLength(36);
    expect(facts[0]).toMatchObject(NORTH);
  });
});

async function decode(text: string, name = DA) {
  const { facts, rejects } = await decodeSppLmp({ bytes: Buffer.from(text), name });
  return { facts, rejects };
}

type Parts = readonly [lmp: number, energy: number | null, congestion: number | null, loss: number | null];

function fact(node: string, start: string, minutes: number, [lmp, energy, congestion, loss]: Parts): LmpFact {
  const startAt = Date.parse(start);
  const endAt = startAt + minutes * 60_000;
  return {
    node: node as LmpFact['node'],
    run: 'DAY_AHEAD_HOURLY',
    startAt,
    endAt,
    lmp,
    energy,
    congestion,
    loss,
    ghg: null,
  };
}
