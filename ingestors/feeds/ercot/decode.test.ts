import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import { checkIdentity, type LmpFact } from '../../../domain/lmp.ts';
import { RECORDED_DATA, requireOrSkip } from '../../../tests/support/services.ts';
import { zipOf } from '../../stand-ins/zip-writer.ts';
import { filesIn } from './archive-files.ts';
import { decodeErcotLmp, publishedAtOf } from './decode.ts';

type Cell = string | number | boolean | null;

const DAM_FIELDS = ['deliveryDate', 'hourEnding', 'settlementPoint', 'settlementPointPrice', 'DSTFlag'];
const SPP_FIELDS = [
  'deliveryDate',
  'deliveryHour',
  'deliveryInterval',
  'settlementPoint',
  'settlementPointType',
  'settlementPointPrice',
  'DSTFlag',
];
const SCED_FIELDS = ['SCEDTimestamp', 'repeatHourFlag', 'settlementPoint', 'LMP'];

/** A page as the API writes it, on one line; by hand. */
function page(emil: string, fields: readonly string[], data: readonly (readonly Cell[])[]): string {
  return JSON.stringify({
    _meta: { totalRecords: data.length, pageSize: 100, totalPages: 1, currentPage: 1 },
    report: { reportName: 'x', reportId: '1', reportEMIL: emil },
    fields: fields.map((name, place) => ({ name, label: name, cardinality: place + 1 })),
    data,
    _links: {},
  });
}

const dam = (...rows: readonly (readonly Cell[])[]) => page('NP4-190-CD', DAM_FIELDS, rows);
const spp = (...rows: readonly (readonly Cell[])[]) => page('NP6-905-CD', SPP_FIELDS, rows);
const sced = (...rows: readonly (readonly Cell[])[]) => page('NP6-788-CD', SCED_FIELDS, rows);
const DAM_CSV = 'DeliveryDate,HourEnding,SettlementPoint,SettlementPointPrice,DSTFlag';
const SPP_CSV =
  'DeliveryDate,DeliveryHour,DeliveryInterval,SettlementPointName,SettlementPointType,SettlementPointPrice,DSTFlag';
const SCED_CSV = 'SCEDTimestamp,RepeatedHourFlag,SettlementPoint,LMP';

const decode = (text: string | Buffer, name = 'file') => decodeErcotLmp({ bytes: Buffer.from(text), name });
const summary = (facts: readonly LmpFact[]) =>
  facts.map(({ node, startAt, lmp }) => `${isoFromInstant(startAt)} ${node} ${lmp}`);

