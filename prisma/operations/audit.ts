import type pg from 'pg';
import { isBusbarError, messageOf } from '../../domain/errors.ts';
import type { Queryable } from '../queryable.ts';
import { inTransaction, reachable } from '../transaction.ts';

/** Who asks, by which door, with what and from where. */
export interface Actor {
  readonly name: string;
  readonly via: 'graphql' | 'export' | 'cli';
  /** Of the credential; none at a shell. */
  readonly subject?: string;
  /** IP address; none at a shell. */
  readonly address?: string;
}

export interface AuditedAction {
  readonly actor: Actor;
  /** The mutation's name, by whichever door; `ingest` and `publish`, which only the CLI has; `export`; and `access` that was denied. */
  readonly action: string;
  readonly input: object;
}

/** `BEGUN` is followed by one of the others, unless the process died on the way. */
type AuditOutcome = 'BEGUN' | 'DONE' | 'REFUSED' | 'FAILED' | 'DENIED';

/**
 * Makes a change and notes who asked for it, in one transaction: what was done is in the log, and what is in the log as
 * done was done. A change that is refused or fails is noted too, and its error thrown on.
 * @param work returns an object; a `jobId` in it is noted as the job that came of it.
 */
export async function audited<T extends object>(
  pool: pg.Pool,
  asked: AuditedAction,
  work: (client: Queryable) => Promise<T>,
): Promise<T> {
  try {
    return await auditedChange(pool, asked, work);
  } catch (error) {
    await noteFailure(pool, asked, error);
    throw error;
  }
}

/** As `audited`, for a caller that itself notes what is refused or fails, by `noteFailure`. */
export function auditedChange<T extends object>(
  pool: pg.Pool,
  asked: AuditedAction,
  work: (client: Queryable) => Promise<T>,
): Promise<T> {
  return inTransaction(pool, async (client) => {
    const done = await work(client);
    await note(client, asked, 'DONE', null, jobIdOf(done));
    return done;
  });
}

/**
 * As `audited`, for work that takes longer than a transaction should and commits by itself: that it was begun is noted
 * before, so that what a process did that died on the way is in the log too.
 * @throws BusbarError `UNAVAILABLE` where it cannot be noted; before the work, it is not begun then.
 */
export async function auditedWork<T>(pool: pg.Pool, asked: AuditedAction, work: () => Promise<T>): Promise<T> {
  await reachable(() => note(pool, asked, 'BEGUN', null, null));
  const done = await work().catch(async (error: unknown) => {
    await noteFailure(pool, asked, error);
    throw error;
  });
  await reachable(() => note(pool, asked, 'DONE', null, null));
  return done;
}

/** Notes a change that was refused, or that failed. Never throws: the error that the caller has says more. */
export async function noteFailure(pool: pg.Pool, asked: AuditedAction, error: unknown): Promise<void> {
  const refused = isBusbarError(error) && error.exposed && !error.retriable;
  // Where not even this can be written the store is away, which the error says, or whoever asks next is told.
  await noteInShort(pool, asked, refused ? 'REFUSED' : 'FAILED', messageOf(error)).catch(() => {});
}

/** Notes access that was not allowed. @throws BusbarError `UNAVAILABLE`. */
export async function noteDenied(pool: pg.Pool, asked: AuditedAction, reason: string): Promise<void> {
  await reachable(() => noteInShort(pool, asked, 'DENIED', reason));
}

/** Notes what was refused before it was begun. @throws BusbarError `UNAVAILABLE`. */
export async function noteRefused(pool: pg.Pool, asked: AuditedAction, reason: string): Promise<void> {
  await reachable(() => noteInShort(pool, asked, 'REFUSED', reason));
}

function noteInShort(db: Queryable, asked: AuditedAction, outcome: AuditOutcome, reason: string): Promise<void> {
  return note(db, { ...asked, input: shortened(asked.input) }, outcome, cut(reason), null);
}

function jobIdOf(done: object): number | null {
  return 'jobId' in done && typeof done.jobId === 'number' ? done.jobId : null;
}

async function note(
  db: Queryable,
  { actor, action, input }: AuditedAction,
  outcome: AuditOutcome,
  error: string | null,
  jobId: number | null,
): Promise<void> {
  await db.query(
    `INSERT INTO audit_entry (actor, via, subject, address, action, input, outcome, error, job_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7::audit_outcome, $8, $9)`,
    [
      storable(actor.name),
      actor.via,
      actor.subject === undefined ? null : storable(actor.subject),
      actor.address ?? null,
      action,
      jsonFrom(input),
      outcome,
      error && storable(error),
      jobId,
    ],
  );
}

function jsonFrom(input: object): string {
  return JSON.stringify(input, (_, value: unknown) => (typeof value === 'string' ? storable(value) : value));
}

/** Postgres refuses U+0000 and half a surrogate pair. Whoever sends one is in the log all the same. */
function storable(text: string): string {
  return Buffer.from(text).toString().replaceAll('\0', '\u2400');
}

const REFUSED_LENGTH_MAX = 2_000;
const REFUSED_ITEMS_MAX = 100;
/** Of all of it, as JSON. */
const REFUSED_INPUT_LENGTH_MAX = 10_000;

/**
 * What changed nothing, perhaps because it was far too much, is not worth its full length in a log that only grows. Where it is too
 * much in all, its texts and lists are cut to half, and to half again.
 */
function shortened(input: object, lengthMax = REFUSED_LENGTH_MAX, itemsMax = REFUSED_ITEMS_MAX): object {
  const short = JSON.stringify(input, (_, value: unknown) => {
    if (typeof value === 'string') return cut(value, lengthMax);
    if (!Array.isArray(value) || value.length <= itemsMax) return value;
    return [...value.slice(0, itemsMax), `… and ${value.length - itemsMax} more`];
  });
  if (short.length <= REFUSED_INPUT_LENGTH_MAX || lengthMax < 1) return JSON.parse(short);
  return shortened(input, Math.floor(lengthMax / 2), Math.floor(itemsMax / 2));
}

/** As much of a text as is kept of what was not done, and the sign that it was longer. */
export function cut(text: string, lengthMax = REFUSED_LENGTH_MAX): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax)}…`;
}
