import { BusbarError } from '../../domain/errors.ts';
import type { Queryable } from '../queryable.ts';
import { type Gap, readGaps } from './completeness.ts';
import { requestBackfill, type Window } from './jobs.ts';
import type { CompletenessQuestion } from './owed-intervals.ts';

/**
 * Two gaps of a node that have at most so many intervals between them are asked for as one: two hours of 5-minute prices,
 * or a day of hourly ones. OASIS grants a request every 5 s, and answers 35,000 rows in one; 24 rows that are known
 * already take the pipeline half a millisecond, at 50,000 rows/s.
 */
export const INTERVALS_BETWEEN_MAX = 24;

/** What a repair is refused with where there is nothing to repair. */
const NOTHING_TO_REPAIR = 'NOTHING_TO_REPAIR';

/**
 * Asks for a backfill of what is missing.
 * @param client in a transaction, which an error is to roll back. It holds nobody off: a gap that closes between being seen
 *   and being planned is asked for all the same, and what comes of it is unchanged.
 * @param now milliseconds UTC: what is not due by then is not missing.
 * @returns the job's id.
 * @throws BusbarError `NOT_FOUND`; `LIMIT_EXCEEDED`; `BAD_USER_INPUT` where nothing is missing or nothing could be told:
 *   `isNothingToRepair` then.
 */
export async function requestRepair(
  client: Queryable,
  { by, ...asked }: CompletenessQuestion & { readonly by: string },
  now: number,
): Promise<number> {
  const { feed } = asked;
  const gaps = await readGaps(client, asked, now);
  if (!gaps) throw nothingToRepair(`${feed} owes nothing that could be told: backfill it instead`);
  if (gaps.length === 0) throw nothingToRepair(`nothing is missing of ${feed} there`);
  return requestBackfill(client, { feed, windows: windowsFrom(gaps), by });
}

/** Whether a repair was refused because there is nothing to do, which need not be a mistake of whoever asked. */
export function isNothingToRepair(error: unknown): error is BusbarError {
  return error instanceof BusbarError && error.details.reason === NOTHING_TO_REPAIR;
}

function nothingToRepair(message: string): BusbarError {
  return new BusbarError('BAD_USER_INPUT', message, { details: { reason: NOTHING_TO_REPAIR } });
}

/** Nodes of a partition that miss the same intervals are asked for together, as sources answer for many at once. */
export function windowsFrom(gaps: readonly Gap[]): Window[] {
  const windows = new Map<string, { from: number; to: number; partitions: readonly string[]; nodes: string[] }>();
  for (const { partition, node, from, to } of joined(gaps)) {
    const key = `${from} ${to} ${partition}`;
    const window = windows.get(key);
    if (window) window.nodes.push(node);
    else windows.set(key, { from, to, partitions: [partition], nodes: [node] });
  }
  return [...windows.values()];
}

/** @param gaps by partition, node and time. */
function joined(gaps: readonly Gap[]): Gap[] {
  const whole: Gap[] = [];
  for (const gap of gaps) {
    const before = whole.at(-1);
    if (before && areNear(before, gap)) whole[whole.length - 1] = { ...before, to: gap.to };
    else whole.push(gap);
  }
  return whole;
}

function areNear(before: Gap, { partition, node, from, to, intervals }: Gap): boolean {
  const intervalMs = (to - from) / intervals;
  return (
    before.partition === partition && before.node === node && from - before.to <= INTERVALS_BETWEEN_MAX * intervalMs
  );
}
