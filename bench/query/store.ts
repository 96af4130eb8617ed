import type pg from 'pg';

export const NODES = 50;
export const DAYS = 14;
export const START_AT = Date.UTC(2026, 0, 1);

/** Two weeks of 5-minute prices at fifty nodes, in cents as operators publish them. */
export async function fillStore(pool: pg.Pool): Promise<void> {
  await pool.query(
    `INSERT INTO pricing_node (market_id, name) SELECT 'PJM', 'NODE-' || n FROM generate_series(0, $1::int - 1) AS n`,
    [NODES],
  );
  await pool.query(
    `INSERT INTO lmp (node_id, run, interval_start, interval_end, operating_day, lmp, energy, congestion, loss, ghg, quality,
                      revision, published_at, published_seq, recorded_at, ledger_id)
     SELECT n.id, 'REAL_TIME_5_MIN', s, s + INTERVAL '5 minutes', s::date, e + c + l, e, c, l, NULL, 0, 1, s, 0, s, 1
     FROM pricing_node AS n, generate_series($1::timestamptz, $1 + $2 * INTERVAL '1 day', INTERVAL '5 minutes') AS s,
       LATERAL (SELECT round((25 + random() * 20)::numeric, 2)::float8 AS e, round((random() * 10 - 5)::numeric, 2)::float8 AS c,
                       round((random() * 2 + date_part('epoch', s) * 0)::numeric, 2)::float8 AS l) AS parts`,
    [new Date(START_AT), DAYS],
  );
  await pool.query('VACUUM ANALYZE lmp');
}