describe('the three reports', () => {
  test('np4-190-cd is the day-ahead run, hour-ending', async () => {
    const { facts, rejects } = await decode(dam(['2026-07-01', '24:00', 'HB_NORTH', -3.25, false]));
    expect(rejects).toEqual([]);
    expect(facts).toEqual([
      {
        node: 'ERCOT:HB_NORTH',
        run: 'DAY_AHEAD_HOURLY',
        startAt: Date.parse('2026-07-02T04:00Z'),
        endAt: Date.parse('2026-07-02T05:00Z'),
        lmp: -3.25,
        energy: null,
        congestion: null,
        loss: null,
        ghg: null,
      },
    ]);
    expect(facts.flatMap(checkIdentity)).toEqual([]);
  });

  test('np6-905-cd is the 15-minute run', async () => {
    const { facts } = await decode(
      spp(['2026-01-05', 1, 1, 'DC_E', 'RN', 20, false], ['2026-01-05', 18, 4, 'DC_E', 'RN', 0, false]),
    );
    expect(facts).toMatchObject([
      { run: 'REAL_TIME_15_MIN', startAt: Date.parse('2026-01-05T06:00Z'), endAt: Date.parse('2026-01-05T06:15Z') },
      { lmp: 0, startAt: Date.parse('2026-01-05T23:45Z'), endAt: Date.parse('2026-01-06T00:00Z') },
    ]);
  });

  test('np6-788-cd is the 5-minute run, and keeps the second at which SCED ran', async () => {
    const { facts } = await decode(sced(['2026-06-25T00:40:18', false, 'AEEC', 27.99]));
    expect(facts).toMatchObject([
      {
        run: 'REAL_TIME_5_MIN',
        startAt: Date.parse('2026-06-25T05:40:18Z'),
        endAt: Date.parse('2026-06-25T05:45:18Z'),
      },
    ]);
  });

  test.each([
    [
      'np4-190-cd',
      `${DAM_CSV}\n07/01/2026,24:00,HB_NORTH,      -3.25,N\n`,
      dam(['2026-07-01', '24:00', 'HB_NORTH', -3.25, false]),
    ],
    [
      'np6-905-cd',
      `${SPP_CSV}\n07/01/2026,3,2,X_RN,RN, 20.1,N\n`,
      spp(['2026-07-01', 3, 2, 'X_RN', 'RN', 20.1, false]),
    ],
    [
      'np6-788-cd',
      `${SCED_CSV}\n07/01/2026 00:40:18,N,X_RN,       27.04\n`,
      sced(['2026-07-01T00:40:18', false, 'X_RN', 27.04]),
    ],
  ])('%s says the same as CSV, padded with blanks, and in a zip', async (_, csv, json) => {
    const expected = await decode(json);
    expect(expected.facts).toHaveLength(1);
    expect(await decode(csv)).toEqual(expected);
    expect(await decode(csv.replaceAll('\n', '\r\n'))).toEqual(expected);
    const zip = zipOf([{ name: 'a.csv', bytes: Buffer.from(csv) }]);
    expect(await decode(zip)).toEqual(expected);
    expect(await decode(zipOf([{ name: 'a.zip', bytes: zip }]))).toEqual(expected);
  });

  test('a load zone has two prices under one name: its energy-weighted one is a node of its own', async () => {
    const { facts, rejects } = await decode(
      spp(
        ['2026-01-05', 1, 1, 'LZ_WEST', 'LZ', 20, false],
        ['2026-01-05', 1, 1, 'LZ_WEST', 'LZEW', 21, false],
        ['2026-01-05', 1, 1, 'DC_N', 'LZ_DCEW', 22, false],
      ),
    );
    expect(rejects).toEqual([]);
    expect(facts.map(({ node, lmp }) => [node, lmp])).toEqual([
      ['ERCOT:LZ_WEST', 20],
      ['ERCOT:LZ_WEST_EW', 21],
      ['ERCOT:DC_N_EW', 22],
    ]);
  });
});

describe('rows are read by the names of their fields', () => {
  const row: Cell[] = ['2026-07-01', '24:00', 'HB_NORTH', -3.25, false];

  test('whatever their order and case', async () => {
    const expected = await decode(dam(row));
    const reversed = page('NP4-190-CD', DAM_FIELDS.toReversed(), [row.toReversed()]);
    expect(await decode(reversed)).toEqual(expected);
    expect(
      await decode(
        page(
          'NP4-190-CD',
          DAM_FIELDS.map((each) => each.toUpperCase()),
          [row],
        ),
      ),
    ).toEqual(expected);
    const csv =
      'DST_Flag,settlement point price,SETTLEMENTPOINT,Hour Ending,Delivery Date\nN,-3.25,HB_NORTH,24:00,07/01/2026\n';
    expect(await decode(csv)).toEqual(expected);
  });

  test('and several pages after one another are one payload, each with an order of its own', async () => {
    const other = page('NP4-190-CD', DAM_FIELDS.toReversed(), [[false, 1, 'HB_WEST', '01:00', '2026-07-01']]);
    const { facts } = await decode(`${dam(row)}\n${other}\n${dam()}`);
    expect(summary(facts)).toEqual([
      '2026-07-01T05:00:00.000Z ERCOT:HB_WEST 1',
      '2026-07-02T04:00:00.000Z ERCOT:HB_NORTH -3.25',
    ]);
  });

  test('and a page may be indented', async () => {
    const indented = JSON.stringify(JSON.parse(dam(row)), null, 2);
    expect(await decode(`${indented}\n${indented}\n`)).toEqual(await decode(dam(row)));
  });
});

