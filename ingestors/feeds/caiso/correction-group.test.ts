import { describe, expect, test } from 'vitest';
import { isBusbarError } from '../../../domain/errors.ts';
import { zipOf } from '../../stand-ins/zip-writer.ts';
import { correctionsInAnswer, decodeOasisLmp } from './decode.ts';

/** No answer of the group has been recorded: these are by hand. */
const NOTICE_HEADER =
  'TRADE_DATE,HOUR_ENDING,INTERVAL,MARKET,AFFECTED_AREA,CORRECTION_METHOD,CORRECTION_COUNT,ENERGY_TYPECODE,CORRECTION_REASON,REPORT_GENERATED';
const NOTHING = '2024-07-01 00:00:00,,,DAM,,,,,No records found for report.,2024-07-09 08:00:00';
const CORRECTED =
  '2024-07-01 00:00:00,8,3,RTD,CAISO,Recalculated,2,EN,"Software defect, recalculated",2024-07-09 08:00:00';
const NOTICE = `${NOTICE_HEADER}\n${NOTHING}\n${CORRECTED}\n`;

const LMP_HEADER =
  'INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,NODE_ID_XML,NODE_ID,NODE,MARKET_RUN_ID,LMP_TYPE,XML_DATA_ITEM,PNODE_RESMRID,GRP_TYPE,POS,MW,OPR_INTERVAL,GROUP';
const row = (run: string, minutes: number, type: string, item: string, price: number) => {
  const end = minutes === 60 ? '15:00' : `14:${minutes}`;
  return `2024-07-01T14:00:00-00:00,2024-07-01T${end}:00-00:00,2024-07-01,8,N1,N1,N1,${run},${type},${item},N1,ALL,0,${price},1,1`;
};
const DAM_LMP = row('DAM', 60, 'LMP', 'LMP_PRC', 20);
const DAM_MCE = row('DAM', 60, 'MCE', 'LMP_ENE_PRC', 19);
const RTPD_LMP = row('RTPD', 15, 'LMP', 'LMP_PRC', 30);

describe('a notice of corrections', () => {
  test('tells the market and the time of each, and no fact', async () => {
    expect(await decode({ 'n.csv': NOTICE })).toEqual({ facts: [], rejects: [], places: [] });
    expect(await correctionsInAnswer(group({ 'n.csv': NOTICE }))).toEqual([
      { market: 'RTD', madeAt: Date.parse('2024-07-09T15:00:00Z') },
    ]);
  });

  test('of a day without corrections is no data', async () => {
    await expect(decode({ 'n.csv': `${NOTICE_HEADER}\n${NOTHING}\n` })).rejects.toMatchObject({ code: 'NO_DATA' });
    expect(await correctionsInAnswer(group({ 'n.csv': `${NOTICE_HEADER}\n${NOTHING}\n` }))).toEqual([]);
  });

  test('without a zip is read too', async () => {
    const bare = { bytes: Buffer.from(NOTICE), name: '20240701_PRC_CORR_GRP.csv' };
    expect(await decodeOasisLmp(bare)).toEqual({ facts: [], rejects: [], places: [] });
  });

  test.each([
    ['soon', undefined],
    ['2024-11-03 01:30:00', undefined],
    ['2024-07-09T08:00', Date.parse('2024-07-09T15:00Z')],
    ['2024-07-09 08:00:00.0', Date.parse('2024-07-09T15:00Z')],
  ])('that was made at "%s" tells so as far as it can be placed', async (text, madeAt) => {
    const changed = NOTICE.replaceAll('2024-07-09 08:00:00', text);
    expect(await correctionsInAnswer(group({ 'n.csv': changed }))).toEqual([{ market: 'RTD', madeAt }]);
  });
});

