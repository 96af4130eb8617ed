import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import { isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import { checkIdentity, type LmpFact } from '../../../domain/lmp.ts';
import { RECORDED_DATA, requireOrSkip } from '../../../tests/support/services.ts';
import { zipOf } from '../../stand-ins/zip-writer.ts';
import { decodeOasisLmp, errorInAnswer, publishedAtOf } from './decode.ts';

/** The day-ahead report, two hours of one node, as OASIS writes it; by hand. */
const DAM_HEADER =
  'INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,OPR_INTERVAL,NODE_ID_XML,NODE_ID,NODE,MARKET_RUN_ID,LMP_TYPE,XML_DATA_ITEM,PNODE_RESMRID,GRP_TYPE,POS,MW,GROUP';
const HE8 = '2024-07-01T14:00:00-00:00,2024-07-01T15:00:00-00:00,2024-07-01,8,0';
const HE9 = '2024-07-01T15:00:00-00:00,2024-07-01T16:00:00-00:00,2024-07-01,9,0';
const NP15 = 'TH_NP15_GEN-APND,TH_NP15_GEN-APND,TH_NP15_GEN-APND,DAM';
const DAM = `${DAM_HEADER}
${HE8},${NP15},LMP,LMP_PRC,TH_NP15_GEN-APND,ALL,0,31.50125,1
${HE9},${NP15},LMP,LMP_PRC,TH_NP15_GEN-APND,ALL,0,-4.25,1
${HE8},${NP15},MCC,LMP_CONG_PRC,TH_NP15_GEN-APND,ALL,0,-2.00005,2
${HE9},${NP15},MCC,LMP_CONG_PRC,TH_NP15_GEN-APND,ALL,0,-14.5,2
${HE8},${NP15},MCE,LMP_ENE_PRC,TH_NP15_GEN-APND,ALL,0,34,3
${HE9},${NP15},MCE,LMP_ENE_PRC,TH_NP15_GEN-APND,ALL,0,10.75,3
${HE8},${NP15},MCL,LMP_LOSS_PRC,TH_NP15_GEN-APND,ALL,0,-.4987,4
${HE9},${NP15},MCL,LMP_LOSS_PRC,TH_NP15_GEN-APND,ALL,0,-0.5,4
${HE8},${NP15},MGHG,LMP_GHG_PRC,TH_NP15_GEN-APND,ALL,0,0,5
${HE9},${NP15},MGHG,LMP_GHG_PRC,TH_NP15_GEN-APND,ALL,0,0,5
`;
const DAM_FACTS: LmpFact[] = [
  fact('TH_NP15_GEN-APND', 'DAY_AHEAD_HOURLY', '2024-07-01T14:00Z', 60, [31.50125, 34, -2.00005, -0.4987, 0]),
  fact('TH_NP15_GEN-APND', 'DAY_AHEAD_HOURLY', '2024-07-01T15:00Z', 60, [-4.25, 10.75, -14.5, -0.5, 0]),
];

describe('an answer', () => {
  const NOTICE = 'TRADE_DATE,MARKET,CORRECTION_REASON,REPORT_GENERATED\n2024-07-10,DAM,price,2024-07-10 16:20:31\n';
  const zip = zipOf([{ name: '20240701_PRC_LMP_DAM.csv', bytes: Buffer.from(DAM) }]);
  const read = (bytes: Buffer | string) => errorInAnswer({ bytes: Buffer.from(bytes), name: 'PRC_LMP' });

  test.each([
    ['a zip', zip],
    ['a CSV', DAM],
    ['a CSV whose last line has no end', DAM.trimEnd()],
    ['a CSV of no rows', `${DAM_HEADER}\n`],
    ['a notice of corrections', NOTICE],
  ])('that is whole is none that has to be asked for again: %s', async (_, bytes) => {
    expect(await read(bytes)).toBeUndefined();
  });

  test.each([
    ['half a zip', zip.subarray(0, zip.length / 2)],
    ['a zip with a bit turned', turned(zip, 200)],
    ['half a CSV', DAM.slice(0, DAM.length / 2)],
    ['half a header', DAM_HEADER.slice(0, 50)],
    ['half a CSV in a zip', zipOf([{ name: 'PRC_LMP.csv', bytes: Buffer.from(DAM.slice(0, DAM.length / 2)) }])],
    ['nothing', ''],
    ['a notice without its columns', NOTICE.replace('MARKET', 'MARKT').replace('REPORT_GENERATED', 'REPORT')],
  ])('that is damaged is told from one that is whole: %s', async (_, bytes) => {
    expect(await read(bytes)).toMatchObject({ code: 'MALFORMED' });
  });
});

function turned(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  other[at] = (other[at] ?? 0) ^ 1;
  return other;
}

describe('the four reports', () => {
  test('PRC_LMP is the day-ahead run, its price in MW', async () => {
    expect(await decode(DAM)).toEqual({ facts: DAM_FACTS, rejects: [] });
    expect(DAM_FACTS.flatMap(checkIdentity)).toEqual([]);
  });

  test.each([
    ['PRC_INTVL_LMP', 'RTM', 'VALUE', 5, 'REAL_TIME_5_MIN'],
    ['PRC_RTPD_LMP', 'RTPD', 'PRC', 15, 'REAL_TIME_15_MIN'],
    ['PRC_HASP_LMP', 'HASP', 'MW', 15, 'HOUR_AHEAD_15_MIN'],
  ] as const)(
    '%s (%s) has its price in %s, intervals of %i minutes and is %s',
    async (name, market, column, minutes, run) => {
      const end = `2024-07-01T14:${String(minutes).padStart(2, '0')}:00-00:00`;
      const csv = reordered(column, [
        `2024-07-01T14:00:00-00:00,${end},2024-07-01,8,N1,N1,N1,${market},LMP,LMP_PRC,N1,ALL,0,21.5,1,1`,
        `2024-07-01T14:00:00-00:00,${end},2024-07-01,8,N1,N1,N1,${market},MCE,LMP_ENE_PRC,N1,ALL,0,20,1,2`,
        `2024-07-01T14:00:00-00:00,${end},2024-07-01,8,N1,N1,N1,${market},MGHG,LMP_GHG_PRC,N1,ALL,0,1.5,1,2`,
      ]);
      const decoded = await decode(csv, name);
      expect(decoded).toEqual({
        facts: [fact('N1', run, '2024-07-01T14:00Z', minutes, [21.5, 20, null, null, 1.5])],
        rejects: [],
      });
    },
  );

  test('columns are found by name, whatever their order, case and line ends', async () => {
    const lines = DAM.trimEnd()
      .split('\n')
      .map((line) => line.split(',').reverse().join(','));
    const text = `\uFEFF${lines[0]?.toLowerCase()}\r\n${lines.slice(1).join('\r\n')}\r\n`;
    expect((await decode(text)).facts).toEqual(DAM_FACTS);
  });

  test('a quoted field is read as CSV has it', async () => {
    const quoted = DAM.replaceAll('31.50125', '"31.50125"').replaceAll(
      ',TH_NP15_GEN-APND,DAM',
      ',"TH_NP15_GEN-APND",DAM',
    );
    expect((await decode(quoted)).facts).toEqual(DAM_FACTS);
  });

  test('a group download with one file for each LMP_TYPE is pivoted over its files', async () => {
    const [header = '', ...lines] = DAM.trimEnd().split('\n');
    const types = ['LMP', 'MCC', 'MCE', 'MCL', 'MGHG'];
    const members = types.map((type) => ({
      name: `20240701_20240701_PRC_LMP_DAM_${type}_v12.csv`,
      bytes: Buffer.from([header, ...lines.filter((line) => line.includes(`,${type},`)), ''].join('\n')),
    }));
    const { facts, rejects } = await decodeOasisLmp({ bytes: zipOf(members), name: '20240701_DAM_LMP_GRP.zip' });
    expect({ facts, rejects }).toEqual({ facts: DAM_FACTS, rejects: [] });
  });

  test('facts come in the order of their intervals', async () => {
    const [header, ...lines] = DAM.trimEnd().split('\n');
    expect((await decode(`${[header, ...lines.reverse()].join('\n')}\n`)).facts).toEqual(DAM_FACTS);
  });
});

describe('the days of the clock changes', () => {
  test('the repeated hour of autumn (OPR_HR 25, filed between 2 and 3) keeps its own place', async () => {
    const hours = [
      ['08', '09', 2],
      ['09', '10', 25],
      ['10', '11', 3],
    ];
    const rows = hours.map(([from, to, hour]) =>
      damRow(`2024-11-03T${from}:00:00-00:00,2024-11-03T${to}:00:00-00:00,2024-11-03,${hour},0`, `${hour}.5`),
    );
    const { facts, rejects } = await decode(`${[DAM_HEADER, ...rows].join('\n')}\n`);
    expect(rejects).toEqual([]);
    expect(facts.map(({ startAt, lmp }) => [isoFromInstant(startAt), lmp])).toEqual([
      ['2024-11-03T08:00:00.000Z', 2.5],
      ['2024-11-03T09:00:00.000Z', 25.5],
      ['2024-11-03T10:00:00.000Z', 3.5],
    ]);
  });

  test('spring has no OPR_HR 3 and no gap in UTC', async () => {
    const hours = [
      ['09', '10', 2],
      ['10', '11', 4],
    ];
    const rows = hours.map(([from, to, hour]) =>
      damRow(`2024-03-10T${from}:00:00-00:00,2024-03-10T${to}:00:00-00:00,2024-03-10,${hour},0`, `${hour}`),
    );
    const { facts } = await decode(`${[DAM_HEADER, ...rows].join('\n')}\n`);
    expect(facts[0]?.endAt).toBe(facts[1]?.startAt);
  });
});

describe('what is missing or wrong in rows', () => {
  test('a blank component is null and never 0', async () => {
    const { facts } = await decode(DAM.replace(',-2.00005,', ',,'));
    expect(facts[0]).toEqual({ ...DAM_FACTS[0], congestion: null });
  });

  test('a negative price is a price', async () => {
    expect((await decode(DAM)).facts[1]?.lmp).toBe(-4.25);
  });

  test.each([
    ['a blank LMP', 'MISSING_FIELD', (csv: string) => csv.replace(',31.50125,', ',,')],
    ['a missing LMP row', 'MISSING_FIELD', (csv: string) => csv.replace(/.*31\.50125.*\n/, '')],
    ['a blank node', 'MISSING_FIELD', (csv: string) => csv.replaceAll(`${HE8},${NP15}`, `${HE8},,,,DAM`)],
    ['NaN', 'BAD_VALUE', (csv: string) => csv.replace('31.50125', 'NaN')],
    ['Infinity', 'BAD_VALUE', (csv: string) => csv.replace('31.50125', 'Infinity')],
    ['1e999', 'BAD_VALUE', (csv: string) => csv.replace('31.50125', '1e999')],
    ['a hexadecimal number', 'BAD_VALUE', (csv: string) => csv.replace('31.50125', '0x1F')],
    ['a word for a component', 'BAD_VALUE', (csv: string) => csv.replace('-2.00005', 'n/a')],
    ['two rows of a type that differ', 'BAD_VALUE', (csv: string) => `${csv}${damRow(HE8, '31.5')}\n`],
    ['an unknown LMP_TYPE', 'NOT_THE_FORMAT', (csv: string) => csv.replace('MCC,LMP_CONG_PRC', 'MCX,LMP_CONG_PRC')],
    [
      'LMP_TYPE and XML_DATA_ITEM that differ',
      'NOT_THE_FORMAT',
      (csv: string) => csv.replace('MCC,LMP_CONG_PRC', 'MCC,LMP_LOSS_PRC'),
    ],
    ['an hour of 59 minutes', 'BAD_TIME', (csv: string) => csv.replaceAll(HE8, HE8.replace('15:00:00', '14:59:00'))],
    [
      'an interval off the grid',
      'BAD_TIME',
      (csv: string) => csv.replaceAll(HE8, HE8.replaceAll(':00:00-', ':30:00-')),
    ],
    ['a day that does not exist', 'BAD_TIME', (csv: string) => csv.replaceAll(HE8, HE8.replaceAll('07-01T', '06-31T'))],
    ['a time without a zone', 'BAD_TIME', (csv: string) => csv.replaceAll(HE8, HE8.replaceAll('-00:00', ''))],
  ] as const)('%s rejects the fact as %s, with the lines concerned, and keeps the rest', async (_, code, change) => {
    const { facts, rejects } = await decode(change(DAM));
    expect(facts).toEqual([DAM_FACTS[1]]);
    expect(rejects.map((reject) => reject.code)).toEqual([code]);
    const raw = rejects[0]?.raw.toString() ?? '';
    expect(raw.startsWith(`${DAM_HEADER}\n2024-0`)).toBe(true);
    expect(raw).toContain(',34,3\n');
    expect(raw).not.toContain(HE9);
  });

  test('a line with too few fields is rejected by itself', async () => {
    const { facts, rejects } = await decode(DAM.replace(/,MGHG,LMP_GHG_PRC,TH_NP15_GEN-APND,ALL,0,0,5\n/, ',MGHG\n'));
    expect(rejects.map(({ code, reason }) => [code, reason])).toEqual([
      ['NOT_THE_FORMAT', 'the line has 10 fields, expected 16 fields'],
    ]);
    expect(facts).toEqual([{ ...DAM_FACTS[0], ghg: null }, DAM_FACTS[1]]);
  });

  test('the raw bytes of a reject can be decoded again by themselves', async () => {
    const { rejects } = await decode(DAM.replace('31.50125', 'NaN'));
    const mended = rejects[0]?.raw.toString().replace('NaN', '31.50125') ?? '';
    expect((await decode(mended)).facts).toEqual([DAM_FACTS[0]]);
  });

  test('a last line that may be cut off inside its price is not believed', async () => {
    const priceLast = DAM.replace(',MW,GROUP', ',GROUP,MW').replace(/,([-.\d]+),(\d)\n/g, ',$2,$1\n');
    expect((await decode(priceLast)).facts).toEqual(DAM_FACTS);
    const cut = priceLast.replace(/(,LMP,[^\n]*)\n.*/s, (_, first: string) => first.slice(0, -2));
    expect(await decode(cut)).toMatchObject({ facts: [], rejects: [{ code: 'NOT_THE_FORMAT', reason: /cut off/ }] });
  });
});

describe('payloads that are refused whole', () => {
  test.each([
    ['an unknown market run', () => csv(DAM.replace(/,DAM,/g, ',RUC,')), /MARKET_RUN_ID is "RUC"/],
    ['two market runs', () => csv(DAM.replace(/,DAM,MGHG/g, ',RTM,MGHG')), /DAM and of RTM/],
    ['rows of another report than the name says', () => csv(DAM, 'PRC_RTPD_LMP'), /named after PRC_RTPD_LMP/],
    ['no price column', () => csv(DAM.replace(',MW,', ',MEGAWATT,')), /one price column/],
    ['two price columns', () => csv(DAM.replace(',MW,GROUP', ',MW,PRC')), /one price column/],
    ['no NODE column', () => csv(DAM.replace(',NODE,', ',KNOT,')), /no column NODE/],
    ['a column twice', () => csv(DAM.replace(',GROUP', ',POS')), /two columns/],
    ['text that is not UTF-8', () => csv(Buffer.from(DAM.replace('NP15', 'NP\xe9'), 'latin1')), /UTF-8/],
    ['nothing', () => csv(''), /no line end/],
    ['something else', () => csv('{"prices": []}\n'), /price column|no column/],
    ['an empty zip', () => csv(zipOf([])), /empty/],
    [
      'XML data',
      () => csv('<?xml version="1.0"?><OASISReport><MessagePayload><RTO/></MessagePayload></OASISReport>'),
      /resultformat=6/,
    ],
    ['XML cut off', () => csv(errorXml(1000).slice(0, -40)), /XML cannot be read/],
  ] as const)('%s', async (_, payload, message) => {
    await expect(decodeOasisLmp(payload())).rejects.toMatchObject({ code: 'MALFORMED', message });
  });

  test.each([
    [1000, 'NO_DATA'],
    [1001, 'NO_DATA'],
    [1003, 'SOURCE_FAILED'],
    [1015, 'SOURCE_FAILED'],
    [1004, 'SOURCE_REFUSED'],
    [1017, 'SOURCE_REFUSED'],
    [1020, 'SOURCE_REFUSED'],
  ])('OASIS error %i is %s, bare or zipped, prefixed or not', async (code, expected) => {
    const bare = errorXml(code);
    const zipped = zipOf([{ name: 'INVALID_REQUEST.xml', bytes: Buffer.from(bare) }]);
    for (const bytes of [Buffer.from(bare), zipped, Buffer.from(bare.replaceAll('m:', ''))]) {
      const failure = decodeOasisLmp({ bytes, name: 'PRC_LMP' });
      await expect(failure).rejects.toMatchObject({ code: expected, message: /says \d+: what it means/ });
      await expect(failure).rejects.toMatchObject({ details: { oasisCode: String(code) } });
    }
  });

  test('an HTML page is throttling', async () => {
    await expect(decode('\n<!DOCTYPE html>\n<html><body>Too many</body></html>')).rejects.toMatchObject({
      code: 'THROTTLED',
    });
  });

  test('a header without rows is no data', async () => {
    await expect(decode(`${DAM_HEADER}\n`)).rejects.toMatchObject({ code: 'NO_DATA' });
  });
});

describe('when it was published', () => {
  test('a member name carries the Pacific time of the request', async () => {
    const zip = (name: string) => ({ bytes: zipOf([{ name, bytes: Buffer.from(DAM) }]), name: 'x.zip' });
    const winter = await publishedAtOf(zip('20231212_20231213_PRC_LMP_DAM_20231116_10_39_53_v12.csv'));
    expect(winter).toBe(Date.parse('2023-11-16T18:39:53Z'));
    const summer = await publishedAtOf(zip('20240701_20240702_PRC_LMP_DAM_20240703_10_39_53_v12.csv'));
    expect(summer).toBe(Date.parse('2024-07-03T17:39:53Z'));
    expect(await publishedAtOf(zip('20240101_20240115_PRC_HASP_LMP_HASP_v1.csv'))).toBeUndefined();
  });

  test('a name within the repeated hour of autumn, or the one that spring leaves out, does not say', async () => {
    for (const time of ['20241103_01_30_00', '20240310_02_30_00', '20241332_01_30_00']) {
      expect(await publishedAtOf({ bytes: Buffer.from(DAM), name: `a_PRC_LMP_DAM_${time}_v12.csv` })).toBeUndefined();
    }
  });

  test('an XML document carries its instant', async () => {
    expect(await publishedAtOf({ bytes: Buffer.from(errorXml(1000)), name: 'error.xml' })).toBe(
      Date.parse('2023-11-16T18:39:53.815Z'),
    );
  });
});

describe('damaged bytes never make a wrong fact', () => {
  const zipped = zipOf([{ name: '20240701_20240702_PRC_LMP_DAM_v12.csv', bytes: Buffer.from(DAM) }]);

  test('a CSV cut off anywhere gives true facts, perhaps without a component, or a named failure', async () => {
    for (let length = 0; length < DAM.length; length += 1) {
      const outcome = await outcomeOf(Buffer.from(DAM.slice(0, length)));
      if (outcome instanceof BusbarError) continue;
      for (const each of outcome.facts) expect(isTrue(each)).toBe(true);
    }
  });

  test('a zip with a changed byte, or cut off, gives the same facts or a named failure', async () => {
    const change = fc.record({
      place: fc.nat(zipped.length - 1),
      change: fc.integer({ min: 1, max: 255 }),
      cut: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ place, change, cut }) => {
        const mutated = Buffer.from(zipped);
        mutated.writeUInt8(mutated.readUInt8(place) ^ change, place);
        const outcome = await outcomeOf(cut ? zipped.subarray(0, place) : mutated);
        if (!(outcome instanceof BusbarError)) expect(outcome).toEqual({ facts: DAM_FACTS, rejects: [] });
      }),
      { numRuns: 500 },
    );
  });

  test('a field replaced by anything gives no number that is not finite and no unnamed failure', async () => {
    const lines = DAM.trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    const field = fc.oneof(
      fc.string(),
      fc.constantFrom('', 'NaN', '-Infinity', '1e999', '0x10', '1_000', '１', '"', '5.', '--1'),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(lines.length - 1), fc.nat(15), field, async (line, column, text) => {
        const changed = lines.map((fields, i) => (i === line ? fields.with(column, text) : fields));
        const outcome = await outcomeOf(Buffer.from(`${changed.map((fields) => fields.join(',')).join('\n')}\n`));
        if (outcome instanceof BusbarError) return;
        for (const { lmp, energy, congestion, loss, ghg } of outcome.facts) {
          for (const price of [lmp, energy, congestion, loss, ghg])
            expect(price === null || Number.isFinite(price)).toBe(true);
        }
        expect(outcome.facts.length + outcome.rejects.length).toBeGreaterThanOrEqual(2);
      }),
      { numRuns: 500 },
    );
  });

  function isTrue(found: LmpFact): boolean {
    const truth = DAM_FACTS.find(({ node, startAt }) => node === found.node && startAt === found.startAt);
    if (!truth || truth.lmp !== found.lmp || truth.endAt !== found.endAt) return false;
    const parts = ['energy', 'congestion', 'loss', 'ghg'] as const;
    return parts.every((part) => found[part] === null || found[part] === truth[part]);
  }
});

