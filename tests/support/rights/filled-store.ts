import type pg from 'pg';
import { HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import { storeLmps } from '../lmp-rows.ts';
import { storeCalls } from '../source-calls.ts';
import { storeSnapshots, storeTrades } from '../trading-rows.ts';

/** An hour of facts of everything that rights are about: two of each, so that one can be beyond them. */
export const FILLED = {
  from: Date.parse('2026-06-02T10:00:00Z'),
  now: Date.parse('2026-06-02T12:00:00Z'),
  markets: ['PJM', 'CAISO'],
  nodes: ['PJM:WEST', 'PJM:EAST', 'CAISO:NP15'],
  accounts: ['alpha', 'beta'],
  feeds: ['caiso-lmp', 'ckw-tariffs', 'pjm-lmp', 'trades'],
  /** A name of a part of `caiso-lmp`. */
  stream: 'iso.rt.lmp.caiso',
} as const;

/** Of the ledger, the jobs and the dead letters of each feed: its place among the feeds, from 1. */
export function idsOf(feed: (typeof FILLED.feeds)[number]): number {
  return FILLED.feeds.indexOf(feed) + 1;
}

const ISO = (instant: number) => new Date(instant).toISOString();

/** Equal stores are filled alike, down to the ids. */
export async function fillStore(pool: pg.Pool): Promise<void> {
  await pool.query(FEEDS, [FILLED.feeds]);
  await pool.query(
    ['job', 'ledger_entry', 'dead_letter']
      .map((table) => `SELECT setval(pg_get_serial_sequence('${table}', 'id'), 1000)`)
      .join(';'),
  );
  await pool.query(EXPECTATIONS);
  await storePrices(pool);
  await pool.query(METADATA);
  await storeDesk(pool);
  await pool.query(`UPDATE account SET first_seen = '2026-06-01T00:00Z'`);
  await pool.query(FORECASTS);
  await pool.query(UTILITY, [ISO(FILLED.from)]);
  await storeCalls(
    pool,
    ['PJM', 'CAISO', 'CKW'].flatMap((source) => [
      { source, at: FILLED.now - 10 * MINUTE_MS },
      { source, at: FILLED.now - 5 * MINUTE_MS, outcome: 'NETWORK' as const, error: `${source} is gone` },
    ]),
  );
  await pool.query(`INSERT INTO api_alert (source, kind, opened_at, detail)
    VALUES ('PJM', 'DOWN', '2026-06-02T11:00Z', 'gone'), ('CAISO', 'SLOW', '2026-06-02T11:00Z', 'slow')`);
  await pool.query(`INSERT INTO audit_entry (at, actor, via, action, input, outcome)
    VALUES ('2026-06-02T11:00Z', 'somebody', 'graphql', 'setCostMethod', '{"account": "beta"}', 'DONE')`);
}

/** Each feed has an entry, a job with a chunk, and a dead letter with a feed's own text in it. */
const FEEDS = `
  WITH named AS (SELECT feed, place FROM unnest($1::text[]) WITH ORDINALITY AS named (feed, place)),
  feeds AS (
    INSERT INTO feed (id, title, kind, streams)
    SELECT feed, feed, CASE feed WHEN 'trades' THEN 'topic' ELSE 'poll' END,
      CASE feed WHEN 'caiso-lmp' THEN '{"iso.rt.lmp.caiso": ["0"]}' ELSE '{}' END::jsonb FROM named RETURNING id
  ), positions AS (
    INSERT INTO feed_position (feed_id, partition, updated_at) SELECT feed, '0', '2026-06-02T11:00Z' FROM named RETURNING 1
  ), jobs AS (
    INSERT INTO job (id, kind, feed_id, input, requested_by, requested_at, finished_at, state)
    SELECT place, 'REPLAY', feed, '{}', 'a test', '2026-06-02T11:00Z', '2026-06-02T11:30Z', 'COMPLETED' FROM named RETURNING id
  ), entries AS (
    INSERT INTO ledger_entry (id, feed_id, partition, kind, state, job_id, origin_ids)
    SELECT place, feed, '0', 'FETCH'::ledger_kind, 'COMPLETED'::ledger_state, NULL::bigint, '{}'::bigint[] FROM named
    UNION ALL SELECT place + 100, feed, 'replay/0', 'REPLAY'::ledger_kind, 'COMPLETED'::ledger_state, place, ARRAY[place] FROM named
    RETURNING id
  )
  INSERT INTO dead_letter (id, feed_id, partition, ledger_id, code, reason, raw, received_at)
  SELECT place, feed, '0', place, 'NOT_JSON', 'unreadable', convert_to('the record of ' || feed, 'UTF8'), '2026-06-02T11:00Z'
  FROM named`;

const EXPECTATIONS = `
  INSERT INTO feed_expectation (feed_id, partition, run, market_id, nodes, interval_ms, due_ms)
  VALUES ('pjm-lmp', '0', 'REAL_TIME_5_MIN', 'PJM', ARRAY['PJM:WEST', 'PJM:EAST'], 300000, 600000),
    ('pjm-lmp', 'away', 'REAL_TIME_5_MIN', 'CAISO', ARRAY['CAISO:NP15'], 300000, 600000),
    ('caiso-lmp', '0', 'REAL_TIME_5_MIN', 'CAISO', '{}', 300000, 600000)`;

const METADATA = `
  INSERT INTO pricing_node_version (node_id, valid_from, kind, zone, title, ledger_id)
  SELECT id, '2026-01-01T00:00Z', 'HUB', 'A zone', name, CASE market_id WHEN 'PJM' THEN 3 ELSE 1 END FROM pricing_node`;

/** Of two prices. */
const FORECASTS = `
  INSERT INTO forecast_state (node_id, run, last_at, prices, ewma, errors, published_at, ledger_id)
  SELECT id, 'REAL_TIME_5_MIN', '2026-06-02T11:05Z', ARRAY[30, 31], 30.5,
    json_build_object('SMA_5', none, 'SMA_20', none, 'NEXT_VALUE', none, 'EWMA', none), '2026-06-02T11:05Z',
    CASE market_id WHEN 'PJM' THEN 3 ELSE 1 END
  FROM pricing_node, (SELECT '{"count": 0, "sum": 0, "absolute": 0, "squared": 0}'::json AS none) AS errors`;

const UTILITY = `
  WITH prices AS (
    INSERT INTO energy_prices (provider, tariff_name, tariff_type, interval_start, interval_end, value, unit, published_at,
      recorded_at, ledger_id)
    SELECT 'CKW', tariff, 'integrated', $1::timestamptz + step * INTERVAL '15 minutes',
      $1::timestamptz + (step + 1) * INTERVAL '15 minutes', 0.2 + step * 0.01, 'CHF_kWh', $1, $1, 2
    FROM generate_series(0, 7) AS step, unnest(ARRAY['home_dynamic', 'business_dynamic']) AS tariff RETURNING 1
  ), plants AS (
    INSERT INTO plant_status (plant, at, state, raw_state, active_mw, published_at, recorded_at, ledger_id)
    VALUES ('lutersarni', $1, 'RUNNING', 'in Betrieb', 2, $1, $1, 2) RETURNING 1
  )
  INSERT INTO control_signals (provider, name, interval_start, interval_end, date, description, published_at, recorded_at, ledger_id)
  VALUES ('CKW', '000R', $1, $1::timestamptz + INTERVAL '1 hour', '2026-06-02', 'Boiler 4 h', $1, $1, 2)`;

/** Two of each interval's prices are corrected; of one interval nothing came. */
async function storePrices(pool: pg.Pool): Promise<void> {
  const specs = FILLED.nodes.flatMap((node, at) => {
    const ledgerId = idsOf(node.startsWith('PJM:') ? 'pjm-lmp' : 'caiso-lmp');
    const price = (step: number, lmp: number) => ({
      node,
      run: 'REAL_TIME_5_MIN' as const,
      start: FILLED.from + step * 5 * MINUTE_MS,
      minutes: 5,
      lmp,
      ledgerId,
      recordedAt: ISO(FILLED.from),
    });
    const realTime = [0, 1, 2, 4, 5, 12, 13].map((step) => price(step, 100 * (at + 1) + step));
    const dayAhead = [0, 1].map((hour) => ({
      ...price(0, 100 * (at + 1) + hour / 2),
      run: 'DAY_AHEAD_HOURLY' as const,
      start: FILLED.from + hour * HOUR_MS,
      minutes: 60,
    }));
    return [...realTime, ...dayAhead];
  });
  await storeLmps(pool, specs);
  await storeLmps(
    pool,
    specs.slice(0, 2).map((spec) => ({ ...spec, lmp: spec.lmp + 1, recordedAt: ISO(FILLED.from + HOUR_MS) })),
  );
}

/** Each account trades at each node; one trade was moved from one account to the other. */
async function storeDesk(pool: pg.Pool): Promise<void> {
  const trades = FILLED.accounts.flatMap((account, of) =>
    FILLED.nodes.map((node, at) => ({
      id: `${account}-${at}`,
      ts: ISO(FILLED.from + at * MINUTE_MS),
      account,
      node,
      side: 'BUY' as const,
      mw: 10 * (of + 1) + at,
      price: 50,
      ledgerId: idsOf('trades'),
    })),
  );
  const moved = {
    id: 'moved',
    ts: ISO(FILLED.from),
    node: 'PJM:WEST',
    side: 'SELL' as const,
    mw: 7,
    price: 40,
    ledgerId: 4,
  };
  await storeTrades(pool, [...trades, { ...moved, account: 'beta' }, { ...moved, account: 'alpha', version: 2 }]);
  await storeSnapshots(
    pool,
    FILLED.accounts.flatMap((account) =>
      FILLED.nodes.map((node) => ({
        account,
        node,
        at: ISO(FILLED.from),
        positionMw: '10',
        lastPrice: '51',
        realized: '0',
        unrealized: '10',
        total: '10',
      })),
    ),
  );
}
