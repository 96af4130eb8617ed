import type pg from 'pg';
import { MEANS_DOWN, PLACES } from '../../prisma/operations/api-health.ts';
import { reachable } from '../../prisma/transaction.ts';
import type { Metrics } from '../../runtime/metrics.ts';

const UPS = `
  WITH RECURSIVE ${PLACES}
  SELECT DISTINCT source, NOT EXISTS (
    SELECT FROM api_alert AS a WHERE a.source = place.source AND closed_at IS NULL AND ${MEANS_DOWN}
  ) AS up
  FROM place`;

/**
 * Tells the gauge which sources are up, by the alerts of the store: whichever process found them, every process says the
 * same. While the store is away nothing is known, and none is told. Never throws.
 */
export async function tellSourcesUp(pool: pg.Pool, { sourceUp }: Pick<Metrics, 'sourceUp'>): Promise<void> {
  const ups = await reachable(() => pool.query<{ source: string; up: boolean }>(UPS)).catch(() => ({ rows: [] }));
  sourceUp.reset();
  for (const { source, up } of ups.rows) sourceUp.set({ source }, up ? 1 : 0);
}
