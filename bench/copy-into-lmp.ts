import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

const COPY = `COPY lmp (node_id, run, interval_start, interval_end, operating_day, lmp, energy, congestion, loss, ghg, quality,
                        revision, published_at, published_seq, recorded_at, ledger_id) FROM STDIN`;

/**
 * @param pool one that does not pipeline, as Busbar's own does.
 * @param text lines of COPY's text format, of the columns above.
 */
export async function copyIntoLmp(pool: pg.Pool, text: Buffer): Promise<void> {
  const client = await pool.connect();
  try {
    await pipeline(Readable.from([text]), client.query(copyFrom(COPY)));
  } finally {
    client.release();
  }
}
