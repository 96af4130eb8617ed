import { Option } from 'commander';
import { isSourcePartition } from '../../prisma/operations/partitions.ts';
import { countText } from './output.ts';

export interface AllOptions {
  readonly all?: boolean;
}

export const allOption = () =>
  new Option('--all', 'also the partitions that jobs and files commit under; JSON always has them');

interface PartitionRow {
  readonly partition: string;
  readonly openDeadLetters?: number;
}

/** Partitions of sources, which are looked for first, and those that jobs and files commit under. */
export function bySource<Row extends PartitionRow>(
  rows: readonly Row[],
): { readonly sources: readonly Row[]; readonly others: readonly Row[] } {
  const ofSource = ({ partition }: Row) => isSourcePartition(partition);
  return { sources: rows.filter(ofSource), others: rows.filter((row) => !ofSource(row)) };
}

/** What is not shown, and how to see it. */
export function hiddenText(others: readonly PartitionRow[], command: string): string {
  const open = others.reduce((sum, { openDeadLetters = 0 }) => sum + openDeadLetters, 0);
  const waiting = open > 0 ? `, open dead letters: ${countText(open)}` : '';
  return `Partitions of jobs and files: ${countText(others.length)}${waiting}; shown by feeds ${command} --all`;
}
