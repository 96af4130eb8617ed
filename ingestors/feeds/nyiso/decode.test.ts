import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, test } from 'vitest';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import { checkIdentity, type LmpFact } from '../../../domain/lmp.ts';
import { localNameOf } from '../../../domain/market.ts';
import { RECORDED_DATA, requireOrSkip } from '../../../tests/support/services.ts';
import { nyisoFile, simulatedNyisoPrices } from '../../stand-ins/nyiso-files.ts';
import { zipOf } from '../../stand-ins/zip-writer.ts';
import { decodeLbmp } from './decode.ts';

const HEADER =
  '"Time Stamp","Name","PTID","LBMP ($/MWHr)","Marginal Cost Losses ($/MWHr)","Marginal Cost Congestion ($/MWHr)"';
const RT = (stamp: string, prices = '21.53,1.69,0.00', name = 'CAPITL') => `"${stamp}","${name}",61757,${prices}`;
const DA = (stamp: string, prices = '21.53,1.69,0.00', name = 'CAPITL') => `${stamp},${name},61757,${prices}`;

describe('the reports', () => {
  test('damlbmp is the day-ahead run: hours by their beginning, congestion with its sign flipped, energy derived', async () => {
    const text = file(
      DA('07/03/2024 00:00', '119.75,5.86,-43.14'),
      DA('07/03/2024 01:00', '-4.25,-0.40,12.10', 'HUD VL'),
    );
    expect(await decode(text.replaceAll('"', ''), 'damlbmp_zone')).toEqual({
      facts: [
        fact('CAPITL', 'DAY_AHEAD_HOURLY', '2024-07-03T04:00Z', 60, [119.75, 70.75, 43.14, 5.86]),
        fact('HUD VL', 'DAY_AHEAD_HOURLY', '2024-07-03T05:00Z', 60, [-4.25, 8.25, -12.1, -0.4]),
      ],
      rejects: [],
    });
  });

  test('rtlbmp is the hourly real-time run, by the beginning as well', async () => {
    const { facts } = await decode(file(RT('01/03/2024 23:00')), '20240103rtlbmp_gen.csv');
    expect(facts).toEqual([fact('CAPITL', 'REAL_TIME_HOURLY', '2024-01-04T04:00Z', 60, [21.53, 19.84, 0, 1.69])]);
  });

  test('realtime is the 5-minute run by the end: midnight closes the day before', async () => {
    const { facts } = await decode(file(RT('07/03/2024 00:05:00'), RT('07/04/2024 00:00:00')), 'realtime_zone');
    expect(intervals(facts)).toEqual([
      '2024-07-03T04:00:00.000Z 2024-07-03T04:05:00.000Z',
      '2024-07-04T03:55:00.000Z 2024-07-04T04:00:00.000Z',
    ]);
    expect(facts.map(({ run }) => run)).toEqual(['REAL_TIME_5_MIN', 'REAL_TIME_5_MIN']);
  });

  test('LMP is energy + congestion + loss by construction, to the cent and without binary dust', async () => {
    const prices = ['0.10,0.20,0.30', '-21.53,1.69,-77.77', '1999.99,-0.01,-0.00', '0.30,0.10,-0.20'];
    const { facts } = await decode(
      file(...prices.map((each, i) => RT(`07/03/2024 0${i}:05:00`, each))),
      'realtime_zone',
    );
    expect(facts.map(({ energy }) => energy)).toEqual([0.2, -100.99, 2000, 0]);
    expect(facts.map(({ congestion }) => congestion)).toEqual([-0.3, 77.77, 0, 0.2]);
    expect(facts.flatMap(checkIdentity)).toEqual([]);
  });

  test.each([
    ['20240703damlbmp_zone.csv', 'DAY_AHEAD_HOURLY'],
    ['20240703RTLBMP_GEN.CSV', 'REAL_TIME_HOURLY'],
    ['realtime_zone_lbmp.csv', 'REAL_TIME_5_MIN'],
    ['20241103damlbmp_zone_dst_fallback.csv', 'DAY_AHEAD_HOURLY'],
    ['rtlbmp_20241103_gen_reduced.csv', 'REAL_TIME_HOURLY'],
  ])('%s says by its name that it is %s', async (name, run) => {
    expect((await decode(file(RT('07/03/2024 10:00')), name)).facts[0]?.run).toBe(run);
  });

  test.each([
    'prices.csv',
    '20240703hamlbmp_zone.csv',
    '20240703damlbmp_gen_refbus.csv',
    'damlbmp.csv',
    'damlbmp_zone_and_gen.csv',
  ])('%s does not say which report it is, and is refused', async (name) => {
    await expect(decode(file(RT('07/03/2024 10:00')), name)).rejects.toMatchObject({ code: 'MALFORMED' });
  });

  test('a month’s archive is read day by day, each member by its own name', async () => {
    const zip = zipOf([
      {
        name: '20240703realtime_zone.csv',
        bytes: Buffer.from(file(RT('07/03/2024 23:55:00'), RT('07/04/2024 00:00:00'))),
      },
      { name: '20240704realtime_zone.csv', bytes: Buffer.from(file(RT('07/04/2024 00:04:18'))) },
      { name: 'readme.txt', bytes: Buffer.from('hello') },
    ]);
    const { facts } = await decodeLbmp({ bytes: zip, name: '20240701realtime_zone_csv.zip' });
    expect(intervals(facts)).toEqual([
      '2024-07-04T03:50:00.000Z 2024-07-04T03:55:00.000Z',
      '2024-07-04T03:55:00.000Z 2024-07-04T04:00:00.000Z',
      '2024-07-04T04:00:00.000Z 2024-07-04T04:04:18.000Z',
    ]);
  });
});

