import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS, isoFromInstant } from '../../../domain/instant.ts';
import { checkIdentity } from '../../../domain/lmp.ts';
import { RECORDED_DATA, requireOrSkip } from '../../../tests/support/services.ts';
import { decodeMisoLmp } from './decode.ts';

const decode = (text: string | Buffer, name = 'da_expost_lmp') => decodeMisoLmp({ bytes: Buffer.from(text), name });

/** A market report as MISO writes it, by hand: two nodes, their rows apart. */
const TITLE = 'Day Ahead Market ExPost LMPs';
const NOTE = ',,,All Hours-Ending are Eastern Standard Time (EST)';
const HEADER = `Node,Type,Value,${Array.from({ length: 24 }, (_, i) => `HE ${i + 1}`).join(',')}`;
const hours = (first: string, rest: string) => [first, ...Array.from({ length: 23 }, () => rest)].join(',');
const ROWS = [
  `MINN.HUB,Hub,LMP,${hours('.15', '-4.2')}`,
  `EAI.CC,Gennode,LMP,${hours('20', '1')}`,
  `MINN.HUB,Hub,MCC,${hours('-16.05', '-10')}`,
  `EAI.CC,Gennode,MCC,${hours('-1.1', '0')}`,
  `MINN.HUB,Hub,MLC,${hours('-.78', '2.1')}`,
  `EAI.CC,Gennode,MLC,${hours('.1', '0')}`,
];
const file = ({ title = TITLE, date = '11/02/2025', note = NOTE, header = HEADER, rows = ROWS } = {}) =>
  [title, date, note, header, ...rows, ''].join('\n');

