import { DAY_MS, isInstant, isoFromInstant } from '../../../domain/instant.ts';
import type { Impossible, Version } from '../validate.ts';

/** No electricity market published anything before. */
const EARLIEST_AT = Date.UTC(1998, 0, 1);
/** Nobody here publishes further ahead than a day or two; a week forgives a clock, not a unit. */
const AHEAD_MS_MAX = 7 * DAY_MS;
/** A version from the future would win over every correction until then. */
const PUBLISHED_AHEAD_MS_MAX = DAY_MS;

/** An interval that starts between 1998 and a week from now and is a day long at most. */
export function impossibleInterval(startAt: number, endAt: number, now: number): Impossible | undefined {
  if (!(startAt >= EARLIEST_AT && startAt <= now + AHEAD_MS_MAX)) {
    return badTime(`the interval starts at ${shown(startAt)}, which is not between 1998 and a week from now`);
  }
  if (!(endAt > startAt && endAt - startAt <= DAY_MS)) {
    return badTime(`the interval ends at ${shown(endAt)}, not within a day after its start`);
  }
  return undefined;
}

/** A publication between 1998 and a day from now. */
export function impossibleVersion({ publishedAt }: Version, now: number): Impossible | undefined {
  if (publishedAt >= EARLIEST_AT && publishedAt <= now + PUBLISHED_AHEAD_MS_MAX) return undefined;
  return badTime(`it is stamped ${shown(publishedAt)}, which is not between 1998 and a day from now`);
}

function badTime(reason: string): Impossible {
  return { code: 'BAD_TIME', reason };
}

function shown(instantMs: number): string {
  return isInstant(instantMs) ? isoFromInstant(instantMs) : String(instantMs);
}
