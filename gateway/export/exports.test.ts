import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { tableFromIPC } from 'apache-arrow';
import { parquetMetadata } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MarketRun } from '../../domain/market-run.ts';
import { type Exported, exportedRows } from '../../tests/support/exported.ts';
import { storeLmps } from '../../tests/support/lmp-rows.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { type StoreGateway, startStoreGateway } from '../../tests/support/store-gateway.ts';
import { storeSnapshots, storeTrades } from '../../tests/support/trading-rows.ts';
import {
  type Column,
  LMP_COLUMNS,
  LMP_POINT_COLUMNS,
  PNL_COLUMNS,
  PNL_POINT_COLUMNS,
  TRADE_COLUMNS,
} from './columns.ts';
import { FORMATS, type FormatName } from './formats.ts';

const NOW = Date.parse('2024-11-20T00:00:00Z');
const RT: MarketRun = 'REAL_TIME_5_MIN';
const WEST = 'PJM:PJM-WEST';
const NP15 = 'CAISO:TH_NP15, "north"';
const ERCOT = 'ERCOT:HB_HOUSTON';
/** The night in which New York's clocks go back: a day of 25 hours. */
const FROM = '2024-11-03T04:00:00Z';
const TO = '2024-11-04T05:00:00Z';
const KNOWN = '2024-11-10T00:00:00Z';

let db: TestDatabase;
let gateway: StoreGateway;
let root: string;
beforeAll(async () => {
  db = await freshDatabase();
  await storeLmps(db.pool, [...hoursOf(WEST), ...awkward()]);
  await storeLmps(db.pool, corrected());
  await storeTrades(db.pool, trades());
  await storeSnapshots(db.pool, snapshots());
  gateway = await startStoreGateway({ db, clock: () => NOW });
  root = gateway.url.replace('/graphql', '');
});
afterAll(async () => {
  await gateway.close();
  await db.drop();
});

/** Every five minutes but for a gap of two hours, with doubles that no decimal holds. */
function hoursOf(node: string) {
  return Array.from({ length: 25 * 12 }, (_, at) => ({ at, start: Date.parse(FROM) + at * 300_000 }))
    .filter(({ at }) => at < 96 || at >= 120)
    .map(({ at, start }) => {
      const energy = 30 + at / 7;
      const [congestion, loss] = [Math.sin(at) * 10, -at / 300];
      return { node, run: RT, start, minutes: 5, lmp: energy + congestion + loss, energy, congestion, loss };
    });
}

function awkward() {
  const lmps = [0.1 + 0.2, 5e-324, -1.797693134862315e300, 1e21, 1e-7, 0, -33.25, 123456789.12345678];
  const ghg = { energy: 1, congestion: 2, loss: 3, ghg: 4.4 };
  return lmps.flatMap((lmp, at) => [
    { node: NP15, run: RT, start: Date.parse(FROM) + at * 300_000, minutes: 5, lmp, ...ghg },
    {
      node: ERCOT,
      run: RT,
      start: Date.parse(FROM) + at * 300_000 + 13_000,
      minutes: 5,
      lmp,
      flags: at % 2 === 0 ? (['UNALIGNED_INTERVAL', 'PRELIMINARY'] as const) : [],
    },
  ]);
}

function corrected() {
  return [{ node: WEST, run: RT, start: FROM, minutes: 5, lmp: 99.125, recordedAt: '2024-11-15T00:00:00Z' }];
}

function trades() {
  const trade = { account: 'desk, "east"', node: WEST, side: 'BUY' as const, mw: '25.50', price: '31.2500000001' };
  return [
    { ...trade, id: 'T-1', ts: '2024-11-03T05:00:00.123Z' },
    { ...trade, id: 'T-2\nline', ts: '2024-11-03T06:00:00Z', side: 'SELL' as const, node: NP15, price: '-5' },
    {
      ...trade,
      id: 'T-2\nline',
      ts: '2024-11-03T06:00:00Z',
      version: 2,
      mw: '0.000000123456789012345678',
      price: '1e3',
    },
    { ...trade, id: 'T-3', ts: '2024-11-03T07:00:00Z', status: 'CANCELLED' as const },
    { ...trade, id: '=1+1', ts: '2024-11-03T08:00:00Z', account: 'west' },
  ];
}

