import { DAY_MS, isoFromInstant, MINUTE_MS } from '../../domain/instant.ts';
import { checkIdentity, type LmpFact, type VersionedLmp } from '../../domain/lmp.ts';
import { intervalMinutesOf } from '../../domain/market-run.ts';
import type { QualityFlag } from '../../domain/quality.ts';
import type { RejectCode } from '../feed.ts';

/** No ISO market cleared a price before. */
const EARLIEST_AT = Date.UTC(1998, 0, 1);
/** Day-ahead prices are at most two days ahead; a week forgives a producer's clock, not its unit. */
const AHEAD_MS_MAX = 7 * DAY_MS;
/**
 * A version from the future would win over every correction until then. A day forgives a clock that is wrong by a time zone,
 * not one that counts in microseconds.
 */
const PUBLISHED_AHEAD_MS_MAX = DAY_MS;
/** Far beyond any cap ever in force: not a price, a unit error or a shifted column. */
const PRICE_MAX = 1_000_000;

export interface Version {
  readonly publishedAt: number;
  readonly publishedSeq: number;
}

export interface Impossible {
  readonly code: RejectCode;
  readonly reason: string;
}

/**
 * Judges one decoded fact: what is impossible is refused, what is odd is flagged and kept as it came.
 * @param now the wall clock, milliseconds UTC.
 */
export function validate(fact: LmpFact, version: Version, now: number): VersionedLmp | Impossible {
  const { startAt, endAt } = fact;
  if (!(startAt >= EARLIEST_AT && startAt <= now + AHEAD_MS_MAX)) {
    return {
      code: 'BAD_TIME',
      reason: `the interval starts at ${instantText(startAt)}, which is not between 1998 and a week from now`,
    };
  }
  if (!(endAt >= startAt && endAt - startAt <= DAY_MS)) {
    return { code: 'BAD_TIME', reason: `the interval ends at ${instantText(endAt)}, not within a day after its start` };
  }
  const { publishedAt } = version;
  if (!(publishedAt >= EARLIEST_AT && publishedAt <= now + PUBLISHED_AHEAD_MS_MAX)) {
    return {
      code: 'BAD_TIME',
      reason: `the record is stamped ${instantText(publishedAt)}, which is not between 1998 and a day from now`,
    };
  }
  for (const [name, price] of [
    ['lmp', fact.lmp],
    ['energy', fact.energy],
    ['congestion', fact.congestion],
    ['loss', fact.loss],
    ['ghg', fact.ghg],
  ] as const) {
    if (price !== null && !(Math.abs(price) <= PRICE_MAX)) {
      return {
        code: 'BAD_VALUE',
        reason: `${name} is ${price}: not a price between −${PRICE_MAX} and ${PRICE_MAX} per MWh`,
      };
    }
  }
  const flags = checkIdentity(fact);
  if (!isOnGrid(fact)) flags.push('UNALIGNED_INTERVAL');
  if (fact.preliminary) flags.push('PRELIMINARY');
  return versioned(fact, version, flags.length === 0 ? NO_FLAGS : flags);
}

export function isImpossible(judged: object): judged is Impossible {
  return 'reason' in judged;
}

const NO_FLAGS: readonly QualityFlag[] = Object.freeze([]);

/** Spelled out: one object of one shape a price, without a spread's cost on the hot path. */
function versioned(fact: LmpFact, version: Version, flags: readonly QualityFlag[]): VersionedLmp {
  return {
    node: fact.node,
    run: fact.run,
    startAt: fact.startAt,
    endAt: fact.endAt,
    lmp: fact.lmp,
    energy: fact.energy,
    congestion: fact.congestion,
    loss: fact.loss,
    ghg: fact.ghg,
    publishedAt: version.publishedAt,
    publishedSeq: fact.sourceVersion ?? version.publishedSeq,
    flags,
  };
}

function isOnGrid(fact: LmpFact): boolean {
  const minutes = intervalMinutesOf(fact.run);
  return minutes === null || fact.startAt % (minutes * MINUTE_MS) === 0;
}

function instantText(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? isoFromInstant(ms) : String(ms);
}
