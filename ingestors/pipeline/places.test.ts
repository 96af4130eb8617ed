/** What payloads tell of nodes, through the pipeline: with prices, and by themselves. */
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../domain/instant.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import type { Feed } from '../feed.ts';
import { isoneLmp } from '../feeds/isone/feed.ts';
import { JSON_TOPIC_FEEDS } from '../feeds/json-topics/feed.ts';
import { pjmLmp } from '../feeds/pjm/feed.ts';
import { createPipeline, type Pipeline } from './pipeline.ts';
import { createRollups } from './rollups.ts';
import { claimPartition, unowned } from './store/positions.ts';

const NOW = Date.parse('2026-07-10T12:00Z');
const topicNodes = JSON_TOPIC_FEEDS.find(({ id }) => id === 'nodes') ?? expect.unreachable();

let db: TestDatabase;
let pipeline: Pipeline;
beforeAll(async () => {
  db = await freshDatabase();
  pipeline = openPipeline();
});
afterAll(() => db.drop());

describe('with prices', () => {
  it('what rows tell of their nodes is kept, since the prices’ own time, and by which entry', async () => {
    const { ledgerId, written, places } = await file(pjmLmp, pjm('A', '2026-07-01T14:00:00', { type: 'HUB' }));
    expect([written, places]).toEqual([1, { told: 1, changed: 1 }]);
    expect(await versions('PJM', 'A')).toEqual([
      { kind: 'HUB', aliases: ['7'], from: '2026-07-01T14:00:00.000Z', to: null, ledgerId },
    ]);
  });

  it('the same again costs no statement; another process finds it known', async () => {
    const again = await file(pjmLmp, pjm('A', '2026-07-01T15:00:00', { type: 'HUB' }));
    expect(again.places).toBeUndefined();
    const other = await file(pjmLmp, pjm('A', '2026-07-01T16:00:00', { type: 'HUB' }), openPipeline());
    expect(other.places).toEqual({ told: 1, changed: 0 });
  });

  it('what changes is another version, and an older file stands before it', async () => {
    await file(pjmLmp, pjm('B', '2026-07-05T14:00:00', { type: 'AGGREGATE' }));
    await file(pjmLmp, pjm('B', '2026-07-08T14:00:00', { type: 'HUB' }));
    await file(pjmLmp, pjm('B', '2024-07-01T14:00:00', { type: 'LOAD' }));
    expect(await versions('PJM', 'B')).toMatchObject([
      { kind: 'LOAD', from: '2024-07-01T14:00:00.000Z', to: '2026-07-05T14:00:00.000Z' },
      { kind: 'AGGREGATE', from: '2026-07-05T14:00:00.000Z', to: '2026-07-08T14:00:00.000Z' },
      { kind: 'HUB', from: '2026-07-08T14:00:00.000Z', to: null },
    ]);
  });

  it('what is said of tomorrow is so today', async () => {
    await file(pjmLmp, pjm('C', '2026-07-11T04:00:00', { type: 'HUB' }));
    expect(await versions('PJM', 'C')).toMatchObject([{ from: new Date(NOW).toISOString() }]);
  });

  it('what a commit that failed told is told again by the next', async () => {
    const payload = pjm('D', '2026-07-01T14:00:00', { type: 'HUB' });
    const stale = { ...(await claimPartition(db.pool, pjmLmp.id, 'stale', 'one')) };
    await claimPartition(db.pool, pjmLmp.id, 'stale', 'two');
    const unit = { kind: 'BATCH', next: 1, request: null, lag: null, items: [itemOf(payload)] } as const;
    await expect(pipeline.ingest(pjmLmp, stale, unit)).rejects.toMatchObject({ code: 'FENCED' });
    expect(await versions('PJM', 'D')).toEqual([]);
    expect((await file(pjmLmp, payload)).places).toEqual({ told: 1, changed: 1 });
    expect(await versions('PJM', 'D')).toHaveLength(1);
  });
});