function snapshots() {
  const of = (node: string, at: string, total: string | null) => ({
    account: 'book',
    node,
    at,
    positionMw: '10.10',
    lastPrice: total && '30.5',
    realized: '1.10',
    unrealized: total,
    total,
  });
  return [
    of(WEST, '2024-11-03T05:10:00.000001Z', '12345678901234567.89'),
    of(WEST, '2024-11-03T05:20:00Z', null),
    of(WEST, '2024-11-03T08:30:00Z', '-7.0000000001'),
    of(ERCOT, '2024-11-03T09:30:00Z', '0'),
  ];
}

const url = (path: string, query: Record<string, string>) => `${root}/export/${path}?${new URLSearchParams(query)}`;

async function exported(
  path: string,
  query: Record<string, string>,
  columns: readonly Column[],
  format: FormatName,
): Promise<Exported[]> {
  const response = await fetch(url(path, { ...query, format }));
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(Buffer.from(bytes).toString());
  return exportedRows(format, bytes, columns);
}

/** A price or a trade of a connection. */
function flat({ node: { node, ...rest } }: { node: { node: { id: string } } }): object {
  return { ...rest, node: node.id };
}

/** Series of GraphQL, whose columns are lists, as rows. */
function rowsOf(series: readonly Record<string, unknown>[], names: readonly string[], shared: object): object[] {
  return series.flatMap(({ node, start, ...columns }) =>
    (start as string[]).map((at, place) => ({
      ...shared,
      node: (node as { id: string }).id,
      start: at,
      ...Object.fromEntries(names.map((name) => [name, (columns[name] as unknown[])[place]])),
    })),
  );
}