describe.skipIf(!requireOrSkip('recorded-data'))('recorded answers of OASIS', () => {
  const recorded = (name: string) => ({ bytes: readFileSync(join(RECORDED_DATA, 'caiso', name)), name });

  test('two weeks of PRC_HASP_LMP at Palo Verde', async () => {
    const payload = recorded('oasis_PRC_HASP_LMP_PALOVRDE_20240101_20240115.zip');
    const { facts, rejects } = await decodeOasisLmp(payload);
    const prices = facts.map((each) => each.lmp);
    expect(rejects).toEqual([]);
    expect(facts).toHaveLength(1344);
    expect(Math.min(...prices)).toBe(-267.09415);
    expect(Math.max(...prices)).toBe(305.92398);
    expect(prices.reduce((sum, price) => sum + price, 0) / prices.length).toBeCloseTo(53.88953691964281, 10);
    expect(prices.filter((price) => price < 0)).toHaveLength(44);
    expect(isoFromInstant(facts[0]?.startAt ?? 0)).toBe('2024-01-01T07:00:00.000Z');
    expect(isoFromInstant(facts.at(-1)?.endAt ?? 0)).toBe('2024-01-15T07:00:00.000Z');
    expect(facts[0]).toEqual(
      fact('PALOVRDE_5_N101', 'HOUR_AHEAD_15_MIN', '2024-01-01T07:00Z', 15, [
        36.57843,
        43.14078,
        -0.0012,
        -0.54203,
        null,
      ]),
    );
    expect(facts.every(({ startAt }, i) => i === 0 || startAt === facts[i - 1]?.endAt)).toBe(true);
    expect(new Set(facts.flatMap(checkIdentity))).toEqual(new Set(['GHG_MISSING']));
    expect(await publishedAtOf(payload)).toBeUndefined();
  });

  test('error 1000', async () => {
    const payload = recorded('oasis_error_1000_no_data.zip');
    await expect(decodeOasisLmp(payload)).rejects.toMatchObject({ code: 'NO_DATA', details: { oasisCode: '1000' } });
    expect(await publishedAtOf(payload)).toBe(Date.parse('2023-11-16T18:39:53Z'));
  });

  test('a load forecast is no LMP report', async () => {
    await expect(decodeOasisLmp(recorded('oasis_SLD_FCST_20230812.zip'))).rejects.toMatchObject({ code: 'MALFORMED' });
    await expect(decodeOasisLmp(recorded('oasis_SLD_FCST_xml_20140508.xml'))).rejects.toMatchObject({
      code: 'MALFORMED',
    });
  });
});