describe('a market report', () => {
  test('is pivoted to a fact a node and hour, energy being what is left of the LMP', async () => {
    const { facts, rejects } = await decode(file());
    expect(rejects).toEqual([]);
    expect(facts).toHaveLength(48);
    expect(facts[0]).toEqual({
      node: 'MISO:MINN.HUB',
      run: 'DAY_AHEAD_HOURLY',
      startAt: Date.parse('2025-11-02T05:00Z'),
      endAt: Date.parse('2025-11-02T06:00Z'),
      lmp: 0.15,
      energy: 16.98,
      congestion: -16.05,
      loss: -0.78,
      ghg: null,
    });
    expect(facts[1]).toMatchObject({ node: 'MISO:EAI.CC', lmp: 20, energy: 21, congestion: -1.1, loss: 0.1 });
    expect(facts[2]).toMatchObject({ lmp: -4.2, energy: 3.7, congestion: -10, loss: 2.1 });
    expect(facts.flatMap(checkIdentity)).toEqual([]);
  });

  test.each([
    ['has a blank line before the header', file({ note: `\n${NOTE}` })],
    ['has no blank line', file()],
    ['ends its lines as Windows does', file().replaceAll('\n', '\r\n')],
    ['begins with a byte-order mark', `\uFEFF${file()}`],
  ])('is read the same where it %s', async (_, text) => {
    expect((await decode(text)).facts).toEqual((await decode(file())).facts);
  });

  test.each([
    ['03/09/2025', '2025-03-09T05:00:00.000Z'],
    ['11/02/2025', '2025-11-02T05:00:00.000Z'],
  ])('of %s, when others change their clocks, has 24 hours in order', async (date, start) => {
    const { facts } = await decode(file({ date, rows: ROWS.filter((row) => row.startsWith('MINN')) }));
    expect(facts.map(({ startAt }) => isoFromInstant(startAt))).toEqual(
      Array.from({ length: 24 }, (_, i) => isoFromInstant(Date.parse(start) + i * HOUR_MS)),
    );
    expect(facts.every(({ startAt, endAt }) => endAt === startAt + HOUR_MS)).toBe(true);
  });

  test.each([
    ['rt_lmp_prelim', 'Preliminary Real-Time LMPs', 'REAL_TIME_HOURLY', true],
    ['rt_lmp_final', 'Final Real-Time LMPs', 'REAL_TIME_HOURLY', undefined],
    ['da_expost_lmp', TITLE, 'DAY_AHEAD_HOURLY', undefined],
  ])('%s is told by its name, and by its title', async (name, title, run, preliminary) => {
    for (const decoded of [
      await decode(file({ title }), name),
      await decode(file({ title }), 'saved.csv'),
      await decode(file({ title: 'LMPs' }), `20251102_${name}.csv`),
    ]) {
      expect(new Set(decoded.facts.map((fact) => fact.run))).toEqual(new Set([run]));
      expect(decoded.facts[0]?.preliminary).toBe(preliminary);
    }
  });

  test.each([
    ['whose name and title contradict each other', file(), 'rt_lmp_final'],
    ['that neither name nor title tells', file({ title: 'LMPs' }), 'saved.csv'],
    ['of ex-ante prices', file({ title: 'Day Ahead Market ExAnte LMPs' }), '20251102_da_exante_lmp.csv'],
    ['whose name is of another day', file(), '20251103_da_expost_lmp.csv'],
    ['without a day', file({ date: '' }), undefined],
    ['of a day that does not exist', file({ date: '02/30/2025' }), undefined],
    ['of 25 hours', file({ header: `${HEADER},HE 25` }), undefined],
    ['of 23 hours', file({ header: HEADER.replace(',HE 24', '') }), undefined],
    ['without a column that is needed', file({ header: HEADER.replace('Value', 'Price') }), undefined],
    ['of another time than EST', file({ note: ',,,All Hours-Ending are Eastern Prevailing Time (EPT)' }), undefined],
    ['without a header', file({ header: 'A,B' }), undefined],
    ['that was asked for as five-minute prices', file(), 'GetRealTimeFiveMinExPost'],
  ])('%s is malformed as a whole', async (_, text, name) => {
    await expect(decode(text, name)).rejects.toMatchObject({ code: 'MALFORMED' });
  });

  test.each([
    ['a header and no rows', file({ rows: [] })],
    ['no bytes, as the source keeps a missing file', ''],
  ])('with %s has no data', async (_, text) => {
    await expect(decode(text)).rejects.toMatchObject({ code: 'NO_DATA' });
  });
});

