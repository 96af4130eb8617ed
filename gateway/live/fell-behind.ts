import { BusbarError } from '../../domain/errors.ts';

/** How an EVERY subscription ends that does not keep up. @param cursor of the last update that is still handed over. */
export function fellBehind(cursor: string | undefined): BusbarError {
  return new BusbarError(
    'LIMIT_EXCEEDED',
    'this subscription fell too far behind: subscribe again after the cursor, or with delivery LATEST',
    { details: cursor === undefined ? {} : { cursor } },
  );
}