describe.each(FORMATS)('an export as %s', (format) => {
  it('of raw prices is what `lmps` answers, to the last bit', async () => {
    const query = { nodes: [WEST, ERCOT].join(), run: RT, from: FROM, to: TO };
    const rows = await exported('lmp', query, LMP_COLUMNS, format);
    const { lmps } = await gateway.answer(
      `query ($nodes: [ID!]!, $run: MarketRun!, $from: DateTime!, $to: DateTime!) {
        lmps(nodes: $nodes, run: $run, from: $from, to: $to, first: 1000) { edges { node {
          node { id } run start end lmp energy congestion loss ghg revision quality publishedAt } } } }`,
      { ...query, nodes: [WEST, ERCOT] },
    );
    const answered = lmps.edges.map(flat);
    const ofNode = (node: string) => answered.filter((row: Exported) => row.node === node);
    expect(rows).toEqual([...ofNode(WEST), ...ofNode(ERCOT)]);
    expect(rows).toHaveLength(276 + 8);
    expect(rows[0]).toMatchObject({ lmp: 99.125, revision: 2, energy: null });
  });

  it.each(['FIFTEEN_MINUTES', 'HOUR', 'DAY', 'MONTH'])(
    'of %s is what `lmpSeries` answers, gaps and all',
    async (resolution) => {
      const nodes = [WEST, 'PJM:NOBODY', ERCOT];
      const query = { run: RT, from: '2024-11-01T04:00:00Z', to: '2024-12-03T04:00:00Z', resolution };
      for (const asOf of [undefined, KNOWN]) {
        const known = asOf === undefined ? {} : { asOf };
        const rows = await exported('lmp', { ...query, ...known, nodes: nodes.join() }, LMP_POINT_COLUMNS, format);
        const names = ['lmp', 'energy', 'congestion', 'loss', 'min', 'max', 'open', 'close'];
        const { lmpSeries } = await gateway.answer(
          `query ($nodes: [ID!]!, $run: MarketRun!, $from: DateTime!, $to: DateTime!, $resolution: Resolution, $asOf: DateTime) {
          lmpSeries(nodes: $nodes, run: $run, from: $from, to: $to, resolution: $resolution, asOf: $asOf) {
            node { id } start ${names.join(' ')} } }`,
          { ...query, ...known, nodes },
        );
        expect(rows).toEqual(rowsOf(lmpSeries, names, { run: RT }));
        expect(rows.length).toBeGreaterThan(0);
      }
    },
  );

  it('of a day of 25 hours has 25 hours, and the day is one point', async () => {
    const query = { nodes: WEST, run: RT, from: FROM, to: TO };
    const hours = await exported('lmp', { ...query, resolution: 'HOUR' }, LMP_POINT_COLUMNS, format);
    expect(hours).toHaveLength(25);
    expect(hours.filter(({ lmp }) => lmp === null)).toHaveLength(2);
    const days = await exported('lmp', { ...query, resolution: 'DAY' }, LMP_POINT_COLUMNS, format);
    expect(days.map(({ start }) => start)).toEqual(['2024-11-03T04:00:00.000Z']);
  });

  it('as of an instant has the prices that were known then', async () => {
    const query = { nodes: WEST, run: RT, from: FROM, to: TO, asOf: KNOWN };
    const rows = await exported('lmp', query, LMP_COLUMNS, format);
    expect(rows).toHaveLength(276);
    expect(rows[0]).toMatchObject({ lmp: 30, energy: 30, revision: 1 });
  });

  it('of trades is what `trades` answers, newest first', async () => {
    for (const filter of [{}, { account: 'desk, "east"' }, { node: WEST }, { from: '2024-11-03T06:00:00Z' }]) {
      const rows = await exported('trades', filter, TRADE_COLUMNS, format);
      const { trades: answered } = await gateway.answer(
        `query ($account: String, $node: ID, $from: DateTime) { trades(account: $account, node: $node, from: $from, first: 100) { edges { node {
          id version status tradedAt account node { id } side mw mwExact price priceExact minutes recordedAt } } } }`,
        filter,
      );
      expect(rows).toEqual(answered.edges.map(flat));
      expect(rows.length).toBeGreaterThan(0);
    }
    const all = await exported('trades', { status: 'ALL' }, TRADE_COLUMNS, format);
    expect(all.map(({ id }) => id)).toEqual(['=1+1', 'T-3', 'T-2\nline', 'T-1']);
  });

  it.each(['RAW', 'HOUR', 'DAY'])('of PnL at %s is what `pnlSeries` answers, to the last digit', async (resolution) => {
    const columns = resolution === 'RAW' ? PNL_COLUMNS : PNL_POINT_COLUMNS;
    const query = { account: 'book', from: FROM, to: TO, resolution };
    for (const filter of [query, { ...query, node: ERCOT }]) {
      const rows = await exported('pnl', filter, columns, format);
      const names = columns.slice(3).map(({ name }) => name);
      const { pnlSeries } = await gateway.answer(
        `query ($account: String!, $node: ID, $from: DateTime!, $to: DateTime!, $resolution: Resolution) {
          pnlSeries(account: $account, node: $node, from: $from, to: $to, resolution: $resolution) {
            node { id } start ${names.join(' ')} } }`,
        filter,
      );
      expect(rows).toEqual(rowsOf(pnlSeries, names, { account: 'book' }));
      expect(rows.length).toBeGreaterThan(0);
    }
  });

  it('has every double as the store has it', async () => {
    const { rows } = await db.pool.query<{ lmp: number }>(
      `SELECT lmp FROM lmp AS l JOIN pricing_node AS n ON n.id = l.node_id WHERE n.market_id || ':' || n.name = $1
       ORDER BY interval_start`,
      [ERCOT],
    );
    const read = await exported('lmp', { nodes: ERCOT, run: RT, from: FROM, to: TO }, LMP_COLUMNS, format);
    expect(read.map(({ lmp }) => bitsOf(Number(lmp)))).toEqual(rows.map(({ lmp }) => bitsOf(lmp)));
    expect(rows).toHaveLength(8);
  });

  it('of nothing has no rows', async () => {
    const query = { nodes: 'PJM:NOBODY', run: RT, from: FROM, to: TO };
    expect(await exported('lmp', query, LMP_COLUMNS, format)).toEqual([]);
    expect(await exported('trades', { account: 'nobody' }, TRADE_COLUMNS, format)).toEqual([]);
    expect(await exported('pnl', { account: 'nobody', from: FROM, to: TO }, PNL_COLUMNS, format)).toEqual([]);
  });
});

