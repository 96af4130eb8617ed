import { BusbarError, isBusbarError } from '../../domain/errors.ts';

const LIMIT = 'executionSeconds';

/**
 * Waits for work for so long. What it has begun is then no longer waited for: whoever began it makes sure that it ends.
 * @param onLate called before the refusal, to stop what can be stopped.
 * @throws BusbarError `LIMIT_EXCEEDED`
 */
export function withinTime<T>(
  work: T | Promise<T>,
  msMax: number,
  onLate: (error: BusbarError) => void = () => {},
): T | Promise<T> {
  if (!(work instanceof Promise)) return work;
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      const error = tooLong(msMax / 1_000);
      onLate(error);
      reject(error);
    }, msMax);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** @param secondsMax undefined where the store has cancelled a statement by a limit of its own. */
export function tooLong(secondsMax: number | undefined, cause?: unknown): BusbarError {
  const time = secondsMax === undefined ? 'it took too long' : `it took longer than ${secondsMax} s`;
  return new BusbarError('LIMIT_EXCEEDED', `${LIMIT}: ${time}; ask for less at a time`, {
    cause,
    details: { limit: LIMIT, ...(secondsMax !== undefined && { max: secondsMax }) },
  });
}

export function isTooLong(error: unknown): error is BusbarError {
  return isBusbarError(error, 'LIMIT_EXCEEDED') && error.details.limit === LIMIT;
}
