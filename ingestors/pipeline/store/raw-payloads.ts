import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type pg from 'pg';
import type { Queryable } from '../../../prisma/queryable.ts';
import type { Payload } from '../../feed.ts';

/**
 * What sources answered, kept for a time (`RAW_PAYLOAD_DAYS`), so that a mended decoder can read it again without asking the
 * source again. Log records are not kept here: their log keeps them.
 */
export interface RawPayload {
  readonly name: string;
  readonly encoding: 'gzip' | 'identity';
  readonly bytes: Buffer;
}

/** Larger ones stay where they came from: beyond this a row of the store is no place for a file. */
const BYTES_MAX = 64 * 1024 * 1024;

const zip = promisify(gzip);
const unzip = promisify(gunzip);

/** @returns undefined where the payload is too large to be kept. */
export async function compressed({ bytes, name }: Payload): Promise<RawPayload | undefined> {
  if (bytes.length > BYTES_MAX) return undefined;
  const smaller = await zip(bytes);
  // An archive hardly shrinks again, and would have to be unpacked twice.
  if (smaller.length > bytes.length * 0.9) return { name, encoding: 'identity', bytes };
  return { name, encoding: 'gzip', bytes: smaller };
}

/** Keeps a payload, or notes that it came again. */
export async function keepRawPayload(
  client: Queryable,
  feed: string,
  checksum: Buffer,
  { name, encoding, bytes }: RawPayload,
): Promise<void> {
  await client.query({
    name: 'keep-raw-payload',
    text: `INSERT INTO raw_payload (feed_id, checksum, name, encoding, bytes, received_at)
           VALUES ($1, $2, $3, $4, $5, clock_timestamp())
           ON CONFLICT (feed_id, checksum) DO UPDATE SET received_at = excluded.received_at`,
    values: [feed, checksum, name, encoding, bytes],
  });
}

/** @returns undefined where it is no longer kept, or never was. */
export async function readRawPayload(pool: pg.Pool, feed: string, checksum: Buffer): Promise<Payload | undefined> {
  const { rows } = await pool.query<RawPayload>({
    name: 'read-raw-payload',
    text: 'SELECT name, encoding, bytes FROM raw_payload WHERE feed_id = $1 AND checksum = $2',
    values: [feed, checksum],
  });
  const row = rows[0];
  return row && { name: row.name, bytes: row.encoding === 'gzip' ? await unzip(row.bytes) : row.bytes };
}