function bitsOf(value: number): string {
  return Buffer.from(Float64Array.of(value).buffer).toString('hex');
}

describe('an export', () => {
  const query = { nodes: WEST, run: RT, from: FROM, to: TO };
  const bytesOf = async (asked: Record<string, string>) =>
    new Uint8Array(await (await fetch(url('lmp', asked))).arrayBuffer());

  it('of nothing has its columns, in all formats but NDJSON', async () => {
    const empty = { ...query, nodes: 'PJM:NOBODY' };
    const names = LMP_COLUMNS.map(({ name }) => name);
    expect(Buffer.from(await bytesOf(empty)).toString()).toBe(`${names.join()}\n`);
    const { schema } = tableFromIPC(await bytesOf({ ...empty, format: 'arrow' }));
    expect(schema.fields.map(({ name }) => name)).toEqual(names);
    const parquet = await bytesOf({ ...empty, format: 'parquet' });
    expect(
      parquetMetadata(parquet.buffer)
        .schema.slice(1)
        .map(({ name }) => name),
    ).toEqual(names);
  });

  it('says the type, the unit and the nullability of each column', async () => {
    const { schema } = tableFromIPC(await bytesOf({ ...query, format: 'arrow' }));
    expect(
      schema.fields.map(({ name, type, nullable, metadata }) => [name, String(type), nullable, metadata.get('unit')]),
    ).toEqual([
      ['node', 'Dictionary<Int32, Utf8>', false, undefined],
      ['run', 'Dictionary<Int32, Utf8>', false, undefined],
      ['start', 'Timestamp<MILLISECOND, UTC>', false, 'ms UTC'],
      ['end', 'Timestamp<MILLISECOND, UTC>', false, 'ms UTC'],
      ['lmp', 'Float64', false, 'USD/MWh'],
      ['energy', 'Float64', true, 'USD/MWh'],
      ['congestion', 'Float64', true, 'USD/MWh'],
      ['loss', 'Float64', true, 'USD/MWh'],
      ['ghg', 'Float64', true, 'USD/MWh'],
      ['revision', 'Int32', false, undefined],
      ['quality', 'Dictionary<Int32, Utf8>', false, undefined],
      ['publishedAt', 'Timestamp<MILLISECOND, UTC>', false, 'ms UTC'],
    ]);
    const {
      schema: elements,
      key_value_metadata: units,
      row_groups: groups,
    } = parquetMetadata((await bytesOf({ ...query, format: 'parquet' })).buffer);
    expect(
      elements
        .slice(1)
        .map(({ name, type, repetition_type, logical_type }) => [name, type, repetition_type, logical_type?.type]),
    ).toEqual([
      ['node', 'BYTE_ARRAY', 'REQUIRED', 'STRING'],
      ['run', 'BYTE_ARRAY', 'REQUIRED', 'STRING'],
      ['start', 'INT64', 'REQUIRED', 'TIMESTAMP'],
      ['end', 'INT64', 'REQUIRED', 'TIMESTAMP'],
      ['lmp', 'DOUBLE', 'REQUIRED', undefined],
      ['energy', 'DOUBLE', 'OPTIONAL', undefined],
      ['congestion', 'DOUBLE', 'OPTIONAL', undefined],
      ['loss', 'DOUBLE', 'OPTIONAL', undefined],
      ['ghg', 'DOUBLE', 'OPTIONAL', undefined],
      ['revision', 'INT32', 'REQUIRED', undefined],
      ['quality', 'BYTE_ARRAY', 'REQUIRED', 'STRING'],
      ['publishedAt', 'INT64', 'REQUIRED', 'TIMESTAMP'],
    ]);
    expect(units).toContainEqual({ key: 'unit.lmp', value: 'USD/MWh' });
    expect(groups[0]?.columns[0]?.meta_data?.encodings).toContain('RLE_DICTIONARY');
  });

  it('takes a node whose name has a comma in a parameter of its own', async () => {
    const asked = url('lmp', { ...query, node: NP15 });
    const lines = (await (await fetch(asked)).text()).split('\n');
    expect(lines.filter((line) => line.startsWith('"CAISO:TH_NP15, ""north""",REAL_TIME_5_MIN,'))).toHaveLength(8);
  });

  it.each([
    [undefined, 'text/csv; charset=utf-8; header=present', 'csv'],
    ['text/csv', 'text/csv; charset=utf-8; header=present', 'csv'],
    ['text/html, */*;q=0.8', 'text/csv; charset=utf-8; header=present', 'csv'],
    ['application/x-ndjson', 'application/x-ndjson', 'ndjson'],
    ['text/csv;q=0.5, application/vnd.apache.parquet', 'application/vnd.apache.parquet', 'parquet'],
    ['application/vnd.apache.arrow.stream', 'application/vnd.apache.arrow.stream', 'arrows'],
  ])('of which %s is accepted is %s', async (accept, contentType, extension) => {
    for (const method of ['GET', 'HEAD']) {
      const response = await fetch(url('lmp', query), { method, headers: accept === undefined ? {} : { accept } });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe(contentType);
      expect(response.headers.get('content-disposition')).toBe(
        `attachment; filename="lmp_PJM-PJM-WEST_REAL_TIME_5_MIN_RAW_20241103T0400Z_20241104T0500Z.${extension}"`,
      );
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('vary')).toBe('accept, accept-encoding');
      expect((await response.arrayBuffer()).byteLength > 0).toBe(method === 'GET');
    }
  });

  it('that would be of a type which is not accepted is refused with 406', async () => {
    const response = await fetch(url('lmp', query), { headers: { accept: 'text/html, text/csv;q=0' } });
    expect(response.status).toBe(406);
    expect((await response.json()).error.message).toContain('application/vnd.apache.parquet');
  });

  it.each([
    ['gzip', 'gzip', gunzipSync],
    ['gzip, br', 'br', brotliDecompressSync],
    ['br;q=0, gzip;q=0.1', 'gzip', gunzipSync],
    ['identity', undefined, (bytes: Buffer) => bytes],
  ])('for whom %s is accepted is coded as %s, where it is text', async (accepted, coding, decode) => {
    const plain = Buffer.from(await bytesOf(query)).toString();
    const ask = (format: string) => rawAnswer(url('lmp', { ...query, format }), { 'accept-encoding': accepted });
    const csv = await ask('csv');
    expect(csv.headers['content-encoding']).toBe(coding);
    expect(decode(csv.body).toString()).toBe(plain);
    expect((await ask('parquet')).headers['content-encoding']).toBeUndefined();
  });

  const many = Array.from({ length: 1_001 }, (_, at) => `PJM:${at}`).join();
  it.each([
    ['lmp', {}, /run: is required; from: is required; to: is required/],
    ['lmp', { run: RT, from: FROM, to: TO }, /nodes: is required/],
    ['lmp', { ...query, nodez: 'PJM:A' }, /there is no parameter "nodez"/],
    ['lmp', { ...query, run: 'REAL_TIME' }, /run: .*DAY_AHEAD_HOURLY/],
    ['lmp', { ...query, from: '2024-11-03' }, /from: not an ISO 8601 instant with a zone/],
    ['lmp', { ...query, from: TO, to: FROM }, /`from` must lie before `to`/],
    ['lmp', { ...query, nodes: 'WEST' }, /not a pricing node as MARKET:NAME/],
    ['lmp', { ...query, nodes: '' }, /not a pricing node as MARKET:NAME/],
    ['lmp', { ...query, nodes: 'PJM:\0' }, /holds a NUL character/],
    ['lmp', { ...query, nodes: many }, /nodes: 1001 asked for, at most 1000/],
    ['lmp', { ...query, resolution: 'YEAR' }, /resolution: .*FIFTEEN_MINUTES/],
    ['lmp', { ...query, run: 'DAY_AHEAD_HOURLY', resolution: 'FIFTEEN_MINUTES' }, /would have to invent/],
    ['lmp', { ...query, from: '1900-01-01T00:00Z', resolution: 'HOUR' }, /points: \d+ asked for, at most 1000000/],
    ['lmp', { ...query, format: 'xlsx' }, /format: .*parquet/],
    ['lmp', { ...query, asOf: 'now' }, /asOf: not an ISO 8601 instant/],
    ['trades', { nodes: WEST }, /there is no parameter "nodes"/],
    ['trades', { from: TO, to: FROM }, /`from` must lie before `to`/],
    ['trades', { status: 'OPEN' }, /status: /],
    ['trades', { account: 'a\0' }, /holds a NUL character/],
    ['pnl', { from: FROM, to: TO }, /account: is required/],
    ['pnl', { account: 'a', from: '1900-01-01T00:00Z', to: TO, resolution: 'HOUR' }, /points: /],
  ])('of %s is refused in words, as its question %# must be', async (path, asked, words) => {
    const response = await fetch(url(path, asked as Record<string, string>));
    const { error } = await response.json();
    expect(response.status).toBe(400);
    expect(error.message).toMatch(words);
    expect(error.code).toBe(/asked for/.test(error.message) ? 'LIMIT_EXCEEDED' : 'BAD_USER_INPUT');
  });

  it('is refused before anything is read where it would have more rows than there may be', async () => {
    const nodes = Array.from({ length: 1_000 }, (_, place) => `PJM:N${place}`).join();
    const range = 'from=2014-01-01T00:00:00Z&to=2024-01-01T00:00:00Z';
    const response = await fetch(`${root}/export/lmp?nodes=${nodes}&run=${RT}&${range}`);
    expect(response.status).toBe(400);
    const asked = 1_000 * 3_652 * 288;
    expect((await response.json()).error).toMatchObject({ code: 'LIMIT_EXCEEDED', limit: 'exportRows', asked });
  });

  it('is asked for once by each parameter', async () => {
    const response = await fetch(`${url('lmp', query)}&run=SPOT`);
    expect(response.status).toBe(400);
    expect((await response.json()).error.message).toBe('"run": given more than once');
  });

  it('is of what there is, by GET or HEAD, and not for pages of other origins', async () => {
    const answer = async (path: string, init: RequestInit) => {
      const response = await fetch(url(path, query), init);
      return [response.status, response.headers.get('allow'), (await response.text()).slice(0, 30)];
    };
    expect(await answer('prices', {})).toEqual([404, null, expect.stringContaining('"error"')]);
    expect(await answer('__proto__', {})).toEqual([404, null, expect.stringContaining('"error"')]);
    expect(await answer('lmp', { method: 'POST', body: 'x' })).toEqual([405, 'GET, HEAD', '']);
    expect((await answer('lmp', { headers: { origin: 'https://elsewhere.example' } }))[0]).toBe(403);
    expect((await answer('lmp', { headers: { origin: root } }))[0]).toBe(200);
  });
});

/** As it comes: `fetch` decodes and asks for codings by itself. */
function rawAnswer(asked: string, headers: Record<string, string>) {
  return new Promise<{ headers: Record<string, unknown>; body: Buffer }>((answered, failed) => {
    request(asked, { headers }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      answered({ headers: response.headers, body: Buffer.concat(chunks) });
    })
      .on('error', failed)
      .end();
  });
}