describe('a doubtful row', () => {
  const doubtful = (at: number, row: string) => file({ rows: ROWS.map((each, i) => (i === at ? row : each)) });

  test.each([
    ['a blank LMP', doubtful(0, `MINN.HUB,Hub,LMP,${hours('', '-4.2')}`), 'MISSING_FIELD', 'HE 1:', 23],
    ['a price with a currency', doubtful(0, `MINN.HUB,Hub,LMP,${hours('"$1,250.00"', '1')}`), 'BAD_VALUE', 'HE 1:', 23],
    ['a price that is no number', doubtful(2, `MINN.HUB,Hub,MCC,${hours('NaN', '1')}`), 'BAD_VALUE', 'NaN', 23],
    ['no row of LMP', file({ rows: ROWS.slice(1) }), 'MISSING_FIELD', 'blank', 0],
    ['a row that is cut off', doubtful(4, 'MINN.HUB,Hub,MLC,1,2'), 'NOT_THE_FORMAT', 'fields', 0],
    ['a row of another value', doubtful(4, `MINN.HUB,Hub,MGHG,${hours('1', '2')}`), 'NOT_THE_FORMAT', 'MGHG', 0],
    [
      'two rows that differ',
      file({ rows: [...ROWS, `MINN.HUB,Hub,LMP,${hours('9', '9')}`] }),
      'BAD_VALUE',
      'two LMP',
      0,
    ],
  ])('of %s rejects what it is of, and the other node is read', async (_, text, code, words, left) => {
    const { facts, rejects } = await decode(text);
    expect(rejects).toMatchObject([{ code, reason: expect.stringContaining(words) }]);
    expect(facts.filter(({ node }) => node === 'MISO:MINN.HUB')).toHaveLength(left);
    expect(facts.filter(({ node }) => node === 'MISO:EAI.CC')).toHaveLength(24);
  });

  test('is kept with its node’s rows, as a file that says the same by itself', async () => {
    const [reject] = (await decode(doubtful(0, `MINN.HUB,Hub,LMP,${hours('', '-4.2')}`))).rejects;
    const again = await decode(reject?.raw ?? '');
    expect(again.facts).toHaveLength(23);
    expect(again.rejects.map(({ reason }) => reason)).toEqual([reject?.reason]);
  });

  test('of a blank or missing component leaves it, and energy, null', async () => {
    const blank = await decode(doubtful(2, `MINN.HUB,Hub,MCC,${hours('', '-10')}`));
    expect(blank.facts[0]).toMatchObject({ lmp: 0.15, energy: null, congestion: null, loss: -0.78 });
    const missing = await decode(file({ rows: ROWS.slice(0, 2) }));
    expect(missing.facts[0]).toMatchObject({ lmp: 0.15, energy: null, congestion: null, loss: null });
    expect(missing.rejects).toEqual([]);
  });

  test.each([
    ['within its last value, only that hour is rejected', file().slice(0, -1), 'EAI.CC HE 24', 23],
    ['before its last value, all of the node is', file().slice(0, -3), 'EAI.CC', 0],
  ])('at the end without a line end may be cut off: %s', async (_, text, words, left) => {
    const { facts, rejects } = await decode(text);
    expect(rejects).toMatchObject([{ code: 'NOT_THE_FORMAT', reason: expect.stringContaining(words) }]);
    expect(rejects[0]?.reason).toContain('cut off');
    expect(facts.filter(({ node }) => node === 'MISO:EAI.CC')).toHaveLength(left);
    expect(facts.filter(({ node }) => node === 'MISO:MINN.HUB')).toHaveLength(24);
  });

  test('at the end without a line end is whole where its last value has both places', async () => {
    const rows = [...ROWS.slice(0, 5), `EAI.CC,Gennode,MLC,${hours('.1', '.25')}`];
    const { facts, rejects } = await decode(file({ rows }).slice(0, -1));
    expect(rejects).toEqual([]);
    expect(facts).toHaveLength(48);
  });
});

/** The five-minute display, by hand. */
const table = (rows: readonly unknown[], headers = ['INTERVAL', 'CPNODE', 'LMP', 'MLC', 'MCC']) =>
  JSON.stringify({ headers, data: rows });
const FIVE = [
  ['2025-12-03T00:00:00', 'INDIANA.HUB', '250.66', '6.13', '209.47'],
  ['2025-12-03T00:05:00', 'INDIANA.HUB', '-1.64', '-2.16', '-34.54'],
];
const live = (text: string | Buffer) => decode(text, 'GetRealTimeFiveMinExPost');

