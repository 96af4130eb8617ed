import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../../domain/instant.ts';
import { checkIdentity, type LmpFact } from '../../../domain/lmp.ts';
import { nodeNameFrom } from '../../../domain/market.ts';
import type { MarketRun } from '../../../domain/market-run.ts';
import { RECORDED_DATA, requireOrSkip } from '../../../tests/support/services.ts';
import { decodePjmLmp } from './decode.ts';

/** Rows as Data Miner 2 writes them; by hand. */
const HUB = {
  datetime_beginning_utc: '2024-07-01T14:00:00',
  datetime_beginning_ept: '2024-07-01T10:00:00',
  pnode_id: 51288,
  pnode_name: 'WESTERN HUB',
  voltage: null,
  equipment: null,
  type: 'HUB',
  zone: null,
};
const DA = {
  ...HUB,
  system_energy_price_da: 31.25,
  total_lmp_da: 33.104512,
  congestion_price_da: 2.354321,
  marginal_loss_price_da: -0.499809,
  row_is_current: true,
  version_nbr: 1,
};
const RT = {
  ...HUB,
  system_energy_price_rt: 10.75,
  total_lmp_rt: -4.25,
  congestion_price_rt: -14.5,
  marginal_loss_price_rt: -0.5,
  row_is_current: true,
  version_nbr: 1,
};
const UNVERIFIED = {
  ...HUB,
  datetime_beginning_utc: '2024-07-01T14:05:00.000',
  total_lmp_rt: 23.632196,
  congestion_price_rt: -0.045139,
  marginal_loss_price_rt: 0.187335,
};

describe('the four reports', () => {
  test('da_hrl_lmps is the day-ahead run', async () => {
    expect(await decode(page([DA]), 'da_hrl_lmps')).toEqual({
      facts: [fact('DAY_AHEAD_HOURLY', '2024-07-01T14:00Z', 60, [33.104512, 31.25, 2.354321, -0.499809])],
      rejects: [],
    });
  });

  test.each([
    ['rt_hrl_lmps', 'REAL_TIME_HOURLY', 60],
    ['rt_fivemin_hrl_lmps', 'REAL_TIME_5_MIN', 5],
  ] as const)('%s is %s, and a negative price is a price', async (name, run, minutes) => {
    expect(await decode(page([RT]), name)).toEqual({
      facts: [fact(run, '2024-07-01T14:00Z', minutes, [-4.25, 10.75, -14.5, -0.5])],
      rejects: [],
    });
  });

  test('of rt_unverified_fivemin_lmps the energy is what congestion and loss leave, and the price is preliminary', async () => {
    const { facts, rejects } = await decode(page([UNVERIFIED]), 'rt_unverified_fivemin_lmps');
    const prices = [23.632196, 23.49, -0.045139, 0.187335] as const;
    expect([facts, rejects]).toEqual([
      [{ ...fact('REAL_TIME_5_MIN', '2024-07-01T14:05Z', 5, prices), preliminary: true }],
      [],
    ]);
    expect(facts.flatMap(checkIdentity)).toEqual([]);
  });

  test('an energy that the unverified report should have one day is taken as it is', async () => {
    const { facts } = await decode(
      page([{ ...UNVERIFIED, system_energy_price_rt: 23.5 }]),
      'rt_unverified_fivemin_lmps',
    );
    expect(facts).toMatchObject([{ energy: 23.5 }]);
  });

  test('the energy of a verified report is never worked out', async () => {
    const { facts } = await decode(page([{ ...RT, system_energy_price_rt: null }]), 'rt_hrl_lmps');
    expect(facts).toMatchObject([{ energy: null, congestion: -14.5 }]);
  });
});

describe('which report it is', () => {
  const links = (report: string) => [
    { rel: 'self', href: `https://api.pjm.com/api/v1/${report}?rowCount=5&startRow=1` },
    { rel: 'metadata', href: `https://api.pjm.com/api/v1/${report}/metadata` },
  ];

  test.each([
    ['its name', page([RT]), 'rt_fivemin_hrl_lmps_2024-07-01.json'],
    ['a link', page([RT], { links: links('rt_fivemin_hrl_lmps') }), 'some.json'],
    ['the request itself', page([RT], { links: links('rt_fivemin_hrl_lmps').slice(0, 1) }), 'some.json'],
  ])('%s says', async (_, text, name) => {
    expect((await decode(text, name)).facts).toMatchObject([{ run: 'REAL_TIME_5_MIN' }]);
  });

  test('the columns say of the day-ahead report, which alone has them', async () => {
    expect((await decode(JSON.stringify([DA]), 'some.json')).facts).toHaveLength(1);
  });

  test.each([
    ['nothing says it', page([RT]), 'some.json', /which report/],
    ['name and link differ', page([RT], { links: links('rt_hrl_lmps') }), 'rt_fivemin_hrl_lmps', /rt_hrl_lmps and of/],
    ['it is another', page([RT], { links: links('rt_unverified_hrl_lmps') }), 'some.json', /does not read/],
    ['it has the columns of another', page([RT]), 'da_hrl_lmps', /no column total_lmp_da, congestion_price_da/],
  ])('where %s it is malformed', async (_, text, name, reason) => {
    await expect(decode(text, name)).rejects.toMatchObject({
      code: 'MALFORMED',
      message: expect.stringMatching(reason),
    });
  });
});

