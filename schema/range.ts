import { BusbarError } from '../domain/errors.ts';
import type { Range } from './context.ts';

/** @throws BusbarError `BAD_USER_INPUT` where the range is empty or runs backwards. */
export function rangeFrom({ from, to }: { from: number; to: number }): Range {
  if (from < to) return { from, to };
  throw new BusbarError('BAD_USER_INPUT', '`from` must lie before `to`: the range is [from, to)');
}