describe('the days on which clocks change', () => {
  const hourLabels = (skipped: number, repeated: number) =>
    Array.from({ length: 24 }, (_, i) => i + 1).flatMap((hour) =>
      hour === skipped
        ? []
        : hour === repeated
          ? [[hour, true] as const, [hour, false] as const]
          : [[hour, false] as const],
    );
  const two = (part: number) => String(part).padStart(2, '0');

  test.each([
    ['autumn', '2025-11-02', hourLabels(0, 2), '2025-11-02T05:00Z', 25],
    ['spring', '2026-03-08', hourLabels(3, 0), '2026-03-08T06:00Z', 23],
    ['an ordinary day', '2026-03-09', hourLabels(0, 0), '2026-03-09T05:00Z', 24],
  ])('in %s have their hours in order, none twice', async (_, date, labels, firstAt, hours) => {
    const start = Date.parse(firstAt);
    const grid = (stepMs: number, count: number) => Array.from({ length: count }, (__, i) => start + i * stepMs);
    const day = await decode(dam(...labels.map(([hour, flag]) => [date, `${two(hour)}:00`, 'X', hour, flag])));
    expect(day.rejects).toEqual([]);
    expect(day.facts.map(({ startAt }) => startAt)).toEqual(grid(HOUR_MS, hours));

    const quarters = labels.flatMap(([hour, flag]) =>
      [1, 2, 3, 4].map((quarter): Cell[] => [date, hour, quarter, 'X', 'RN', 1, flag]),
    );
    const real = await decode(spp(...quarters));
    expect(real.facts.map(({ startAt }) => startAt)).toEqual(grid(15 * MINUTE_MS, hours * 4));

    const runs = labels.flatMap(([hour, flag]) =>
      Array.from({ length: 12 }, (__, i): Cell[] => [`${date}T${two(hour - 1)}:${two(i * 5)}:18`, flag, 'X', 1]),
    );
    const five = await decode(sced(...runs));
    expect(five.facts.map(({ startAt }) => startAt - 18_000)).toEqual(grid(5 * MINUTE_MS, hours * 12));
  });

  test.each([
    [
      'the repeated hour without a flag',
      ['2025-11-02', '02:00', 'X', 1, null],
      'AMBIGUOUS_TIME',
      /comes twice and there is no flag/,
    ],
    [
      'another hour with the flag',
      ['2025-11-02', '03:00', 'X', 1, true],
      'BAD_TIME',
      /flagged as the repeated hour, but comes once/,
    ],
    [
      'the hour that is left out',
      ['2026-03-08', '03:00', 'X', 1, false],
      'BAD_TIME',
      /does not exist on Central clocks/,
    ],
    ['a flag that is none', ['2025-11-02', '02:00', 'X', 1, 'X'], 'BAD_VALUE', /flag of the repeated hour is "X"/],
  ] as const)('%s is rejected', async (_, row, code, reason) => {
    const { facts, rejects } = await decode(dam(row));
    expect(facts).toEqual([]);
    expect(rejects).toMatchObject([{ code, reason: expect.stringMatching(reason) }]);
  });

  test('an hour that comes once needs no flag', async () => {
    expect((await decode(dam(['2025-11-02', '03:00', 'X', 1, null]))).facts).toHaveLength(1);
  });
});

