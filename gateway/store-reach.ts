import { BusbarError, isBusbarError } from '../domain/errors.ts';
import { reachable } from '../prisma/transaction.ts';

/**
 * As `reachable`, for whoever asks from outside: the driver's own words name hosts, and go to the log only.
 * @throws BusbarError `UNAVAILABLE` where the store is away.
 */
export async function fromStore<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await reachable(query);
  } catch (cause) {
    if (!isBusbarError(cause, 'UNAVAILABLE')) throw cause;
    throw new BusbarError('UNAVAILABLE', 'the store cannot be reached: try again', { cause });
  }
}