describe('columns', () => {
  test('are found by name, whatever their order, case, unit and line ends, and one more does no harm', async () => {
    const header =
      '"Scarcity","Marginal Cost Congestion ($/MWH","Name","TIME STAMP","LBMP","Marginal Cost Losses ($/MWHr)"';
    const text = `\uFEFF\r\n${header}\r\n"N",-2.00,"N.Y.C.","07/03/2024 00:05:00",21.85,1.69\r\n`;
    expect((await decode(text, 'realtime_zone')).facts).toEqual([
      fact('N.Y.C.', 'REAL_TIME_5_MIN', '2024-07-03T04:00Z', 5, [21.85, 18.16, 2, 1.69]),
    ]);
  });

  test.each([
    ['is missing', HEADER.replace('LBMP', 'Price')],
    ['comes twice', `${HEADER},"LBMP (again)"`],
  ])('one that is needed and %s makes the file malformed', async (_, header) => {
    const text = file(RT('07/03/2024 00:05:00')).replace(HEADER, header);
    await expect(decode(text, 'realtime_zone')).rejects.toMatchObject({ code: 'MALFORMED' });
  });

  test('a name with a comma in quotes is one field', async () => {
    const { facts } = await decode(file(RT('07/03/2024 00:05:00', '1.00,0.00,0.00', 'ASTORIA, EAST')), 'realtime_gen');
    expect(facts.map(({ node }) => node)).toEqual(['NYISO:ASTORIA, EAST']);
  });
});

