import type pg from 'pg';
import type { MarketRun } from '../../domain/market-run.ts';
import { type QualityFlag, qualityBits } from '../../domain/quality.ts';

/** A price as a test writes it down; what it does not say is ordinary. */
export interface LmpSpec {
  /** `MARKET:NAME`; registered where it is new. */
  readonly node: string;
  readonly run: MarketRun;
  /** ISO 8601 with zone, or milliseconds UTC. */
  readonly start: string | number;
  /** Length of the delivery interval. */
  readonly minutes: number;
  readonly lmp: number;
  readonly energy?: number;
  readonly congestion?: number;
  readonly loss?: number;
  readonly ghg?: number;
  readonly flags?: readonly QualityFlag[];
  readonly ledgerId?: number;
  /** When Busbar came to know it, ISO 8601; 2020 by default. */
  readonly recordedAt?: string;
  /** When the source published it, ISO 8601; by default when it became known. */
  readonly publishedAt?: string;
}

const RECORDED_AT = '2020-01-01T00:00:00Z';

/**
 * Stores prices as the ingestors do: the operating day in the market's zone, and a price that is there already becomes a
 * new version, the old one going to `lmp_revision` by the store's own trigger.
 */
export async function storeLmps(pool: pg.Pool, specs: readonly LmpSpec[]): Promise<void> {
  await storeNodes(
    pool,
    specs.map(({ node }) => node),
  );
  const rows = specs.map((spec) => ({
    ...nameParts(spec.node),
    run: spec.run,
    start: new Date(spec.start).toISOString(),
    minutes: spec.minutes,
    lmp: spec.lmp,
    energy: spec.energy,
    congestion: spec.congestion,
    loss: spec.loss,
    ghg: spec.ghg,
    quality: qualityBits(spec.flags ?? []),
    ledger: spec.ledgerId ?? 1,
    recorded: spec.recordedAt ?? RECORDED_AT,
    published: spec.publishedAt ?? spec.recordedAt ?? RECORDED_AT,
  }));
  await pool.query(
    `INSERT INTO lmp (node_id, run, interval_start, interval_end, operating_day, lmp, energy, congestion, loss, ghg,
                      quality, published_at, published_seq, recorded_at, ledger_id)
     SELECT n.id, r.run, r.start, r.start + r.minutes * INTERVAL '1 minute', (r.start AT TIME ZONE m.time_zone)::date,
            r.lmp, r.energy, r.congestion, r.loss, r.ghg, r.quality, r.published, 0, r.recorded, r.ledger
     FROM jsonb_to_recordset($1) AS r (market text, name text, run market_run, start timestamptz, minutes float8,
            lmp float8, energy float8, congestion float8, loss float8, ghg float8, quality int, ledger bigint, recorded timestamptz,
            published timestamptz)
     JOIN market AS m ON m.id = r.market
     JOIN pricing_node AS n ON n.market_id = r.market AND n.name = r.name
     ON CONFLICT (node_id, run, interval_start) DO UPDATE SET
       interval_end = EXCLUDED.interval_end, lmp = EXCLUDED.lmp, energy = EXCLUDED.energy,
       congestion = EXCLUDED.congestion, loss = EXCLUDED.loss, ghg = EXCLUDED.ghg, quality = EXCLUDED.quality,
       revision = lmp.revision + 1, published_at = EXCLUDED.published_at, recorded_at = EXCLUDED.recorded_at,
       ledger_id = EXCLUDED.ledger_id`,
    [JSON.stringify(rows)],
  );
}

export async function storeNodes(pool: pg.Pool, nodes: readonly string[]): Promise<void> {
  const parts = nodes.map(nameParts);
  await pool.query(
    'INSERT INTO pricing_node (market_id, name) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING',
    [parts.map(({ market }) => market), parts.map(({ name }) => name)],
  );
}

function nameParts(node: string): { market: string; name: string } {
  const colon = node.indexOf(':');
  return { market: node.slice(0, colon), name: node.slice(colon + 1) };
}