describe('the five-minute display', () => {
  test('tells of intervals by their beginning, in EST', async () => {
    const { facts, rejects } = await live(table(FIVE));
    expect(rejects).toEqual([]);
    expect(facts).toEqual([
      {
        node: 'MISO:INDIANA.HUB',
        run: 'REAL_TIME_5_MIN',
        startAt: Date.parse('2025-12-03T05:00Z'),
        endAt: Date.parse('2025-12-03T05:05Z'),
        lmp: 250.66,
        energy: 35.06,
        congestion: 209.47,
        loss: 6.13,
        ghg: null,
      },
      expect.objectContaining({ startAt: Date.parse('2025-12-03T05:05Z'), lmp: -1.64, energy: 35.06 }),
    ]);
    expect(facts.flatMap(checkIdentity)).toEqual([]);
  });

  test.each([
    [
      'its columns in another order',
      table(
        FIVE.map(([a, b, c, d, e]) => [b, e, a, c, d]),
        ['CPNODE', 'MCC', 'INTERVAL', 'LMP', 'MLC'],
      ),
    ],
    [
      'its data before its headers',
      JSON.stringify({ data: FIVE, headers: ['INTERVAL', 'CPNODE', 'LMP', 'MLC', 'MCC'] }),
    ],
    ['blanks and line ends', JSON.stringify(JSON.parse(table(FIVE)), null, 2)],
    [
      'a column more',
      table(
        FIVE.map((row) => [...row, 'x']),
        ['INTERVAL', 'CPNODE', 'LMP', 'MLC', 'MCC', 'NEW'],
      ),
    ],
    ['numbers as numbers', table(FIVE.map(([a, b, ...prices]) => [a, b, ...prices.map(Number)]))],
  ])('is read the same with %s', async (_, text) => {
    expect((await live(text)).facts).toEqual((await live(table(FIVE))).facts);
  });

  test('has 288 intervals on a day when others change their clocks', async () => {
    const starts = Array.from({ length: 288 }, (_, i) => Date.parse('2025-11-02T05:00Z') + i * 300_000);
    const rows = starts.map((start) => [isoFromInstant(start - 5 * HOUR_MS).slice(0, 19), 'N', '1', '0', '0']);
    expect((await live(table(rows))).facts.map(({ startAt }) => startAt)).toEqual(starts);
  });

  test.each([
    ['a blank LMP', [FIVE[0]?.[0], 'N', '', '1', '1'], 'MISSING_FIELD'],
    ['an LMP that is null', [FIVE[0]?.[0], 'N', null, '1', '1'], 'MISSING_FIELD'],
    ['a price that is no number', [FIVE[0]?.[0], 'N', '1e400', '1', '1'], 'BAD_VALUE'],
    ['a blank node', [FIVE[0]?.[0], ' ', '1', '1', '1'], 'MISSING_FIELD'],
    ['a time with a zone of its own', ['2025-12-03T00:00:00Z', 'N', '1', '1', '1'], 'BAD_TIME'],
    ['a time that does not exist', ['2025-02-30T00:00:00', 'N', '1', '1', '1'], 'BAD_TIME'],
    ['a value less', [FIVE[0]?.[0], 'N', '1', '1'], 'NOT_THE_FORMAT'],
    ['an object inside', [FIVE[0]?.[0], 'N', '1', {}, '1'], 'NOT_THE_FORMAT'],
  ])('with a row of %s rejects it, as a display of its own', async (_, row, code) => {
    const { facts, rejects } = await live(table([FIVE[0], row, FIVE[1]]));
    expect(facts).toHaveLength(2);
    expect(rejects).toMatchObject([{ code }]);
    expect((await live(rejects[0]?.raw ?? '')).rejects).toMatchObject([{ code }]);
  });

  test('with two rows of a node and interval keeps one where they agree and none where they differ', async () => {
    expect((await live(table([...FIVE, FIVE[0]]))).facts).toHaveLength(2);
    const other = [...(FIVE[0] ?? []).slice(0, 2), '1', '1', '1'];
    const { facts, rejects } = await live(table([...FIVE, other]));
    expect(facts.map(({ lmp }) => lmp)).toEqual([-1.64]);
    expect(rejects).toMatchObject([{ code: 'BAD_VALUE', reason: expect.stringContaining('LMP 250.66') }]);
  });

  test.each([
    ['without a column', table(FIVE, ['INTERVAL', 'NODE', 'LMP', 'MLC', 'MCC'])],
    ['with a column twice', table(FIVE, ['INTERVAL', 'CPNODE', 'LMP', 'LMP', 'MCC'])],
    ['cut off in a row', table(FIVE).slice(0, 90)],
    ['cut off between rows', table(FIVE).slice(0, table(FIVE).indexOf('],[') + 2)],
    ['cut off at its very end', table(FIVE).slice(0, -1)],
    ['that is not UTF-8', Buffer.from(table(FIVE).replace('INDIANA', 'INDIÄNA'), 'latin1')],
  ])('%s is malformed as a whole', async (_, text) => {
    await expect(live(text)).rejects.toMatchObject({ code: 'MALFORMED' });
  });

  test('that came for a market report is malformed', async () => {
    await expect(decode(table(FIVE), 'rt_lmp_final')).rejects.toMatchObject({ code: 'MALFORMED' });
  });

  test('without rows has no data', async () => {
    await expect(live(table([]))).rejects.toMatchObject({ code: 'NO_DATA' });
  });
});

