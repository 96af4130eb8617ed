import type pg from 'pg';
import { BusbarError } from '../../domain/errors.ts';
import { type Gap, readGaps } from './completeness.ts';
import { requestBackfill, type Window } from './jobs.ts';

/**
 * Asks for a backfill of exactly what is missing.
 * @param client in a transaction: no gap closes between being seen and being asked for.
 * @param feed an id, or a stream's name.
 * @param now milliseconds UTC: what is not due by then is not missing.
 * @returns the job's id.
 * @throws BusbarError `NOT_FOUND`; `LIMIT_EXCEEDED`; `BAD_USER_INPUT` where nothing is missing or nothing could be told.
 */
export async function requestRepair(
  client: Pick<pg.ClientBase, 'query'>,
  { feed, from, to, by }: { feed: string; from: number; to: number; by: string },
  now: number,
): Promise<number> {
  const gaps = await readGaps(client, { feed, from, to }, now);
  if (!gaps) throw new BusbarError('BAD_USER_INPUT', `${feed} owes nothing that could be told: backfill it instead`);
  if (gaps.length === 0) throw new BusbarError('BAD_USER_INPUT', `nothing is missing of ${feed} there`);
  return requestBackfill(client, { feed, windows: windowsFrom(gaps), by });
}

/** Nodes of a partition that miss the same intervals are asked for together, as sources answer for many at once. */
export function windowsFrom(gaps: readonly Gap[]): Window[] {
  const windows = new Map<string, { from: number; to: number; partitions: readonly string[]; nodes: string[] }>();
  for (const { partition, node, from, to } of gaps) {
    const key = `${from} ${to} ${partition}`;
    const window = windows.get(key);
    if (window) window.nodes.push(node);
    else windows.set(key, { from, to, partitions: [partition], nodes: [node] });
  }
  return [...windows.values()];
}
