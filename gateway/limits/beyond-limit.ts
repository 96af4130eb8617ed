import { BusbarError } from '../../domain/errors.ts';

/**
 * The refusal of a request that asks for more than it may.
 * @param asked undefined where nobody counted to the end.
 */
export function beyondLimit(limit: string, max: number, asked: number | undefined, advice: string): BusbarError {
  // A document of some lines can ask for more fields than a number can say.
  const shown = asked === undefined ? undefined : Math.min(asked, Number.MAX_SAFE_INTEGER);
  const many = shown === undefined ? `more than ${max} asked for` : `${shown} asked for, at most ${max}`;
  return new BusbarError('LIMIT_EXCEEDED', `${limit}: ${many}; ${advice}`, {
    details: { limit, max, ...(shown !== undefined && { asked: shown }) },
  });
}
