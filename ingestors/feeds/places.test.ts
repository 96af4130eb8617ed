/** What the payloads of every vendor tell of nodes: of recorded ones where they are there, else of some in their format. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Place } from '../../domain/place.ts';
import { RECORDED_DATA, requireOrSkip } from '../../tests/support/services.ts';
import type { Feed } from '../feed.ts';
import { caisoLmp } from './caiso/feed.ts';
import { ercotLmp } from './ercot/feed.ts';
import { isoneLmp } from './isone/feed.ts';
import { misoLmp } from './miso/feed.ts';
import { nyisoLmp } from './nyiso/feed.ts';
import { pjmLmp } from './pjm/feed.ts';
import { sppLmp } from './spp/feed.ts';

const placesOf = async ({ decode }: Feed, text: string | Buffer, name: string): Promise<Map<string, Place>> => {
  const { places = [] } = await decode({ bytes: Buffer.from(text), name });
  expect(new Set(places.map(({ node }) => node)).size).toBe(places.length);
  return new Map(places.map((place) => [place.node, place]));
};

describe('PJM', () => {
  const row = (fields: object) => ({
    datetime_beginning_utc: '2024-07-01T14:00:00',
    ...{ pnode_id: 51288, pnode_name: 'WESTERN HUB', voltage: null, equipment: null, type: 'HUB', zone: null },
    ...{ system_energy_price_da: 20, total_lmp_da: 20, congestion_price_da: 0, marginal_loss_price_da: 0 },
    ...fields,
  });
  const places = (...rows: object[]) => placesOf(pjmLmp, JSON.stringify({ items: rows }), 'da_hrl_lmps');

  it('tells of type, zone and number, and of a point what it is called', async () => {
    const point = {
      pnode_id: 7,
      pnode_name: 'ABERDEEN',
      voltage: '138 KV',
      equipment: 'T1',
      type: 'LOAD',
      zone: 'BGE',
    };
    const at = Date.parse('2024-07-01T14:00Z');
    expect([...(await places(row({}), row(point))).values()]).toEqual([
      { node: 'PJM:WESTERN HUB', kind: 'HUB', zone: null, title: null, aliases: ['51288'], at },
      { node: 'PJM:ABERDEEN', kind: 'LOAD', zone: 'BGE', title: 'ABERDEEN 138 KV T1', aliases: ['7'], at },
    ]);
  });

  it('leaves open what a row does not say, and a type that is not known', async () => {
    const { zone: _z, voltage: _v, equipment: _e, ...bare } = row({ type: 'MOON' });
    expect((await places(bare)).get('PJM:WESTERN HUB')).toEqual({
      ...{ node: 'PJM:WESTERN HUB', aliases: ['51288'], at: Date.parse('2024-07-01T14:00Z') },
    });
  });

  it('keeps nothing that no store takes', async () => {
    expect((await places(row({ zone: 'A\u0000B', pnode_id: '\ud800' }))).get('PJM:WESTERN HUB')).toMatchObject({
      zone: null,
      aliases: [],
    });
  });

  it('tells of each node once, since the first interval', async () => {
    const later = '2024-07-01T15:00:00';
    const found = await places(row({ datetime_beginning_utc: later, type: 'ZONE' }), row({}));
    expect([...found.values()]).toMatchObject([{ kind: 'ZONE', at: Date.parse('2024-07-01T14:00Z') }]);
  });
});

it('ERCOT tells of kinds in the report of settlement prices, and nothing in the others', async () => {
  const header =
    'DeliveryDate,DeliveryHour,DeliveryInterval,SettlementPointName,SettlementPointType,SettlementPointPrice,DSTFlag';
  const rows = [
    ['HB_HOUSTON', 'HU'],
    ['LZ_WEST', 'LZ'],
    ['LZ_WEST', 'LZEW'],
    ['AMADEUS_ALL', 'RN'],
    ['X', 'NEW'],
  ].map(([name, type]) => `07/01/2024,8,1,${name},${type},20.5,N`);
  const places = await placesOf(ercotLmp, `${[header, ...rows].join('\n')}\n`, 'np6-905-cd');
  expect([...places].map(([node, { kind }]) => [node, kind])).toEqual([
    ['ERCOT:HB_HOUSTON', 'HUB'],
    ['ERCOT:LZ_WEST', 'ZONE'],
    ['ERCOT:LZ_WEST_EW', 'ZONE'],
    ['ERCOT:AMADEUS_ALL', 'RESOURCE'],
  ]);
});

it('CAISO tells by names and groups what a node is', async () => {
  const header =
    'INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,NODE_ID_XML,NODE_ID,NODE,MARKET_RUN_ID,LMP_TYPE,XML_DATA_ITEM,PNODE_RESMRID,GRP_TYPE,POS,MW,GROUP';
  const times = '2024-07-01T14:00:00-00:00,2024-07-01T15:00:00-00:00,2024-07-01,8';
  const row = (node: string, resource: string, group: string) =>
    `${times},${node},${node},${node},DAM,LMP,LMP_PRC,${resource},${group},0,20,1`;
  const text = [
    header,
    row('TH_NP15_GEN-APND', 'TH_NP15_GEN-APND', 'ALL'),
    row('DLAP_PGAE-APND', 'DLAP_PGAE-APND', 'ALL'),
    row('ELCAJN_6_N001', 'ELCAJN_6_UNITA1', 'ALL'),
    row('POD_X', 'POD_X', 'ALL_APNODES'),
  ];
  const places = await placesOf(caisoLmp, `${text.join('\n')}\n`, 'PRC_LMP');
  expect([...places.values()].map(({ node, kind, aliases }) => [node, kind, aliases])).toEqual([
    ['CAISO:TH_NP15_GEN-APND', 'HUB', []],
    ['CAISO:DLAP_PGAE-APND', 'ZONE', []],
    ['CAISO:ELCAJN_6_N001', undefined, ['ELCAJN_6_UNITA1']],
    ['CAISO:POD_X', 'AGGREGATE', []],
  ]);
});

it('ISO-NE tells of a location with each price', async () => {
  const row = (id: string, type: string, name: string) => ({
    ...{ BeginDate: '2024-07-01T10:00:00.000-04:00', Location: { '@LocId': id, '@LocType': type, $: name } },
    ...{ LmpTotal: 20, EnergyComponent: 20, CongestionComponent: 0, LossComponent: 0 },
  });
  const rows = [row('4000', 'HUB', '.H.INTERNAL_HUB'), row('321', 'NETWORK NODE', 'UN.FRNKLNSQ13.810CC')];
  const places = await placesOf(isoneLmp, JSON.stringify({ HourlyLmps: { HourlyLmp: rows } }), 'hourlylmp-da-final');
  expect([...places.values()]).toMatchObject([
    { node: 'ISONE:.H.INTERNAL_HUB', kind: 'HUB', aliases: ['4000'] },
    { node: 'ISONE:UN.FRNKLNSQ13.810CC', kind: 'NODE', aliases: ['321'] },
  ]);
});

it('a list of ISO-NE’s locations with one that has no name tells of the others', async () => {
  const list = [{ LocationID: 4000, LocationType: 'HUB', LocationName: '.H.INTERNAL_HUB' }, { LocationID: 1 }];
  const bytes = Buffer.from(JSON.stringify({ Locations: { Location: list } }));
  const { facts, rejects, places } = await isoneLmp.decode({ bytes, name: 'locations.json' });
  expect([facts, places]).toEqual([[], [{ node: 'ISONE:.H.INTERNAL_HUB', kind: 'HUB', aliases: ['4000'] }]]);
  expect(rejects).toMatchObject([{ code: 'MISSING_FIELD' }]);
  const [raw] = rejects.map((each) => each.raw);
  expect(await isoneLmp.decode({ bytes: raw ?? Buffer.of(), name: 'x' })).toMatchObject({ facts: [], rejects: [{}] });
});

describe.skipIf(!requireOrSkip('recorded-data'))('recorded', () => {
  const recorded = (feed: Feed, path: string) =>
    placesOf(feed, readFileSync(join(RECORDED_DATA, path)), path.replace(/^.*\//, ''));

  it('PJM', async () => {
    const places = await recorded(pjmLmp, 'pjm/da_hrl_lmps_2024-02-20.json');
    expect(places.get('PJM:PJM-RTO')).toMatchObject({ kind: 'ZONE', zone: null, title: null, aliases: ['1'] });
    expect(places.size).toBe(2);
  });

  it('MISO', async () => {
    const places = await recorded(misoLmp, 'miso/20251102_da_expost_lmp_reduced_dst_day.csv');
    const kinds = [...places.values()].map(({ kind }) => kind);
    const count = (kind: string) => kinds.filter((each) => each === kind).length;
    expect(places.get('MISO:AECI')).toEqual({
      ...{ node: 'MISO:AECI', kind: 'INTERFACE', at: Date.parse('2025-11-02T05:00Z') },
    });
    expect(['HUB', 'INTERFACE', 'ZONE', 'GENERATOR'].map(count)).toEqual([7, 1, 3, 0]);
  });

  it('SPP', async () => {
    const places = await recorded(sppLmp, 'spp/DA-LMP-SL-202604120100_reduced_negative_day.csv');
    expect(places.get('SPP:AEC')).toMatchObject({ zone: 'SPP', aliases: ['SOUC'] });
    expect(places.get('SPP:SWPW/AESO')).toMatchObject({ zone: 'SWPW', aliases: ['AESO'] });
  });

  it('NYISO', async () => {
    const places = await recorded(nyisoLmp, 'nyiso/realtime_zone_lbmp_20160218.csv');
    expect(places.get('NYISO:CAPITL')).toMatchObject({ kind: 'ZONE', aliases: ['61757'] });
    expect(places.size).toBe(15);
  });

  it('CAISO', async () => {
    const places = await recorded(caisoLmp, 'caiso/oasis_PRC_HASP_LMP_PALOVRDE_20240101_20240115.zip');
    expect([...places.values()]).toEqual([
      { node: 'CAISO:PALOVRDE_5_N101', aliases: [], at: Date.parse('2024-01-01T07:00Z') },
    ]);
  });

  it('ISO-NE’s list of locations', async () => {
    const places = await recorded(isoneLmp, 'isone/locations.json');
    expect(places.size).toBe(19);
    expect(places.get('ISONE:.H.INTERNAL_HUB')).toEqual({
      node: 'ISONE:.H.INTERNAL_HUB',
      kind: 'HUB',
      aliases: ['4000'],
    });
    expect(places.get('ISONE:.I.ROSETON 345 1')).toMatchObject({ kind: 'INTERFACE', aliases: ['4011'] });
    expect([...places.values()].filter(({ kind }) => kind === 'ZONE')).toHaveLength(8);
  });

  it('ERCOT’s nodal prices and day-ahead prices tell nothing', async () => {
    expect((await recorded(ercotLmp, 'ercot/np6-788_LMPSROSNODENP6788_20260625_004018_first49rows.csv')).size).toBe(0);
    expect((await recorded(ercotLmp, 'ercot/np4-190-cd_HB_HUBAVG_2025-11-02_dst_fallback.json')).size).toBe(0);
  });
});