describe('the days of the clock changes', () => {
  const days = [
    ['2024-03-10', 23],
    ['2024-11-03', 25],
    ['2024-07-03', 24],
  ] as const;

  test.each(days.flatMap(([day, hours]) => [['damlbmp', day, hours] as const, ['rtlbmp', day, hours] as const]))(
    '%s of %s has %i hours, in order and each with its own price',
    async (report, day, hours) => {
      const facts = await factsOfDay(report, day);
      expect(facts).toHaveLength(2 * hours);
      expectEveryInterval(facts, day, HOUR_MS);
      for (const each of facts) expect(pricesOf(each)).toEqual(simulated(report, each));
    },
  );

  test.each(days)('realtime of %s has %i hours of 5 minutes, and the dispatch out of turn', async (day, hours) => {
    const facts = await factsOfDay('realtime', day);
    expect(facts).toHaveLength(2 * (12 * hours + 1));
    const starts = facts.filter(({ node }) => node === 'NYISO:WEST').map(({ startAt }) => startAt);
    expect(facts.filter(({ node }) => node === 'NYISO:WEST').map(({ endAt }) => endAt)).toEqual([
      ...starts.slice(1),
      midnight(day, 1),
    ]);
    expect(starts[0]).toBe(midnight(day));
    for (const each of facts) expect(pricesOf(each)).toEqual(simulated('realtime', each));
  });

  test('the rows of the repeated hour come stamp after stamp for all zones, and are told apart zone by zone', async () => {
    const stamps = ['00:55', '01:00', '01:05', '01:00', '01:05', '02:00'];
    const lines = stamps.flatMap((time, i) =>
      ['CAPITL', 'WEST'].map((name) => RT(`11/03/2024 ${time}:00`, `${i}.00,0.00,0.00`, name)),
    );
    const { facts } = await decode(file(...lines), 'realtime_zone');
    expect(
      facts.filter(({ node }) => node === 'NYISO:WEST').map(({ lmp, endAt }) => [lmp, isoFromInstant(endAt)]),
    ).toEqual([
      [0, '2024-11-03T04:55:00.000Z'],
      [1, '2024-11-03T05:00:00.000Z'],
      [2, '2024-11-03T05:05:00.000Z'],
      [3, '2024-11-03T06:00:00.000Z'],
      [4, '2024-11-03T06:05:00.000Z'],
      [5, '2024-11-03T07:00:00.000Z'],
    ]);
  });

  test('rows that come each stamp twice are told apart by which of the two comes first', async () => {
    const lines = ['01:00', '01:00', '01:05', '01:05'].map((time, i) =>
      RT(`11/03/2024 ${time}:00`, `${i}.00,0.00,0.00`),
    );
    const { facts } = await decode(file(...lines), 'realtime_zone');
    expect(facts.map(({ lmp, endAt }) => [lmp, isoFromInstant(endAt)])).toEqual([
      [0, '2024-11-03T05:00:00.000Z'],
      [1, '2024-11-03T06:00:00.000Z'],
      [2, '2024-11-03T05:05:00.000Z'],
      [3, '2024-11-03T06:05:00.000Z'],
    ]);
  });

  test('a stamp that only one pass has is placed by the order of the rows', async () => {
    const stamps = ['01:00:00', '01:04:18', '01:05:00', '01:00:00', '01:05:00'];
    const { facts } = await decode(file(...stamps.map((time) => RT(`11/03/2024 ${time}`))), 'realtime_zone');
    expect(intervals(facts).slice(0, 3)).toEqual([
      '2024-11-03T04:55:00.000Z 2024-11-03T05:00:00.000Z',
      '2024-11-03T05:00:00.000Z 2024-11-03T05:04:18.000Z',
      '2024-11-03T05:04:18.000Z 2024-11-03T05:05:00.000Z',
    ]);
  });

  test('an hour that comes only once cannot be placed: one reject with its rows, which can be decoded again', async () => {
    const lines = ['00:00', '01:00', '02:00'].flatMap((time) => [
      DA(`11/03/2024 ${time}`),
      DA(`11/03/2024 ${time}`, '1.00,0.00,0.00', 'WEST'),
    ]);
    const { facts, rejects } = await decode(file(...lines), 'damlbmp_zone');
    expect(facts.map(({ startAt }) => isoFromInstant(startAt).slice(11, 16))).toEqual([
      '04:00',
      '04:00',
      '07:00',
      '07:00',
    ]);
    expect(rejects).toMatchObject([{ code: 'AMBIGUOUS_TIME', reason: expect.stringContaining('11/03/2024 01:00') }]);
    expect(rejects[0]?.raw.toString()).toBe(file(lines[2] ?? '', lines[3] ?? ''));
    expect(await decode(rejects[0]?.raw.toString() ?? '', 'damlbmp_zone')).toEqual({ facts: [], rejects });
  });

  test.each([
    ['once, and one row of it twice', ['01:00', '01:05', '01:05', '01:10']],
    ['three times', ['01:00', '01:05', '01:00', '01:05', '01:00', '01:05']],
  ])('an hour that comes %s cannot be placed either', async (_, times) => {
    const { facts, rejects } = await decode(file(...times.map((time) => RT(`11/03/2024 ${time}:00`))), 'realtime_zone');
    expect([facts, rejects.map(({ code }) => code)]).toEqual([[], ['AMBIGUOUS_TIME']]);
  });

  test('an hour that one zone has once is placed for the others', async () => {
    const lines = [
      DA('11/03/2024 01:00'),
      DA('11/03/2024 01:00', '1.00,0.00,0.00', 'WEST'),
      DA('11/03/2024 01:00', '2.00,0.00,0.00', 'WEST'),
    ];
    const { facts, rejects } = await decode(file(...lines), 'damlbmp_zone');
    expect(facts.map(({ node, lmp }) => [node, lmp])).toEqual([
      ['NYISO:WEST', 1],
      ['NYISO:WEST', 2],
    ]);
    expect(rejects.map(({ raw }) => raw.toString())).toEqual([file(lines[0] ?? '')]);
  });
});

