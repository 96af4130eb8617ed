import { BusbarError } from '../../../domain/errors.ts';
import { feedOfDeadLetters } from '../../../prisma/operations/dead-letters.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import type { NamedFeed } from '../feed-names.ts';

/** Dead letters by their ids, or every open one of a feed or stream. */
export interface Chosen {
  /** An id, or a stream's name. */
  readonly feed: string;
  /** Undefined: every open one. */
  readonly ids: readonly number[] | undefined;
}

/** @throws BusbarError `BAD_USER_INPUT` where neither ids nor a feed are named, or ids of several feeds; `NOT_FOUND`. */
export async function chosenFrom(
  db: Queryable,
  ids: readonly number[] | undefined,
  named: NamedFeed | undefined,
): Promise<Chosen> {
  if (ids?.length) return { feed: named?.name ?? (await feedOfDeadLetters(db, ids)), ids };
  if (named) return { feed: named.name, ids: undefined };
  throw new BusbarError('BAD_USER_INPUT', 'say which: their ids, or --feed for every open one of a feed');
}
