import { isoFromInstant } from '../../domain/instant.ts';
import type { NodeName } from '../../domain/market.ts';
import type { Window } from '../../prisma/operations/jobs.ts';

/** A part of a feed's past, as the options of a command name it. Milliseconds UTC, `[from, to)`. */
export interface PastRange {
  readonly from: number;
  readonly to: number;
  readonly partition?: readonly string[];
  readonly node?: readonly NodeName[];
}

export function windowFrom({ from, to, partition, node }: PastRange): Window {
  return { from, to, ...(partition && { partitions: partition }), ...(node && { nodes: node }) };
}

/** As the audit log and JSON have it: instants as a person reads them. */
export function readableRange<Range extends Pick<Window, 'from' | 'to'>>(
  range: Range,
): Omit<Range, 'from' | 'to'> & { readonly from: string; readonly to: string } {
  return { ...range, from: isoFromInstant(range.from), to: isoFromInstant(range.to) };
}
