import pg from 'pg';
import { isBusbarError } from '../../domain/errors.ts';

/**
 * SQLSTATE classes that blame a value: cardinality, data, integrity, program limits, and what a trigger raises. Anything
 * else a statement may fail with (a missing table, a server that is away) would be the same for every record.
 */
const BLAMES_A_VALUE = new Set(['21', '22', '23', '54', 'P0']);

/**
 * So many are told apart from the sound ones in one unit. Beyond it, what has not been tried by itself is given up with them:
 * it is kept and can be tried again, and a feed that brings nothing but poison goes on all the same.
 */
const POISON_MAX = 100;

/** Whether a commit failed because of what was to be written, so that a part of it may be sound. */
export function isPoisoned(error: unknown): boolean {
  const cause = isBusbarError(error, 'BAD_USER_INPUT') ? error.cause : error;
  if (cause instanceof pg.DatabaseError) return BLAMES_A_VALUE.has(cause.code?.slice(0, 2) ?? '');
  return cause instanceof RangeError;
}

/** A thing that makes a trial fail, by itself or as one of too many. */
export interface Poison<Thing> {
  readonly thing: Thing;
  readonly error: unknown;
}

/**
 * Finds, by bisecting, the things that make a trial fail each by itself: for one in n, about 2·log₂ n trials.
 * @param attempt tries some of them and leaves nothing behind; throws where they fail.
 */
export async function findPoison<Thing>(
  things: readonly Thing[],
  attempt: (some: readonly Thing[]) => Promise<void>,
): Promise<Poison<Thing>[]> {
  const found: Poison<Thing>[] = [];
  const search = async (some: readonly Thing[]): Promise<void> => {
    if (some.length === 0) return;
    try {
      await attempt(some);
    } catch (error) {
      if (!isPoisoned(error)) throw error;
      if (some.length === 1 || found.length >= POISON_MAX) found.push(...some.map((thing) => ({ thing, error })));
      else for (const half of halvesOf(some)) await search(half);
    }
  };
  await search(things);
  return found;
}

function halvesOf<Thing>(things: readonly Thing[]): [readonly Thing[], readonly Thing[]] {
  const middle = Math.ceil(things.length / 2);
  return [things.slice(0, middle), things.slice(middle)];
}
