import type pg from 'pg';
import { qualityFlags } from '../../../domain/quality.ts';
import { ms } from '../../../prisma/instants.ts';
import type { LmpTick } from '../../../runtime/live-bus/live-bus.ts';
import type { NewsArchive } from '../news.ts';

/** Prices, read back as a commit wrote them. */
export const lmpArchive: NewsArchive = {
  channels: ['lmp'],
  read: async (pool, ledgerId) => ({ lmp: await readTicks(pool, ledgerId) }),
};

async function readTicks(pool: pg.Pool, ledgerId: number): Promise<LmpTick[]> {
  const { rows } = await pool.query<StoredTick>(
    `SELECT n.market_id || ':' || n.name AS node, run, ${ms('interval_start')} AS "startAt", ${ms('interval_end')} AS "endAt",
            lmp, energy, congestion, loss, ghg, revision, quality, ${ms('published_at')} AS "publishedAt", ledger_id AS "ledgerId"
     FROM (SELECT ${TICK_COLUMNS} FROM lmp WHERE ledger_id = $1 AND ${WITHIN_EVENT_RANGE}
           UNION ALL SELECT ${TICK_COLUMNS} FROM lmp_revision WHERE ledger_id = $1 AND revision > 0 AND ${WITHIN_EVENT_RANGE}
          ) AS written
     JOIN pricing_node n ON n.id = node_id
     ORDER BY interval_start, n.market_id, n.name, revision`,
    [ledgerId],
  );
  return rows.map(({ quality, ...tick }) => ({ ...tick, flags: qualityFlags(quality) }));
}

/** Spares the hypertable's other chunks. */
const WITHIN_EVENT_RANGE = `interval_start >= (SELECT event_from FROM ledger_entry WHERE id = $1)
  AND interval_start <= (SELECT event_to FROM ledger_entry WHERE id = $1)`;

type StoredTick = Omit<LmpTick, 'flags'> & { readonly quality: number };

const TICK_COLUMNS =
  'node_id, run, interval_start, interval_end, lmp, energy, congestion, loss, ghg, revision, quality, published_at, ledger_id';
