import type pg from 'pg';
import { isBusbarError, messageOf } from '../../domain/errors.ts';
import { inTransaction, reachable } from '../transaction.ts';

/** Who asks, and by which door. */
export interface Actor {
  readonly name: string;
  readonly via: 'graphql' | 'cli';
}

export interface AuditedAction {
  readonly actor: Actor;
  /** The mutation's name, or the CLI's command. */
  readonly action: string;
  readonly input: object;
}

/**
 * Makes a change and notes who asked for it, in one transaction: what was done is in the log, and what is in the log as
 * done was done. A change that is refused or fails is noted too, and its error thrown on.
 * @param work returns an object; a `jobId` in it is noted as the job that came of it.
 */
export async function audited<T extends object>(
  pool: pg.Pool,
  asked: AuditedAction,
  work: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  try {
    return await inTransaction(pool, async (client) => {
      const done = await work(client);
      await note(client, asked, 'DONE', null, jobIdOf(done));
      return done;
    });
  } catch (error) {
    const refused = isBusbarError(error) && error.exposed && !error.retriable;
    // Where not even this can be written the store is away, and the first error says so.
    await reachable(() => note(pool, asked, refused ? 'REFUSED' : 'FAILED', messageOf(error), null)).catch(() => {});
    throw error;
  }
}

function jobIdOf(done: object): number | null {
  return 'jobId' in done && typeof done.jobId === 'number' ? done.jobId : null;
}

async function note(
  db: Pick<pg.ClientBase, 'query'>,
  { actor, action, input }: AuditedAction,
  outcome: 'DONE' | 'REFUSED' | 'FAILED',
  error: string | null,
  jobId: number | null,
): Promise<void> {
  await db.query(
    `INSERT INTO audit_entry (actor, via, action, input, outcome, error, job_id) VALUES ($1, $2, $3, $4, $5::audit_outcome, $6, $7)`,
    [storable(actor.name), actor.via, action, jsonFrom(input), outcome, error && storable(error), jobId],
  );
}

function jsonFrom(input: object): string {
  return JSON.stringify(input, (_, value: unknown) => (typeof value === 'string' ? storable(value) : value));
}

/** Postgres refuses U+0000 and half a surrogate pair. Whoever sends one is in the log all the same. */
function storable(text: string): string {
  return Buffer.from(text).toString().replaceAll('\0', '\u2400');
}
