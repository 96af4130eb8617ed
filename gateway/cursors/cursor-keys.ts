import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Secret } from '../../runtime/secret.ts';
import type { CursorKeys } from './cursor-seal.ts';

/** How often a gateway learns which keys the store has. */
const REFRESH_MS = 30_000;
/** When every gateway has learned of a key, and it may sign. */
const KNOWN_EVERYWHERE_SECONDS = 90;
const KEY_BYTES = 32;

export interface KeyRing {
  readonly keys: () => CursorKeys;
  close(): void;
}

/** Keys that the setting gives: the first signs. They may be texts of any length. */
export function keysFromSecrets(secrets: readonly Secret[]): CursorKeys {
  const known = secrets.map((secret) => createHash('sha256').update(secret.reveal()).digest());
  const [signing] = known;
  if (!signing) throw new TypeError('there is no cursor secret');
  return { signing, known };
}

/**
 * Keys that all gateways share by the store. The first gateway makes one. To rotate, insert another (README): it signs once every
 * gateway has had time to learn of it, and the older ones verify as long as their rows are there.
 */
export async function openKeyRing(pool: pg.Pool, log: Logger, refreshMs = REFRESH_MS): Promise<KeyRing> {
  await pool.query('INSERT INTO cursor_key (id, secret) VALUES (1, $1) ON CONFLICT DO NOTHING', [
    randomBytes(KEY_BYTES),
  ]);
  let keys = await readKeys(pool);
  const refresh = setInterval(() => {
    readKeys(pool).then(
      (read) => {
        keys = read;
      },
      (err) => log.warn({ err }, 'cursor keys could not be read'),
    );
  }, refreshMs);
  refresh.unref();
  return { keys: () => keys, close: () => clearInterval(refresh) };
}

/** The newest that all know signs; the first of all has nobody to be unknown to. */
async function readKeys(pool: pg.Pool): Promise<CursorKeys> {
  const { rows } = await pool.query<{ secret: Buffer; ripe: boolean }>(
    `SELECT secret, created_at < now() - INTERVAL '${KNOWN_EVERYWHERE_SECONDS} seconds' AS ripe FROM cursor_key ORDER BY id DESC`,
  );
  const known = rows.map(({ secret }) => secret);
  const signing = rows.find(({ ripe }) => ripe)?.secret ?? known.at(-1);
  if (!signing) throw new TypeError('the store has no cursor key');
  return { signing, known };
}
