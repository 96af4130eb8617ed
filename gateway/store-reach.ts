import pg from 'pg';
import { z } from 'zod';
import { BusbarError, isBusbarError } from '../domain/errors.ts';
import { Prisma } from '../prisma/generated/client.ts';
import { isPassing } from '../prisma/transaction.ts';
import { tooLong } from './limits/execution-time.ts';

/**
 * Asks the store for whoever asks from outside. The driver's own words name hosts, and go to the log only.
 * @throws BusbarError `UNAVAILABLE` where the store is away, `LIMIT_EXCEEDED` where it gave up; anything else that was thrown as it is.
 */
export async function fromStore<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (cause) {
    if (isCancelled(cause)) throw tooLong(undefined, cause);
    if (!isAway(cause)) throw cause;
    throw new BusbarError('UNAVAILABLE', 'the store cannot be reached: try again', { cause });
  }
}

/** The same object, whose every method asks by `fromStore`. */
export function askingStore<Reads extends object>(reads: Reads): Reads {
  return new Proxy(reads, {
    get(target, name) {
      const read: unknown = Reflect.get(target, name);
      if (typeof read !== 'function') return read;
      return (...asked: readonly unknown[]) => fromStore(async () => Reflect.apply(read, target, asked));
    },
  });
}

/** By the time that a statement may take, or by an operator. */
const QUERY_CANCELED = '57014';

function isCancelled(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return error.code === QUERY_CANCELED;
  return error instanceof Prisma.PrismaClientKnownRequestError && driverCodeOf(error) === QUERY_CANCELED;
}

function isAway(error: unknown): boolean {
  if (isBusbarError(error)) return error.code === 'UNAVAILABLE';
  if (error instanceof pg.DatabaseError) return error.code !== undefined && isPassing(error.code);
  if (error instanceof Prisma.PrismaClientKnownRequestError) return isPrismaAway(error);
  // The driver and Node say that a connection failed by an ordinary Error; a mistake of ours has a class of its own.
  return error instanceof AggregateError || (error instanceof Error && error.name === 'Error');
}

/** What Prisma keeps of the database's own error. */
const DRIVER_ERROR = z.object({ driverAdapterError: z.object({ cause: z.object({ originalCode: z.string() }) }) });

/** Its own codes that begin with P1 are of the connection. */
function isPrismaAway(error: Prisma.PrismaClientKnownRequestError): boolean {
  const driverCode = driverCodeOf(error);
  return driverCode === undefined ? error.code.startsWith('P1') : isPassing(driverCode);
}

function driverCodeOf({ meta }: Prisma.PrismaClientKnownRequestError): string | undefined {
  return DRIVER_ERROR.safeParse(meta).data?.driverAdapterError.cause.originalCode;
}