describe('a row that is no price', () => {
  test.each([
    ['a blank price', ['2026-07-01', '01:00', 'X', null, false], 'MISSING_FIELD'],
    ['blanks for a price', ['2026-07-01', '01:00', 'X', '   ', false], 'MISSING_FIELD'],
    ['a word for a price', ['2026-07-01', '01:00', 'X', 'NaN', false], 'BAD_VALUE'],
    ['a blank settlement point', ['2026-07-01', '01:00', ' ', 1, false], 'MISSING_FIELD'],
    ['hour 25', ['2026-07-01', '25:00', 'X', 1, false], 'BAD_TIME'],
    ['hour 0', ['2026-07-01', '00:00', 'X', 1, false], 'BAD_TIME'],
    ['a day that there is not', ['2026-02-30', '01:00', 'X', 1, false], 'BAD_TIME'],
    ['no date', ['', '01:00', 'X', 1, false], 'BAD_TIME'],
    ['too few values', ['2026-07-01', '01:00', 'X', 1], 'NOT_THE_FORMAT'],
    ['too many values', ['2026-07-01', '01:00', 'X', 1, false, 1], 'NOT_THE_FORMAT'],
  ] as const)('%s is rejected alone, and its bytes say so again', async (_, row, code) => {
    const { facts, rejects } = await decode(dam(row, ['2026-07-01', '02:00', 'X', 5, false]));
    expect(facts).toHaveLength(1);
    expect(rejects).toMatchObject([{ code }]);
    const again = await decode(rejects[0]?.raw ?? '');
    expect(again).toEqual({ facts: [], rejects });
  });

  test.each([[0], [5], [1.5], ['x'], [null]])('interval %j of an hour is rejected', async (interval) => {
    const { rejects } = await decode(spp(['2026-07-01', 1, interval, 'X', 'RN', 1, false]));
    expect(rejects).toMatchObject([{ code: 'BAD_TIME' }]);
  });

  test.each([['2026-07-01'], ['2026-07-01T00:40'], ['2026-07-01T24:00:00'], ['2026-07-01T00:40:18Z']])(
    'SCED at %s is rejected',
    async (timestamp) => {
      const { rejects } = await decode(sced([timestamp, false, 'X', 1]));
      expect(rejects).toMatchObject([{ code: 'BAD_TIME' }]);
    },
  );

  test('a reject of a CSV is its header and its line', async () => {
    const { rejects } = await decode(`${DAM_CSV}\n07/01/2026,01:00,X,,N\n`);
    expect(rejects.map(({ raw }) => raw.toString())).toEqual([`${DAM_CSV}\n07/01/2026,01:00,X,,N\n`]);
  });

  test('the last line of a CSV without a line end may be cut off', async () => {
    const { facts, rejects } = await decode(`${SCED_CSV}\n07/01/2026 00:40:18,N,X,1\n07/01/2026 00:40:18,N,Y,27.0`);
    expect(facts).toHaveLength(1);
    expect(rejects).toMatchObject([{ code: 'NOT_THE_FORMAT', reason: expect.stringContaining('cut off') }]);
  });

  test.each([
    ['with both places of its price', `${SCED_CSV}\n07/01/2026 00:40:18,N,Y,       27.04`],
    ['with the flag', `${DAM_CSV}\n07/01/2026,01:00,X,1,n`],
  ])('the last line of a CSV without a line end is whole where it ends %s', async (_, text) => {
    expect(await decode(text)).toMatchObject({ facts: [{}], rejects: [] });
  });

  test.each([
    ['07/01/2026', '7/1/2026'],
    ['07/01/2026', '2026-07-01'],
  ])('a day may be written %s and %s', async (one, other) => {
    const read = async (day: string) => (await decode(`${DAM_CSV}\n${day},01:00,X,1.25,N\n`)).facts;
    expect(await read(other)).toEqual(await read(one));
  });

  test('pages laid out over lines are read as those on one', async () => {
    const pages = [dam(['2026-07-01', '01:00', 'X', 1, false]), dam(['2026-07-01', '02:00', 'X', 2, false])];
    const laidOut = (each: string) => JSON.stringify(JSON.parse(each), null, 2);
    expect(await decode(pages.map(laidOut).join('\n'))).toEqual(await decode(pages.join('\n')));
    const flush = laidOut(pages[0] ?? '').replaceAll(/^ +/gm, '');
    expect(await decode(flush)).toEqual(await decode(pages[0] ?? ''));
  });

  test('a row that comes twice is one, and of two that differ neither is taken', async () => {
    const at = (price: number): Cell[] => ['2026-07-01', '01:00', 'X', price, false];
    expect((await decode(dam(at(1), at(1)))).facts).toHaveLength(1);
    const { facts, rejects } = await decode(dam(at(1), at(2), at(1)));
    expect(facts).toEqual([]);
    expect(rejects).toMatchObject([
      { code: 'BAD_VALUE', reason: 'two prices of ERCOT:X at 2026-07-01T05:00:00.000Z: 1 and 2' },
      { code: 'BAD_VALUE' },
    ]);
  });
});

describe('two rows of the repeated hour with one flag', () => {
  const at = (price: number, flag: boolean): Cell[] => ['2025-11-02', '02:00', 'X', price, flag];

  test.each([
    ['equal', 1],
    ['different', 2],
  ])('are ambiguous where prices are %s and the other pass is not told', async (_, other) => {
    const { facts, rejects } = await decode(dam(at(1, false), at(other, false)));
    expect(facts).toEqual([]);
    expect(rejects.map(({ code }) => code)).toEqual(['AMBIGUOUS_TIME', 'AMBIGUOUS_TIME']);
  });

  test('are one where they are equal and the other pass is told', async () => {
    const { facts, rejects } = await decode(dam(at(1, false), at(1, false), at(5, true)));
    expect(summary(facts)).toEqual(['2025-11-02T06:00:00.000Z ERCOT:X 1', '2025-11-02T07:00:00.000Z ERCOT:X 5']);
    expect(rejects).toEqual([]);
  });
});

