import { pino } from 'pino';
import type { Feed } from '../../ingestors/feed.ts';
import { type FileRequest, ingestFile } from '../../ingestors/ingest-file.ts';
import { createPipeline } from '../../ingestors/pipeline/pipeline.ts';
import { createRollups } from '../../ingestors/pipeline/rollups.ts';
import { unowned } from '../../ingestors/pipeline/store/positions.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import type { TestDatabase } from './postgres.ts';

/** A price as the store has it; instants in milliseconds UTC. */
export interface StoredPrice {
  /** `MARKET:NAME` */
  readonly node: string;
  readonly run: string;
  readonly start: number;
  readonly end: number;
  readonly lmp: number;
  readonly energy: number | null;
  readonly congestion: number | null;
  readonly loss: number | null;
  readonly ghg: number | null;
  /** Bits, as `domain/quality.ts` numbers them. */
  readonly quality: number;
}

export interface StoredLetter {
  readonly code: string;
  readonly reason: string;
  readonly raw: Buffer;
}

/** Takes files into a store of its own as `feeds ingest` does. */
export function createFileBench({ pool }: TestDatabase, now: number) {
  const log = pino({ level: 'silent' });
  const clock = () => now;
  const rollups = createRollups({ pool, log, clock });
  const metrics = createMetrics();
  const pipeline = createPipeline({ pool, announcer: undefined, rollups, keepRaw: true, metrics, log, clock });
  return {
    ingest: (feed: Feed, file: Omit<FileRequest, 'now'>) => ingestFile(feed, { ...file, now }, pipeline),
    /** The same of bytes, as a file of that name that was written now. */
    ingestBytes: (feed: Feed, name: string, bytes: Buffer | string, decodeAgain = false) =>
      pipeline.ingest(feed, unowned(feed.id, 'file'), {
        kind: 'FILE',
        next: undefined,
        request: name,
        items: [{ payload: { bytes: Buffer.from(bytes), name }, publishedAt: now, publishedSeq: 0 }],
        lag: null,
        decodeAgain,
      }),
    /** By node, run and start. */
    prices: async (ledgerId?: number): Promise<StoredPrice[]> => (await pool.query(PRICES, [ledgerId ?? null])).rows,
    letters: async (ledgerId: number): Promise<StoredLetter[]> =>
      (await pool.query('SELECT code, reason, raw FROM dead_letter WHERE ledger_id = $1 ORDER BY id', [ledgerId])).rows,
    /** Everything that another reading of the same bytes must leave as it was. */
    state: async () => (await pool.query(STATE)).rows[0],
  };
}

export type FileBench = ReturnType<typeof createFileBench>;

const PRICES = `
  SELECT n.market_id || ':' || n.name AS node, run::text, extract(epoch FROM interval_start)::float8 * 1000 AS start,
         extract(epoch FROM interval_end)::float8 * 1000 AS end, lmp, energy, congestion, loss, ghg, quality
  FROM lmp JOIN pricing_node AS n ON n.id = node_id
  WHERE $1::bigint IS NULL OR ledger_id = $1
  ORDER BY n.market_id COLLATE "C", n.name COLLATE "C", run, interval_start`;

const STATE = `
  SELECT (SELECT md5(string_agg(l::text, ';' ORDER BY node_id, run, interval_start)) FROM lmp AS l) AS prices,
         (SELECT count(*)::int FROM lmp) AS count, (SELECT count(*)::int FROM lmp_revision) AS revisions,
         (SELECT md5(string_agg(p::text, ';' ORDER BY tariff_name, tariff_type, interval_start)) FROM energy_prices AS p) AS tariffs,
         (SELECT count(*)::int FROM energy_prices_revision) AS tariff_revisions,
         (SELECT count(*)::int FROM dead_letter) AS letters`;
