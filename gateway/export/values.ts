import { type QualityFlag, qualityFlags } from '../../domain/quality.ts';
import type { Column } from './columns.ts';

const FLAGS = new Map<string, readonly QualityFlag[]>();

/** @param bits as Postgres writes them. */
export function flagsFrom(bits: string): readonly QualityFlag[] {
  const flags = FLAGS.get(bits) ?? qualityFlags(Number(bits));
  FLAGS.set(bits, flags);
  return flags;
}

/** Text of a column that is text where it is written: names, exact decimals, flags between bars. */
export function textFrom({ type }: Column, cell: string): string {
  return type === 'flags' ? flagsFrom(cell).join('|') : cell;
}