describe('dispatch', () => {
  test('out of turn closes the open interval and opens the next', async () => {
    const stamps = ['04:00:00', '04:04:18', '04:05:00', '04:10:00'];
    const { facts } = await decode(file(...stamps.map((time) => RT(`07/03/2024 ${time}`))), 'realtime_zone');
    expect(intervals(facts).slice(1)).toEqual([
      '2024-07-03T08:00:00.000Z 2024-07-03T08:04:18.000Z',
      '2024-07-03T08:04:18.000Z 2024-07-03T08:05:00.000Z',
      '2024-07-03T08:05:00.000Z 2024-07-03T08:10:00.000Z',
    ]);
  });

  test('that did not come leaves a gap: no interval is longer than 5 minutes', async () => {
    const { facts } = await decode(file(RT('07/03/2024 04:00:00'), RT('07/03/2024 04:20:00')), 'realtime_zone');
    expect(intervals(facts)).toContain('2024-07-03T08:15:00.000Z 2024-07-03T08:20:00.000Z');
  });

  test.each([
    ['10:10', ['10:15', '10:30', '10:45'], '10:10'],
    ['10:15', ['10:30', '10:45', '11:00'], '10:10'],
    ['10:20', ['10:30', '10:45', '11:00'], '10:20'],
  ])('to %s is taken without the look-ahead at the end of the file', async (newest, ahead, taken) => {
    const dispatched = ['10:05', '10:10', '10:15', '10:20'].filter((time) => time <= newest);
    const lines = [...dispatched, ...ahead].map((time) => RT(`07/03/2024 ${time}:00`));
    const { facts, rejects } = await decode(file(...lines), 'realtime_zone');
    expect(isoFromInstant(facts.at(-1)?.endAt ?? 0)).toBe(
      `2024-07-03T${Number(taken.slice(0, 2)) + 4}${taken.slice(2)}:00.000Z`,
    );
    expect(rejects).toEqual([]);
  });

  test('cannot be told from look-ahead where a file has quarter hours only: they are read as dispatch', async () => {
    const lines = ['00:15', '00:30', '00:45'].map((time) => RT(`07/03/2024 ${time}:00`));
    const { facts } = await decode(file(...lines), 'realtime_zone');
    expect(intervals(facts)).toEqual([
      '2024-07-03T04:10:00.000Z 2024-07-03T04:15:00.000Z',
      '2024-07-03T04:25:00.000Z 2024-07-03T04:30:00.000Z',
      '2024-07-03T04:40:00.000Z 2024-07-03T04:45:00.000Z',
    ]);
  });

  test('has no look-ahead among hours: hourly reports are taken to the last row', async () => {
    expect((await decode(file(RT('07/03/2024 10:00'), RT('07/03/2024 10:15')), 'rtlbmp_zone')).facts).toHaveLength(2);
  });
});