describe('a payload', () => {
  const second = { ...DA, datetime_beginning_utc: '2024-07-01T15:00:00' };
  const pretty = (items: readonly object[]) => JSON.stringify(JSON.parse(page(items)), null, 4);

  test.each([
    ['a page with a line end', `${page([DA, second])}\n`],
    ['rows alone, of a download', JSON.stringify([DA, second])],
    ['two pages, one a line', `${page([DA])}\n${page([second])}`],
    ['two pages laid out over many lines', `${pretty([DA])}\n${pretty([second])}`],
    [
      'with columns in another order',
      page([DA, second].map((row) => Object.fromEntries(Object.entries(row).reverse()))),
    ],
    ['with a byte-order mark', `\uFEFF${page([DA, second])}`],
    ['of which a page is empty', `${page([])}\n${page([DA, second])}`],
    ['in which a row comes twice', `${page([DA, second])}\n${page([second])}`],
  ])('%s is read', async (_, text) => {
    const { facts, rejects } = await decode(text);
    expect([facts.map(({ startAt }) => isoFromInstant(startAt).slice(11, 16)), rejects]).toEqual([
      ['14:00', '15:00'],
      [],
    ]);
  });

  test('with brackets and quotes in a name is read', async () => {
    const name = 'A } "B" ] \\';
    const { facts } = await decode(`${pretty([{ ...DA, pnode_name: name }])}\n${pretty([second])}`);
    expect(facts.map(({ node }) => node)).toEqual([`PJM:${name}`, 'PJM:WESTERN HUB']);
  });

  test.each([
    ['no rows', page([], { totalRows: 0 }), 'NO_DATA', /no rows/],
    ['no rows of a download', '[]', 'NO_DATA', /no rows/],
    ['none of the rows it tells of', page([], { totalRows: 7 }), 'MALFORMED', /none of the 7/],
    ['half a page', page([DA]).slice(0, 300), 'MALFORMED', /cut off/],
    ['a page and a half', `${page([DA])}\n${page([second]).slice(0, 300)}`, 'MALFORMED', /cut off/],
    ['nothing', ' \n', 'MALFORMED', /empty/],
    ['CSV', 'datetime_beginning_utc,pnode_id\n', 'MALFORMED', /no JSON/],
    ['no page', '{"a":1}', 'MALFORMED', /no "items"/],
    ['a number', '7', 'MALFORMED', /no page/],
    ['rows that are none', '{"items":[1]}', 'MALFORMED', /no rows/],
    ['a page of HTML', '<!DOCTYPE html><html></html>', 'SOURCE_FAILED', /HTML/],
    [
      'errors',
      '{"errors":[{"field":"Filters","message":"Date range cannot exceed 366 days","detail":["a","b"]}]}',
      'SOURCE_REFUSED',
      /Filters: Date range cannot exceed 366 days \(a, b\)/,
    ],
    ['a missing key', '{"statusCode":401,"message":"Access denied"}', 'SOURCE_REFUSED', /401: Access denied/],
    ['a used-up limit', '{"statusCode":429,"message":"Rate limit is exceeded"}', 'THROTTLED', /Rate limit/],
    ['a used-up quota', '{"statusCode":403,"message":"Out of call volume quota"}', 'THROTTLED', /quota/],
    ['a failure', '{"statusCode":500,"message":"Internal server error"}', 'SOURCE_FAILED', /500/],
  ])('of %s is an error that says so', async (_, text, code, message) => {
    await expect(decode(text)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test.each(['datetime_beginning_utc', 'pnode_name', 'total_lmp_da', 'system_energy_price_da', 'congestion_price_da'])(
    'whose column %s has another name is malformed, not full of blanks',
    async (column) => {
      const text = page([DA]).replaceAll(`"${column}"`, `"${column}_new"`);
      await expect(decode(text)).rejects.toMatchObject({ code: 'MALFORMED', message: expect.stringContaining(column) });
    },
  );

  test('that is not UTF-8 is malformed', async () => {
    const bytes = Buffer.from(page([DA]).replace('HUB', 'HÜB'), 'latin1');
    await expect(decodePjmLmp({ bytes, name: 'da_hrl_lmps' })).rejects.toMatchObject({ code: 'MALFORMED' });
  });
});

describe('a row', () => {
  test.each([
    ['no price', { total_lmp_da: null }, 'MISSING_FIELD', /WESTERN HUB at 2024-07-01T14:00:00/],
    ['a blank price', { total_lmp_da: ' ' }, 'MISSING_FIELD', /no total_lmp_da/],
    ['a price that is text', { total_lmp_da: '33.1' }, 'BAD_VALUE', /total_lmp_da is "33.1"/],
    ['a component that is none', { congestion_price_da: 'N/A' }, 'BAD_VALUE', /congestion_price_da/],
    ['no name', { pnode_name: ' ' }, 'MISSING_FIELD', /pnode_name/],
    ['a name that is none', { pnode_name: 7 }, 'MISSING_FIELD', /pnode_name/],
    ['no time', { datetime_beginning_utc: null }, 'BAD_TIME', /null/],
    ['a day that is none', { datetime_beginning_utc: '2024-02-30T05:00:00' }, 'BAD_TIME', /02-30/],
    ['the time of another zone', { datetime_beginning_utc: '2024-07-01T10:00:00-04:00' }, 'BAD_TIME', /-04:00/],
    ['a time within the hour', { datetime_beginning_utc: '2024-07-01T14:05:00' }, 'BAD_TIME', /every 60 minutes/],
    ['a version that is none', { version_nbr: 1.5 }, 'BAD_VALUE', /version_nbr 1.5/],
    ['a currency that is none', { row_is_current: 'maybe' }, 'BAD_VALUE', /row_is_current is "maybe"/],
  ])('with %s is rejected alone, and can be decoded again by its raw bytes', async (_, change, code, reason) => {
    const broken = { ...DA, ...change };
    const { facts, rejects } = await decode(page([{ ...DA, pnode_id: 1, pnode_name: 'PJM-RTO' }, broken]));
    expect(facts.map(({ node }) => node)).toEqual(['PJM:PJM-RTO']);
    expect(rejects).toMatchObject([{ code, reason: expect.stringMatching(reason) }]);
    const again = await decode(rejects[0]?.raw.toString() ?? '', 'some.json');
    expect(again).toEqual({ facts: [], rejects });
  });

  test('with a price beyond all numbers is rejected', async () => {
    const { rejects } = await decode(page([DA]).replace('33.104512', '1e999'));
    expect(rejects).toMatchObject([{ code: 'BAD_VALUE' }]);
  });

  test('has null for a component that is blank, never 0, and 0 for one that is 0', async () => {
    const blank = { system_energy_price_da: '', congestion_price_da: null, marginal_loss_price_da: 0 };
    expect((await decode(page([{ ...DA, ...blank }]))).facts).toMatchObject([
      { energy: null, congestion: null, loss: 0 },
    ]);
    const unverified = { ...UNVERIFIED, marginal_loss_price_rt: null };
    expect((await decode(page([unverified]), 'rt_unverified_fivemin_lmps')).facts).toMatchObject([
      { energy: null, loss: null },
    ]);
  });

  test.each(['2024-07-01T14:00:00', '2024-07-01T14:00:00.000', '2024-07-01T14:00:00Z'])(
    'begins at %s UTC',
    async (text) => {
      const { facts } = await decode(page([{ ...DA, datetime_beginning_utc: text }]));
      expect(facts.map(({ startAt }) => startAt)).toEqual([Date.parse('2024-07-01T14:00Z')]);
    },
  );

  test('whose components do not sum to the price is kept, and flagged by who stores it', async () => {
    const { facts } = await decode(page([{ ...DA, congestion_price_da: 9 }]));
    expect(facts.flatMap(checkIdentity)).toEqual(['IDENTITY_BREACH']);
  });
});

describe('versions', () => {
  const first = { ...DA, total_lmp_da: 30, row_is_current: false };
  const second = { ...DA, total_lmp_da: 31, version_nbr: 2 };

  test('of one price come the oldest first, so that the current one is stored last', async () => {
    for (const rows of [
      [first, second],
      [second, first],
    ]) {
      const { facts, rejects } = await decode(page(rows));
      expect([facts.map(({ lmp }) => lmp), rejects]).toEqual([[30, 31], []]);
      // Told apart by it when they are read again.
      expect(facts.map(({ sourceVersion }) => sourceVersion)).toEqual([undefined, 2]);
    }
  });

  test.each([
    ['that was replaced comes alone', [first], /highest of its versions/],
    [
      'is called current and is not the highest',
      [{ ...first, row_is_current: true }, second],
      /highest of its versions/,
    ],
    ['comes twice with other prices', [DA, { ...DA, total_lmp_da: 40 }], /twice in one version/],
    ['is of another node of that name', [DA, { ...DA, pnode_id: 7 }], /two nodes of that name, pnode_id 51288 and 7/],
  ])('one that %s is rejected: it would hide another', async (_, rows, reason) => {
    const { facts, rejects } = await decode(page(rows));
    expect(facts).toEqual([]);
    expect(rejects).toMatchObject([{ code: 'BAD_VALUE', reason: expect.stringMatching(reason) }]);
    expect(JSON.parse(rejects[0]?.raw.toString() ?? '').items).toEqual(rows);
  });
});

describe('the days on which clocks are set', () => {
  test.each([
    ['2024-03-10T05:00Z', 23],
    ['2024-11-03T04:00Z', 25],
  ])('that of %s has %i hours in order, none of which has the key of another', async (start, hours) => {
    const rows = Array.from({ length: hours }, (_, hour) => {
      const iso = isoFromInstant(Date.parse(start) + hour * HOUR_MS);
      // Eastern time, which the repeated hour shows twice.
      return {
        ...DA,
        datetime_beginning_utc: iso.slice(0, 19),
        datetime_beginning_ept: '2024-11-03T01:00:00',
        total_lmp_da: hour,
      };
    });
    const { facts, rejects } = await decode(page(rows.toReversed()));
    expect(rejects).toEqual([]);
    expect(facts.map(({ lmp }) => lmp)).toEqual(rows.map((_, hour) => hour));
    expect(new Set(facts.map(({ startAt }) => startAt)).size).toBe(hours);
  });
});

describe.skipIf(!requireOrSkip('recorded-data'))('recorded answers', () => {
  const folder = join(RECORDED_DATA, 'pjm');

  test('of da_hrl_lmps have the prices that are in their text', async () => {
    const bytes = readFileSync(join(folder, 'da_hrl_lmps_2024-02-20.json'));
    const { facts, rejects } = await decodePjmLmp({ bytes, name: 'da_hrl_lmps_2024-02-20.json' });
    // Cut out of the text, without a parser of JSON.
    const told = (column: string) =>
      [...bytes.toString().matchAll(new RegExp(`"${column}": "?([^",\n]+)`, 'g'))].map(([, value]) => value ?? '');
    expect(facts.length).toBeGreaterThan(1);
    expect(facts.map(({ node }) => node)).toEqual(told('pnode_name').map((name) => `PJM:${name}`));
    expect(facts.map(({ startAt }) => startAt)).toEqual(
      told('datetime_beginning_utc').map((text) => Date.parse(`${text}Z`)),
    );
    expect(facts.map(({ lmp }) => lmp)).toEqual(told('total_lmp_da').map(Number));
    expect(facts.map(({ energy }) => energy)).toEqual(told('system_energy_price_da').map(Number));
    expect(facts.map(({ congestion }) => congestion)).toEqual(told('congestion_price_da').map(Number));
    expect(facts.map(({ loss }) => loss)).toEqual(told('marginal_loss_price_da').map(Number));
    expect([rejects, facts.flatMap(checkIdentity)]).toEqual([[], []]);
  });

  test('of other reports are not taken for prices', async () => {
    const names = readdirSync(folder).filter((name) => !name.includes('lmps'));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const bytes = readFileSync(join(folder, name));
      await expect(decodePjmLmp({ bytes, name })).rejects.toMatchObject({ code: 'MALFORMED' });
    }
  });

  test('of an error are a refusal', async () => {
    const bytes = readFileSync(join(RECORDED_DATA, 'errors/pjm_dm2_error_shape.json'));
    await expect(decodePjmLmp({ bytes, name: 'da_hrl_lmps' })).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
  });
});

function page(items: readonly object[], more: object = {}): string {
  return JSON.stringify({
    links: [],
    items,
    searchSpecification: { rowCount: 50000 },
    totalRows: items.length,
    ...more,
  });
}

async function decode(text: string, name = 'da_hrl_lmps') {
  const { facts, rejects } = await decodePjmLmp({ bytes: Buffer.from(text), name });
  return { facts, rejects };
}

function fact(
  run: MarketRun,
  start: string,
  minutes: number,
  [lmp, energy, congestion, loss]: readonly [number, number, number, number],
): LmpFact {
  const node = nodeNameFrom('PJM', 'WESTERN HUB');
  if (!node) throw new TypeError('no node');
  const startAt = Date.parse(start);
  return { node, run, startAt, endAt: startAt + minutes * MINUTE_MS, lmp, energy, congestion, loss, ghg: null };
}
