import { BusbarError } from '../domain/errors.ts';
import { requireWithin, someOf } from './limits.ts';

/**
 * The number behind an `ID` of a job or a dead letter.
 * @param argument how the argument is called.
 * @throws BusbarError `BAD_USER_INPUT` where it is not a positive whole number within 2^53 − 1.
 */
export function rowIdFrom(argument: string, text: string): number {
  const id = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(id)) return id;
  throw new BusbarError(
    'BAD_USER_INPUT',
    `\`${argument}\` must be a positive whole number, not "${text.slice(0, 60)}"`,
  );
}

/**
 * Of a list that may be left out, which means all there are.
 * @returns each once.
 * @throws BusbarError `BAD_USER_INPUT`, `LIMIT_EXCEEDED`.
 */
export function rowIdsFrom(argument: string, texts: readonly string[]): number[] {
  requireWithin('ids', texts.length, 'ask in several requests');
  return [...new Set(someOf(argument, texts).map((text) => rowIdFrom(argument, text)))];
}
