import pg from 'pg';
import { isBusbarError } from '../../domain/errors.ts';

/**
 * SQLSTATE classes that blame a value: cardinality, data, integrity, program limits, and what a trigger raises. Anything
 * else a statement may fail with (a missing table, a server that is away) would be the same for every record.
 */
const BLAMES_A_VALUE = new Set(['21', '22', '23', '54', 'P0']);

/** More than so many poison records in one unit are no accident of a record: something is wrong with all of them. */
const POISON_MAX = 100;

/** Whether a commit failed because of what was to be written, so that a part of it may be sound. */
export function isPoisoned(error: unknown): boolean {
  const cause = isBusbarError(error, 'BAD_USER_INPUT') ? error.cause : error;
  if (cause instanceof pg.DatabaseError) return BLAMES_A_VALUE.has(cause.code?.slice(0, 2) ?? '');
  return cause instanceof RangeError;
}

/** A thing that alone makes a trial fail. */
export interface Poison<Thing> {
  readonly thing: Thing;
  readonly error: unknown;
}

/**
 * Finds, by bisecting, the things that make a trial fail each by itself: for one in n, about 2·log₂ n trials.
 * @param attempt tries some of them and leaves nothing behind; throws where they fail.
 * @returns undefined where the failure is no matter of single things: all of several fail, or too many do.
 */
export async function findPoison<Thing>(
  things: readonly Thing[],
  attempt: (some: readonly Thing[]) => Promise<void>,
): Promise<Poison<Thing>[] | undefined> {
  const found: Poison<Thing>[] = [];
  const search = async (some: readonly Thing[]): Promise<void> => {
    if (some.length === 0 || found.length > POISON_MAX) return;
    try {
      await attempt(some);
    } catch (error) {
      if (!isPoisoned(error)) throw error;
      const [only] = some;
      if (some.length === 1 && only !== undefined) found.push({ thing: only, error });
      else for (const half of halvesOf(some)) await search(half);
    }
  };
  await search(things);
  const isSystemic = found.length > POISON_MAX || (things.length > 1 && found.length === things.length);
  return isSystemic || found.length === 0 ? undefined : found;
}

function halvesOf<Thing>(things: readonly Thing[]): [readonly Thing[], readonly Thing[]] {
  const middle = Math.ceil(things.length / 2);
  return [things.slice(0, middle), things.slice(middle)];
}