describe('pages of the pricing API', () => {
  const row = (start: string, end: string, over = {}) => ({
    interval: '1',
    timeInterval: { resolution: '5min', start, end, value: '1' },
    ...{ node: 'INDIANA.HUB', lmp: -22.1, mcc: -43.44, mec: 21.34, mlc: 0 },
    ...over,
  });
  const page = (rows: readonly unknown[], lastPage = true) =>
    JSON.stringify({ data: rows, page: { pageNumber: 1, lastPage } });
  const FIRST = row('2025-11-02T00:00:00', '2025-11-02T00:05:00');
  const SECOND = row('2025-11-02 00:05:00.000', '2025-11-02 00:10:00.000');

  test('are read one after the other, energy as it is published', async () => {
    const { facts, rejects } = await decode(`${page([FIRST], false)}\n${page([SECOND])}`, 'lmp-expost');
    expect(rejects).toEqual([]);
    expect(facts.map(({ startAt }) => isoFromInstant(startAt).slice(11, 16))).toEqual(['05:00', '05:05']);
    expect(facts[0]).toMatchObject({ run: 'REAL_TIME_5_MIN', lmp: -22.1, energy: 21.34, congestion: -43.44, loss: 0 });
    expect(facts[0]).not.toHaveProperty('preliminary');
  });

  test.each([
    ['2025-11-02-real-time-lmp-expost-preliminary.json', FIRST, { run: 'REAL_TIME_5_MIN', preliminary: true }],
    [
      'real-time-lmp-expost-hourly.json',
      row('2025-11-02T00:00:00', '2025-11-02T01:00:00'),
      { run: 'REAL_TIME_HOURLY' },
    ],
    ['day-ahead-lmp-expost.json', row('2025-11-02T00:00:00', '2025-11-02T01:00:00'), { run: 'DAY_AHEAD_HOURLY' }],
  ])('in a file say whose prices they are by its name: %s', async (name, only, expected) => {
    expect((await decode(page([only]), name)).facts).toMatchObject([expected]);
  });

  test.each([
    ['a whole day', row('2025-11-02T00:00:00', '2025-11-03T00:00:00'), 'BAD_TIME'],
    ['no time', { ...FIRST, timeInterval: undefined }, 'BAD_TIME'],
    ['no node', { ...FIRST, node: undefined }, 'MISSING_FIELD'],
    ['no LMP', { ...FIRST, lmp: null }, 'MISSING_FIELD'],
    ['a price that is no number', { ...FIRST, mcc: 'high' }, 'BAD_VALUE'],
    ['nothing', null, 'MISSING_FIELD'],
  ])('with a row of %s reject it alone', async (_, bad, code) => {
    const { facts, rejects } = await decode(page([bad, SECOND]), 'lmp-expost');
    expect(facts).toHaveLength(1);
    expect(rejects).toMatchObject([{ code }]);
  });

  test.each([
    ['of ex-ante prices', page([FIRST]), 'day-ahead-lmp-exante.json'],
    ['that are cut off', page([FIRST, SECOND]).slice(0, -30), 'lmp-expost'],
    ['that do not say which page they are', JSON.stringify({ data: [FIRST] }), 'lmp-expost'],
    ['that came for a market report', page([FIRST]), 'rt_lmp_final'],
  ])('%s are malformed', async (_, text, name) => {
    await expect(decode(text, name)).rejects.toMatchObject({ code: 'MALFORMED' });
  });
});