describe('a payload as a whole', () => {
  const row: Cell[] = ['2026-07-01', '01:00', 'X', 1, false];
  const zip = zipOf([{ name: 'a.csv', bytes: Buffer.from(`${DAM_CSV}\n07/01/2026,01:00,X,1,N\n`) }]);

  test.each([
    ['no rows', dam(), 'NO_DATA', /no rows/],
    ['pages without rows', `${dam()}\n${dam()}`, 'NO_DATA', /no rows/],
    ['a header without rows', `${DAM_CSV}\n`, 'NO_DATA', /no rows/],
    ['asked too often', '{"error_key": "throttled", "error_message": "Too Many Requests"}\n', 'THROTTLED', /Too Many/],
    [
      'asked too often, in words of the gateway',
      '{"statusCode":429,"message":"Rate limit is exceeded."}',
      'THROTTLED',
      /Rate limit/,
    ],
    [
      'an ended token',
      '{"statusCode":401,"message":"Unauthorized. Access token is missing or invalid."}',
      'SOURCE_REFUSED',
      /Access token/,
    ],
    ['trouble at ERCOT', '{"statusCode":500,"message":"Internal server error"}', 'SOURCE_FAILED', /Internal/],
    ['another error', '{"error_key":"bad_request"}', 'SOURCE_REFUSED', /bad_request/],
    ['a page that is cut off', dam(row).slice(0, -20), 'MALFORMED', /cut off/],
    ['a second page that is cut off', `${dam(row)}\n${dam(row).slice(0, -20)}`, 'MALFORMED', /cut off/],
    ['other JSON', '{"items": []}', 'MALFORMED', /lacks fields or data/],
    ['HTML', '<!DOCTYPE html>\n<html></html>', 'MALFORMED', /HTML/],
    ['nothing', '', 'MALFORMED', /empty/],
    ['a zip that is cut off', zip.subarray(0, 100), 'MALFORMED', /zip/],
    ['an empty zip', zipOf([]), 'MALFORMED', /empty zip/],
    ['a zip with HTML', zipOf([{ name: 'a', bytes: Buffer.from('<html>') }]), 'MALFORMED', /HTML/],
    [
      'a field that is missing',
      page('NP4-190-CD', DAM_FIELDS.slice(0, 4), [row.slice(0, 4)]),
      'MALFORMED',
      /no report/,
    ],
    ['a field that comes twice', page('NP4-190-CD', [...DAM_FIELDS, 'LMP', 'lmp'], []), 'MALFORMED', /twice/],
    [
      'the day-ahead LMP by bus',
      page('NP4-183-CD', ['deliveryDate', 'hourEnding', 'busName', 'LMP', 'DSTFlag'], []),
      'MALFORMED',
      /NP4-183-CD/,
    ],
    ['the real-time LMP by bus', 'SCEDTimestamp,RepeatedHourFlag,ElectricalBus,LMP\n', 'MALFORMED', /no report/],
    ['two reports', `${dam(row)}\n${sced(['2026-06-25T00:40:18', false, 'X', 1])}`, 'MALFORMED', /np6-788-cd/],
    ['a report that says it is another', page('NP6-788-CD', DAM_FIELDS, [row]), 'MALFORMED', /says it is np6-788-cd/],
  ] as const)('with %s is one clear error and no row', async (_, bytes, code, message) => {
    const error: unknown = await decode(Buffer.from(bytes)).catch((each: unknown) => each);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('whose name speaks of another report is malformed', async () => {
    await expect(decode(dam(row), 'np6-905-cd')).rejects.toMatchObject({ code: 'MALFORMED' });
    const name = 'cdr.00012301.0000000000000000.20250730.084701.SPPHLZNP6905_20250730_0845.csv';
    await expect(decode(`${DAM_CSV}\n`, name)).rejects.toMatchObject({ code: 'MALFORMED' });
    expect((await decode(dam(row), 'np4-190-cd')).facts).toHaveLength(1);
  });

  test('that is damaged anywhere gives no other price, only an error, fewer rows or a reject', async () => {
    const whole = dam(
      ...Array.from({ length: 24 }, (_, i): Cell[] => ['2026-07-01', `${i + 1}:00`, 'X', i + 0.5, false]),
    );
    const known = new Set(summary((await decode(whole)).facts));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
        const facts = await decode(whole.slice(0, length)).then(
          (decoded) => decoded.facts,
          (error: unknown) => {
            if (!isBusbarError(error)) throw error;
            return [];
          },
        );
        expect(summary(facts).every((line) => known.has(line))).toBe(true);
      }),
    );
  });
});

test('zips in a zip are held to one limit of bytes together', async () => {
  const inner = zipOf([{ name: 'a.csv', bytes: Buffer.alloc(1000) }]);
  const outer = zipOf(['a.zip', 'b.zip', 'c.zip'].map((name) => ({ name, bytes: inner })));
  const open = (bytesMax: number) => filesIn({ name: 'outer.zip', bytes: outer }, { membersMax: 10, bytesMax });
  expect(await open(3000)).toHaveLength(3);
  await expect(open(2999)).rejects.toMatchObject({ code: 'MALFORMED', message: expect.stringContaining('999') });
});