describe('a doubtful row', () => {
  test('with a blank component is a price without it and without energy; blank is not 0', async () => {
    const { facts } = await decode(
      file(RT('07/03/2024 00:05:00', '21.53,,0.10'), RT('07/03/2024 00:10:00', '21.53,1.69,')),
      'realtime_zone',
    );
    expect(facts.map(({ energy, congestion, loss }) => [energy, congestion, loss])).toEqual([
      [null, -0.1, null],
      [null, null, 1.69],
    ]);
    expect(facts.map(checkIdentity)).toEqual([['COMPONENT_MISSING'], ['COMPONENT_MISSING']]);
  });

  test.each([
    ['a blank price', RT('07/03/2024 00:05:00', ',1.69,0.00'), 'MISSING_FIELD'],
    ['no name', RT('07/03/2024 00:05:00', '1.00,1.69,0.00', ' '), 'MISSING_FIELD'],
    ['a price that is no decimal', RT('07/03/2024 00:05:00', 'NaN,1.69,0.00'), 'BAD_VALUE'],
    ['congestion that is no decimal', RT('07/03/2024 00:05:00', '1.00,1.69,-'), 'BAD_VALUE'],
    ['a day that does not exist', RT('02/30/2024 00:05:00'), 'BAD_TIME'],
    ['an hour that spring leaves out', RT('03/10/2024 02:05:00'), 'BAD_TIME'],
    ['another form of time', RT('2024-07-03T00:05:00'), 'BAD_TIME'],
    ['a field too many', `${RT('07/03/2024 00:05:00')},1.00`, 'NOT_THE_FORMAT'],
    ['a quote that is not closed', '"07/03/2024 00:05:00,CAPITL,61757,21.53,1.69,0.00', 'NOT_THE_FORMAT'],
  ])('with %s is a reject that names it, and the others are facts', async (_, line, code) => {
    const { facts, rejects } = await decode(file(line, RT('07/03/2024 00:10:00')), 'realtime_zone');
    expect(facts).toHaveLength(1);
    expect(rejects.map((each) => [each.code, each.raw.toString()])).toEqual([[code, file(line)]]);
  });

  test('that comes again is one; that says something else makes both doubtful', async () => {
    const same = RT('07/03/2024 00:05:00');
    const lines = [
      same,
      same,
      RT('07/03/2024 00:10:00', '1.00,0.00,0.00'),
      RT('07/03/2024 00:10:00', '2.00,0.00,0.00'),
    ];
    const { facts, rejects } = await decode(file(...lines), 'realtime_zone');
    expect(facts).toHaveLength(1);
    expect(rejects.map(({ code, raw }) => [code, raw.toString()])).toEqual([
      ['BAD_VALUE', file(lines[2] ?? '', lines[3] ?? '')],
    ]);
  });
});

describe('a file that is none', () => {
  test.each([
    ['nothing', '', 'NO_DATA'],
    ['a header alone', `${HEADER}\r\n`, 'NO_DATA'],
    ['a page of HTML', '\n<!DOCTYPE html><html><body>Maintenance</body></html>', 'SOURCE_FAILED'],
    ['half a header', HEADER.slice(0, 40), 'MALFORMED'],
    [
      'a report of load',
      '"Time Stamp","Time Zone","Name","PTID","Load"\n"11/22/2017 00:00:00","EST","CAPITL",61757,1140.5\n',
      'MALFORMED',
    ],
    ['half a zip', zipOf([{ name: 'realtime_zone.csv', bytes: Buffer.from(HEADER) }]).subarray(0, 60), 'MALFORMED'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00]), 'MALFORMED'],
  ])('because it is %s is told by its code', async (_, bytes, code) => {
    await expect(decodeLbmp({ bytes: Buffer.from(bytes), name: 'realtime_zone' })).rejects.toMatchObject({ code });
  });

  test.each([1, 2, 3, 5, 20, 40])(
    'cut off by %i bytes and its line end never gives a price that was not there',
    async (bytes) => {
      const whole = file(RT('07/03/2024 00:05:00'), RT('07/03/2024 00:10:00', '21.53,1.69,-12.34')).trimEnd();
      const { facts, rejects } = await decode(whole.slice(0, whole.length - bytes), 'realtime_zone');
      expect(facts).toHaveLength(1);
      expect(rejects).toMatchObject([{ code: 'NOT_THE_FORMAT', reason: 'the bytes end within the line' }]);
    },
  );

  test('without its last line end is whole all the same', async () => {
    expect((await decode(file(RT('07/03/2024 00:05:00')).trimEnd(), 'realtime_zone')).facts).toHaveLength(1);
  });
});