describe('what MISO says instead of data', () => {
  test.each([
    ['its 404 without data', '{\n    "status": 404,\n    "reason": "Empty data returned for date"\n}', 'NO_DATA'],
    ['a 404 of another kind', '{"statusCode":404,"message":"Resource not found"}', 'SOURCE_REFUSED'],
    [
      'a key that is refused',
      '{"statusCode":401,"message":"Access denied due to invalid subscription key."}',
      'SOURCE_REFUSED',
    ],
    ['that it is asked too often', '{"statusCode":429,"message":"Rate limit is exceeded."}', 'THROTTLED'],
    ['a failure', '{"status":503,"reason":"Service Unavailable"}', 'SOURCE_FAILED'],
    ['a page with HTTP 200', '<!DOCTYPE html><html><body>Just a moment</body></html>', 'SOURCE_FAILED'],
    ['an error in XML', '<?xml version="1.0"?><Error><Code>BlobNotFound</Code></Error>', 'SOURCE_FAILED'],
    ['nothing of the kind', '{"hello":"world"}', 'MALFORMED'],
  ])('%s is told by the body', async (_, text, code) => {
    for (const name of ['lmp-expost', 'da_expost_lmp', 'GetRealTimeFiveMinExPost'])
      await expect(decode(text, name)).rejects.toMatchObject({ code });
  });
});

test('whatever bytes come, they are decoded or refused by name', async () => {
  const texts = [file(), table(FIVE)];
  const damage = fc.record({
    text: fc.constantFrom(...texts),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    drop: fc.nat(40),
    insert: fc.string({ maxLength: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ text, at, drop, insert }) => {
      const place = Math.floor(at * text.length);
      const broken = text.slice(0, place) + insert + text.slice(place + drop);
      const error = await decode(broken, 'saved').then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error === undefined || isBusbarError(error)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

describe.skipIf(!requireOrSkip('recorded-data'))('a recorded report', () => {
  test('has the values that a reading by hand finds', async () => {
    const bytes = readFileSync(join(RECORDED_DATA, 'miso/20251102_da_expost_lmp_reduced_dst_day.csv'));
    const { facts, rejects } = await decode(bytes, '20251102_da_expost_lmp_reduced_dst_day.csv');
    expect(rejects).toEqual([]);
    const lines = bytes.toString('utf8').trimEnd().split('\n').slice(4);
    const cents = (node: string, value: string, hour: number) => {
      const line = lines.find((each) => each.startsWith(`${node},`) && each.split(',')[2] === value);
      return line === undefined ? null : Math.round(Number(line.split(',')[2 + hour]) * 100);
    };
    const nodes = [...new Set(lines.map((line) => line.split(',')[0] ?? ''))];
    const expected = nodes.flatMap((node) =>
      Array.from({ length: 24 }, (_, i) => {
        const [lmp, mcc, mlc] = ['LMP', 'MCC', 'MLC'].map((value) => cents(node, value, i + 1));
        const mec = lmp === null || mcc === null || mlc === null ? null : Number(lmp) - Number(mcc) - Number(mlc);
        return [`MISO:${node}`, Date.UTC(2025, 10, 2, 5 + i), lmp, mec, mcc, mlc].join(' ');
      }),
    );
    const inCents = (value: number | null) => (value === null ? null : Math.round(value * 100));
    const read = facts.map(({ node, startAt, lmp, energy, congestion, loss }) =>
      [node, startAt, ...[lmp, energy, congestion, loss].map(inCents)].join(' '),
    );
    expect(read.sort()).toEqual(expected.sort());
    expect(read).toHaveLength(11 * 24);
    expect(facts.flatMap(checkIdentity)).toEqual([]);
  });
});