async function decode(text: string, name = 'file.csv') {
  const { facts, rejects } = await decodeOasisLmp({ bytes: Buffer.from(text), name });
  return { facts, rejects };
}

function csv(content: string | Buffer, name = 'file.csv') {
  return { bytes: Buffer.from(content), name };
}

async function outcomeOf(bytes: Buffer) {
  try {
    const { facts, rejects } = await decodeOasisLmp({ bytes, name: 'PRC_LMP' });
    return { facts, rejects };
  } catch (error) {
    if (isBusbarError(error)) return error;
    throw error;
  }
}

function damRow(times: string, price: string): string {
  return `${times},${NP15},LMP,LMP_PRC,TH_NP15_GEN-APND,ALL,0,${price},1`;
}

/** The order of columns that the real-time reports have. */
function reordered(priceColumn: string, rows: readonly string[]): string {
  const before = 'INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,NODE_ID_XML,NODE_ID,NODE,MARKET_RUN_ID';
  return `${before},LMP_TYPE,XML_DATA_ITEM,PNODE_RESMRID,GRP_TYPE,POS,${priceColumn},OPR_INTERVAL,GROUP\n${rows.join('\n')}\n`;
}

type Parts = readonly [
  lmp: number,
  energy: number | null,
  congestion: number | null,
  loss: number | null,
  ghg: number | null,
];

function fact(
  node: string,
  run: LmpFact['run'],
  start: string,
  minutes: number,
  [lmp, energy, congestion, loss, ghg]: Parts,
): LmpFact {
  const startAt = Date.parse(start);
  return {
    node: `CAISO:${node}` as LmpFact['node'],
    run,
    startAt,
    endAt: startAt + minutes * MINUTE_MS,
    lmp,
    energy,
    congestion,
    loss,
    ghg,
  };
}

function errorXml(code: number): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<m:OASISReport xmlns:m="http://www.caiso.com/soa/OASISReport_v1.xsd">
<m:MessageHeader><m:TimeDate>2023-11-16T18:39:53.815Z</m:TimeDate><m:Source>OASIS</m:Source></m:MessageHeader>
<m:MessagePayload><m:RTO><m:name>CAISO</m:name>
<m:ERROR><m:ERR_CODE>${code}</m:ERR_CODE><m:ERR_DESC>what it means</m:ERR_DESC></m:ERROR>
</m:RTO></m:MessagePayload></m:OASISReport>
`;
}
