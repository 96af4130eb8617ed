import pg from 'pg';
import { z } from 'zod';
import { BusbarError, isBusbarError } from '../domain/errors.ts';
import { Prisma } from '../prisma/generated/client.ts';
import { isPassing } from '../prisma/transaction.ts';

/**
 * Asks the store for whoever asks from outside. The driver's own words name hosts, and go to the log only.
 * @throws BusbarError `UNAVAILABLE` where the store is away; anything else that was thrown as it is.
 */
export async function fromStore<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (cause) {
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
function isPrismaAway({ code, meta }: Prisma.PrismaClientKnownRequestError): boolean {
  const { data } = DRIVER_ERROR.safeParse(meta);
  return data ? isPassing(data.driverAdapterError.cause.originalCode) : code.startsWith('P1');
}