describe.skipIf(!requireOrSkip('recorded-data'))('the recorded file of NYISO', () => {
  const name = 'realtime_zone_lbmp_20160218.csv';
  const text = () => readFileSync(join(RECORDED_DATA, 'nyiso', name), 'utf8');

  test('has the prices that whole cents give, and one energy for all zones', async () => {
    const { facts, rejects } = await decode(text(), name);
    expect(rejects).toEqual([]);
    const expected = text()
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => {
        const [, node, , ...prices] = line.replaceAll('"', '').split(',');
        const [lbmp = 0, losses = 0, congestion = 0] = prices.map((price) => Math.round(Number(price) * 100));
        return {
          node: `NYISO:${node}`,
          lmp: lbmp / 100,
          loss: losses / 100,
          energy: (lbmp - losses + congestion) / 100,
        };
      });
    expect(expected).toHaveLength(45);
    expect(facts.map(({ node, lmp, loss, energy }) => ({ node, lmp, loss, energy }))).toEqual(expected);
    expect([...new Set(facts.map(({ endAt }) => isoFromInstant(endAt)))]).toEqual(
      ['05:15', '05:30', '05:45'].map((time) => `2016-02-18T${time}:00.000Z`),
    );
    for (const startAt of new Set(facts.map((each) => each.startAt))) {
      const energies = facts.filter((each) => each.startAt === startAt).map(({ energy }) => energy ?? 0);
      expect(energies).toHaveLength(15);
      expect(Math.max(...energies) - Math.min(...energies)).toBeLessThan(0.021);
    }
  });

  test('of load is no report of prices', async () => {
    const bytes = readFileSync(join(RECORDED_DATA, 'nyiso/20171122pal.csv'));
    await expect(decodeLbmp({ bytes, name: '20171122pal.csv' })).rejects.toMatchObject({ code: 'MALFORMED' });
    await expect(decodeLbmp({ bytes, name: 'realtime_zone' })).rejects.toMatchObject({ code: 'MALFORMED' });
  });
});

async function decode(text: string, name: string) {
  const { facts, rejects } = await decodeLbmp({ bytes: Buffer.from(text), name });
  return { facts, rejects };
}

function file(...lines: readonly string[]): string {
  return `${[HEADER, ...lines].join('\n')}\n`;
}

/** The whole day as the stand-in publishes it, of two zones. */
async function factsOfDay(report: 'damlbmp' | 'rtlbmp' | 'realtime', date: string) {
  const day = Temporal.PlainDate.from(date);
  const text = nyisoFile({ report, names: ['N.Y.C.', 'WEST'], day, now: midnight(date, 3) });
  const { facts, rejects } = await decode(text ?? '', `${report}_zone`);
  expect(rejects).toEqual([]);
  return facts;
}

function expectEveryInterval(facts: readonly LmpFact[], day: string, lengthMs: number) {
  facts.forEach(({ startAt, endAt }, i) => {
    expect([startAt, endAt]).toEqual([0, 1].map((end) => midnight(day) + (Math.floor(i / 2) + end) * lengthMs));
  });
  expect(facts.at(-1)?.endAt).toBe(midnight(day, 1));
}

function midnight(day: string, later = 0): number {
  return Temporal.PlainDate.from(day).add({ days: later }).toZonedDateTime('America/New_York').epochMilliseconds;
}

function pricesOf({ lmp, loss, congestion }: LmpFact) {
  return { lbmp: lmp, losses: loss, congestion: 0 - (congestion ?? 0) };
}

function simulated(report: string, { node, startAt }: LmpFact) {
  return simulatedNyisoPrices(report, localNameOf(node), startAt);
}

function intervals(facts: readonly LmpFact[]): string[] {
  return facts.map(({ startAt, endAt }) => `${isoFromInstant(startAt)} ${isoFromInstant(endAt)}`);
}

function fact(
  node: string,
  run: LmpFact['run'],
  start: string,
  minutes: number,
  [lmp, energy, congestion, loss]: readonly [number, number, number, number],
): LmpFact {
  const startAt = Date.parse(start);
  const endAt = startAt + minutes * MINUTE_MS;
  return { node: `NYISO:${node}` as LmpFact['node'], run, startAt, endAt, lmp, energy, congestion, loss, ghg: null };
}