describe('by themselves', () => {
  it('a list of locations registers its nodes, and is no answer without data', async () => {
    const list = [
      { LocationID: 4001, LocationType: 'LOAD ZONE', LocationName: '.Z.MAINE' },
      { LocationID: 4011, LocationType: 'EXT. NODE', LocationName: '.I.ROSETON 345 1' },
    ];
    const outcome = await file(isoneLmp, JSON.stringify({ Locations: { Location: list } }));
    expect(outcome).toMatchObject({ rowsIn: 0, noData: undefined, places: { told: 2, changed: 2 } });
    expect(await versions('ISONE', '.I.ROSETON 345 1')).toMatchObject([{ kind: 'INTERFACE', aliases: ['4011'] }]);
  });

  it('records of the topic register, change and retire nodes; prices stay', async () => {
    await file(pjmLmp, pjm('R', '2026-07-01T14:00:00', { type: 'HUB' }));
    const outcome = await file(
      topicNodes,
      [
        { node_id: 'PJM:R', valid_to: '2026-07-05T00:00:00Z' },
        { node_id: 'PJM:NEW', kind: 'ZONE', title: 'New', valid_from: '2020-01-01T00:00:00Z' },
        { node_id: 'PJM:NEW', kind: 'MOON' },
        { node_id: 'PJM:NEW', valid_from: '1020-01-01T00:00:00Z' },
      ]
        .map((record) => JSON.stringify(record))
        .join('\n'),
    );
    expect(outcome).toMatchObject({ rowsIn: 4, written: 1, revised: 1, rejected: 2 });
    await file(pjmLmp, pjm('R', '2026-07-06T14:00:00', { type: 'ZONE' }));
    expect(await versions('PJM', 'R')).toMatchObject([{ kind: 'HUB', to: '2026-07-05T00:00:00.000Z' }]);
    const { rows } = await db.pool.query(
      `SELECT count(*)::int AS n FROM lmp JOIN pricing_node n ON n.id = node_id WHERE n.name = 'R'`,
    );
    expect(rows).toEqual([{ n: 2 }]);
    expect(await versions('PJM', 'NEW')).toMatchObject([{ kind: 'ZONE', from: '2020-01-01T00:00:00.000Z' }]);
  });

  it('a record’s dead letter is the record alone, to be tried again', async () => {
    const { rows } = await db.pool.query(`SELECT code, raw FROM dead_letter WHERE feed_id = 'nodes' ORDER BY id`);
    const letters = rows.map(({ code, raw }) => [code, JSON.parse(raw.toString('utf8'))]);
    expect(letters).toEqual(
      expect.arrayContaining([
        ['BAD_VALUE', { node_id: 'PJM:NEW', kind: 'MOON' }],
        ['BAD_TIME', expect.objectContaining({ node: 'PJM:NEW' })],
      ]),
    );
  });

  it('a record of the log says what is so when it was written', async () => {
    const held = await claimPartition(db.pool, 'nodes', '0', 'test');
    const at = NOW - 3 * DAY_MS;
    const record = (fields: object, offset: number) => ({
      ...itemOf(JSON.stringify({ node_id: 'PJM:LOGGED', ...fields })),
      publishedAt: at + offset * HOUR_MS,
      publishedSeq: offset,
      position: offset,
    });
    const items = [record({ kind: 'HUB', title: 'One' }, 0), record({ title: 'Two' }, 1)];
    const unit = { kind: 'BATCH', next: 2, request: null, lag: 0, items } as const;
    expect(await pipeline.ingest(topicNodes, held, unit)).toMatchObject({ written: 1, revised: 1 });
    expect(await versions('PJM', 'LOGGED')).toMatchObject([
      { kind: 'HUB', from: new Date(at).toISOString(), to: new Date(at + HOUR_MS).toISOString() },
      { kind: 'HUB', from: new Date(at + HOUR_MS).toISOString(), to: null },
    ]);
  });
});

function openPipeline(): Pipeline {
  const log = pino({ level: 'silent' });
  const rollups = createRollups({ pool: db.pool, log, clock: () => NOW });
  const parts = { pool: db.pool, keepRaw: true, announcer: undefined, rollups, metrics: createMetrics(), log };
  return createPipeline({ ...parts, clock: () => NOW });
}

function itemOf(text: string) {
  return { payload: { bytes: Buffer.from(text), name: 'da_hrl_lmps' }, publishedAt: NOW, publishedSeq: 0 };
}

function file(feed: Feed, text: string, through = pipeline) {
  const unit = { kind: 'FILE', next: undefined, request: 'file', lag: null, items: [itemOf(text)] } as const;
  return through.ingest(feed, unowned(feed.id, 'file'), unit);
}

function pjm(name: string, start: string, fields: object): string {
  const item = {
    ...{ datetime_beginning_utc: start, pnode_id: 7, pnode_name: name, voltage: null, equipment: null, zone: null },
    ...{ system_energy_price_da: 20, total_lmp_da: 20, congestion_price_da: 0, marginal_loss_price_da: 0 },
    ...fields,
  };
  return JSON.stringify({ items: [item] });
}

async function versions(market: string, name: string) {
  const { rows } = await db.pool.query(
    `SELECT kind, aliases, valid_from, valid_to, v.ledger_id FROM pricing_node_version AS v JOIN pricing_node AS n ON n.id = node_id
     WHERE market_id = $1 AND name = $2 ORDER BY valid_from`,
    [market, name],
  );
  return rows.map(({ kind, aliases, valid_from, valid_to, ledger_id }) => ({
    ...{ kind, aliases, from: valid_from.toISOString(), to: valid_to?.toISOString() ?? null, ledgerId: ledger_id },
  }));
}