describe('when a file was posted', () => {
  const at = (name: string, bytes: Buffer = Buffer.from('x')) => publishedAtOf({ name, bytes });

  test('stands in its name, Central', async () => {
    const posted = Date.parse('2025-11-01T18:30:00Z');
    expect(await at('cdr.00012331.0000000000000000.20251101.133000.DAMSPNP4190.csv')).toBe(posted);
    const members = [
      'cdr.00012331.0000000000000000.20251031.133000.DAMSPNP4190.csv',
      'cdr.00012331.0000000000000000.20251101.133000.DAMSPNP4190.csv',
    ];
    const zip = zipOf(members.map((name) => ({ name, bytes: Buffer.from('x') })));
    expect(await at('download.zip', zip)).toBe(posted);
  });

  test.each([['prices.csv'], ['cdr.00012331.0000000000000000.20251102.013000.DAMSPNP4190.csv']])(
    'cannot be told of %s',
    async (name) => {
      expect(await at(name)).toBeUndefined();
    },
  );
});

describe.skipIf(!requireOrSkip('recorded-data'))('recorded payloads', () => {
  const recorded = (name: string) => readFileSync(join(RECORDED_DATA, 'ercot', name));

  test('the day-ahead prices of HB_HUBAVG on 2025-11-02 are 25 hours in order', async () => {
    const bytes = recorded('np4-190-cd_HB_HUBAVG_2025-11-02_dst_fallback.json');
    const { facts, rejects } = await decode(bytes, 'np4-190-cd');
    expect(rejects).toEqual([]);
    expect(facts.map(({ startAt, endAt }) => [startAt, endAt])).toEqual(
      Array.from({ length: 25 }, (_, i) => Date.parse('2025-11-02T05:00Z') + i * HOUR_MS).map((at) => [
        at,
        at + HOUR_MS,
      ]),
    );
    // The rows as text, without a JSON parser: the file has the flagged, later hour first.
    const prices = [...bytes.toString().matchAll(/"HB_HUBAVG",(-?[\d.]+),(?:true|false)\]/g)].map((found) =>
      Number(found[1]),
    );
    const [first = 0, flagged = 0, unflagged = 0, ...rest] = prices;
    expect(facts.map(({ lmp }) => lmp)).toEqual([first, unflagged, flagged, ...rest]);
    expect([facts[1]?.lmp, facts[2]?.lmp]).toEqual([46.44, 48.25]);
  });

  test('the run of SCED of 2026-06-25 00:40:18 has the prices that stand in its lines', async () => {
    const name = 'np6-788_LMPSROSNODENP6788_20260625_004018_first49rows.csv';
    const { facts, rejects } = await decode(recorded(name), name);
    expect(rejects).toEqual([]);
    const cells = [
      ...recorded(name)
        .toString()
        .matchAll(/,N,(\S+), +(-?[\d.]+)$/gm),
    ];
    const lines = cells.map(([, point, price]) => `ERCOT:${point} ${Number(price)}`);
    expect(facts.map(({ node, lmp }) => `${node} ${lmp}`)).toEqual(lines);
    expect(facts).toHaveLength(49);
    expect(
      new Set(facts.map(({ startAt, endAt }) => `${isoFromInstant(startAt)} ${(endAt - startAt) / MINUTE_MS}`)),
    ).toEqual(new Set(['2026-06-25T05:40:18.000Z 5']));
    expect(facts.filter(({ lmp }) => lmp < 0).map(({ node, lmp }) => [node, lmp])).toEqual([
      ['ERCOT:APPALOSA_ALL', -38.25],
    ]);
  });

  test.each([['np6-345_ACTUALSYSLOADWZN_20231118.zip'], ['np3-561_LFCWEATHER_20231119.zip']])(
    '%s is opened, and is no report of prices',
    async (name) => {
      await expect(decode(recorded(name), name)).rejects.toMatchObject({
        code: 'MALFORMED',
        message: expect.stringMatching(/^no report of prices has these columns: .*hourending/),
      });
    },
  );

  test('the body of a throttled answer is read as such', async () => {
    const bytes = readFileSync(join(RECORDED_DATA, 'errors/ercot_429_throttled.json'));
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'THROTTLED' });
  });
});