describe('corrected prices in the columns of the reports', () => {
  test('are facts, each member of its own market run', async () => {
    const { facts, rejects } = await decode({
      '20240701_PRC_RTPD_LMP_RTPD_v3.csv': csv(RTPD_LMP),
      'lmp.csv': csv(DAM_LMP),
      'mce.csv': csv(DAM_MCE),
      'nothing.csv': csv(),
    });
    expect(rejects).toEqual([]);
    expect(facts.map(({ run, lmp, energy }) => [run, lmp, energy])).toEqual([
      ['REAL_TIME_15_MIN', 30, null],
      ['DAY_AHEAD_HOURLY', 20, 19],
    ]);
  });

  test('may come beside a notice', async () => {
    expect((await decode({ 'n.csv': NOTICE, 'lmp.csv': csv(DAM_LMP) })).facts).toHaveLength(1);
  });

  test('without rows are no data', async () => {
    await expect(decode({ 'lmp.csv': csv() })).rejects.toMatchObject({ code: 'NO_DATA' });
  });

  test('with a doubtful row reject what it belongs to', async () => {
    const { facts, rejects } = await decode({ 'a.csv': csv(DAM_LMP.replace(',20,', ',NaN,')), 'b.csv': csv(RTPD_LMP) });
    expect(facts).toHaveLength(1);
    expect(rejects.map(({ code }) => code)).toEqual(['BAD_VALUE']);
  });
});

describe('anything else in the group is refused whole', () => {
  test.each([
    ['a member of another report', { 'as.csv': 'OPR_DT,ANC_TYPE,MW\n2024-07-01,SR,1\n' }, /price column|no column/],
    ['an unknown market run', { 'a.csv': csv(DAM_LMP.replace(',DAM,', ',RUC,')) }, /MARKET_RUN_ID is "RUC"/],
    ['two runs in one member', { 'a.csv': csv(DAM_LMP, RTPD_LMP) }, /DAM and of RTPD/],
    ['a member named after another report', { 'x_PRC_LMP_DAM.csv': csv(RTPD_LMP) }, /named after PRC_LMP/],
    ['a notice that lacks a column', { 'n.csv': NOTICE.replace(',MARKET,', ',MARCHE,') }, /no column MARKET/],
    ['a notice with a torn row', { 'n.csv': `${NOTICE}2024-07-01,9\n` }, /cannot be read as CSV/],
    ['a good member and a bad one', { 'a.csv': csv(DAM_LMP), 'b.csv': 'hello\n' }, /price column|no column/],
  ] as const)('%s', async (_, members, message) => {
    await expect(decode(members)).rejects.toMatchObject({ code: 'MALFORMED', message });
  });

  test('text that is not UTF-8', async () => {
    const bytes = zipOf([{ name: 'n.csv', bytes: Buffer.from(NOTICE.replace('CAISO', 'CAIS\xd6'), 'latin1') }]);
    await expect(decodeOasisLmp({ bytes, name: 'PRC_CORR_GRP' })).rejects.toMatchObject({ message: /UTF-8/ });
    expect(await correctionsInAnswer({ bytes, name: 'PRC_CORR_GRP' })).toEqual([]);
  });

  test('a notice cut off anywhere tells what it tells whole, less, or fails by name', async () => {
    for (let length = 0; length < NOTICE.length; length += 1) {
      const payload = group({ 'n.csv': NOTICE.slice(0, length) });
      const outcome = await decodeOasisLmp(payload).catch((error: unknown) => error);
      expect(isBusbarError(outcome) || JSON.stringify(outcome) === '{"facts":[],"rejects":[],"places":[]}').toBe(true);
    }
  });
});

test('two market runs outside the group stay malformed', async () => {
  const bytes = zipOf([
    { name: 'a.csv', bytes: Buffer.from(csv(DAM_LMP)) },
    { name: 'b.csv', bytes: Buffer.from(csv(RTPD_LMP)) },
  ]);
  await expect(decodeOasisLmp({ bytes, name: 'a.zip' })).rejects.toMatchObject({ code: 'MALFORMED' });
});

function csv(...rows: readonly string[]): string {
  return `${[LMP_HEADER, ...rows].join('\n')}\n`;
}

function group(members: Readonly<Record<string, string>>) {
  const files = Object.entries(members).map(([name, text]) => ({ name, bytes: Buffer.from(text) }));
  return { bytes: zipOf(files), name: 'PRC_CORR_GRP' };
}

function decode(members: Readonly<Record<string, string>>) {
  return decodeOasisLmp(group(members));
}
